/** The demo's command line. */
import path from "node:path";
import { parseArgs } from "node:util";
import { SCENARIOS } from "../emulator/scenarios.ts";
import { type DemoHostName, HOSTS } from "./hosts.ts";

/** What the demo is asked to show. */
export interface DemoOptions {
  readonly host: DemoHostName;
  /** Absolute path of the folder to bake; the example when not given. */
  readonly artifactsPath?: string;
  readonly scenario: string;
  /** Absolute path of the folder that receives every exchange with the emulator. */
  readonly record?: string;
}

/** What is wrong with the command line, in one line that lists the choices. */
export class UsageError extends Error {}

const FLAGS = {
  host: { type: "string", default: "action" },
  "artifacts-path": { type: "string" },
  record: { type: "string" },
  scenario: { type: "string", default: "succeeds" },
} as const;
const CHOICES = "--host action|task|local, --artifacts-path DIR, --record DIR, --scenario NAME";

/** @param startFolder folder that relative paths start from. @throws {UsageError} */
export function readOptions(args: string[], startFolder: string): DemoOptions {
  const values = parse(args);
  const artifactsPath = values["artifacts-path"];
  return {
    host: choice("--host", values.host, Object.keys(HOSTS)) as DemoHostName,
    scenario: choice(
      "--scenario",
      values.scenario,
      SCENARIOS.map((scenario) => scenario.name),
    ),
    ...(artifactsPath === undefined
      ? {}
      : { artifactsPath: path.resolve(startFolder, artifactsPath) }),
    ...(values.record === undefined ? {} : { record: path.resolve(startFolder, values.record) }),
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: FLAGS, strict: true, allowPositionals: false }).values;
  } catch (error) {
    const [sentence] = (error as Error).message.split(/\. (?=[A-Z])/);
    throw new UsageError(`${sentence?.replace(/\.$/, "")}. The choices are ${CHOICES}.`);
  }
}

function choice(flag: string, value: string, choices: readonly string[]): string {
  if (choices.includes(value)) return value;
  throw new UsageError(`${flag} is "${value}"; the choices are ${choices.join(", ")}.`);
}
