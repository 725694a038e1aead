/** The command line. Pure. */
import { parseArgs } from "node:util";
import { BUILD_VM_KINDS, type BuildVmKind } from "./buildVm/kinds.ts";
import { isRoleName, ROLES, type RoleName } from "./roles.ts";
import { findScenario, SCENARIOS } from "./scenarios.ts";

/** One line. */
export const USAGE =
  "Usage: npm run emulator -- --env-file FILE [--port N] [--record DIR] [--scenario NAME] [--state-dir DIR] [--speed N] [--without-role NAME] [--build-vm auto|overlay|simulated] [--build-vm-disk-in-gb N]";

/** What was asked for cannot be done; the message is one line. */
export class UsageError extends Error {}

/** Options, checked. */
export interface CommandLine {
  envFile: string;
  /** 0 takes any free port. */
  port: number;
  recordFolder?: string;
  scenario: string;
  stateFolder?: string;
  speed: number;
  withoutRoles: RoleName[];
  buildVm: BuildVmKind;
  /** Bounds what a build may write. */
  buildVmDiskInGb: number;
}

const DEFAULT_SPEED = 60;

/** @throws {UsageError} */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const values = parsed(args);
  if (!values["env-file"]) throw new UsageError(`Option --env-file is missing. ${USAGE}`);
  return {
    envFile: values["env-file"],
    port: wholeNumber("port", values.port ?? "0", 65_535),
    scenario: scenarioName(values.scenario ?? "succeeds"),
    speed: positiveNumber("speed", values.speed ?? String(DEFAULT_SPEED)),
    withoutRoles: (values["without-role"] ?? []).map(roleName),
    buildVm: buildVmKind(values["build-vm"] ?? "auto"),
    buildVmDiskInGb: positiveNumber("build-vm-disk-in-gb", values["build-vm-disk-in-gb"] ?? "2"),
    ...(values.record ? { recordFolder: values.record } : {}),
    ...(values["state-dir"] ? { stateFolder: values["state-dir"] } : {}),
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        "env-file": { type: "string" },
        port: { type: "string" },
        record: { type: "string" },
        scenario: { type: "string" },
        "state-dir": { type: "string" },
        speed: { type: "string" },
        "without-role": { type: "string", multiple: true },
        "build-vm": { type: "string" },
        "build-vm-disk-in-gb": { type: "string" },
      },
    }).values;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${reason} ${USAGE}`.replaceAll("\n", " "));
  }
}

function scenarioName(name: string): string {
  if (findScenario(name)) return name;
  const known = SCENARIOS.map((scenario) => scenario.name).join(", ");
  throw new UsageError(`There is no scenario "${name}"; the scenarios are ${known}.`);
}

function roleName(name: string): RoleName {
  if (isRoleName(name)) return name;
  const known = ROLES.map((role) => role.name).join(", ");
  throw new UsageError(`There is no role "${name}"; the roles are ${known}.`);
}

function buildVmKind(text: string): BuildVmKind {
  const kind = BUILD_VM_KINDS.find((known) => known === text);
  if (kind) return kind;
  throw new UsageError(
    `Option --build-vm is "${text}"; expected one of ${BUILD_VM_KINDS.join(", ")}.`,
  );
}

function wholeNumber(option: string, text: string, highest: number): number {
  if (/^\d+$/.test(text) && Number(text) <= highest) return Number(text);
  throw new UsageError(
    `Option --${option} is "${text}"; expected a whole number up to ${highest}.`,
  );
}

function positiveNumber(option: string, text: string): number {
  if (/^\d+(\.\d+)?$/.test(text) && Number(text) > 0) return Number(text);
  throw new UsageError(`Option --${option} is "${text}"; expected a number above 0.`);
}
