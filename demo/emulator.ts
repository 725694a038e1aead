/** Starts the emulator beside a demo and asks it what is there. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const ENTRY = path.join(import.meta.dirname, "../emulator/main.ts");
const READY_TIMEOUT_IN_MS = 20_000;

/** What a demo may ask of the emulator. */
export interface EmulatorOptions {
  /** Folder for the env file. */
  readonly folder: string;
  readonly scenario?: string;
  /** Folder that receives every exchange. */
  readonly record?: string;
}

/** A running emulator. */
export interface Emulator {
  /** The lines of the env file. */
  readonly env: Readonly<Record<string, string>>;
  /** Reads one list of the control endpoint, such as `/templates`. */
  list<T>(name: string): Promise<T[]>;
  /** Ends the process and waits for its end. */
  stop(): Promise<void>;
}

/** Resolves when the emulator answers. @throws with its own words when it does not start. */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const envFile = path.join(options.folder, "emulator.env");
  // A process group of its own: after Ctrl-C the step still needs the emulator to cancel and clean up.
  // Without the `--`, node takes `--env-file` for an option of its own.
  const child = spawn(process.execPath, ["--", ENTRY, ...commandLine(envFile, options)], {
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  const stop = stopper(child);
  const env = await untilReady(child, envFile);
  if (env === undefined) {
    await stop();
    throw new Error(`The emulator did not start. ${complaint.trim()}`);
  }
  return { env, list: (name) => readList(env["EMULATOR_CONTROL_URL"] ?? "", name), stop };
}

function commandLine(envFile: string, { scenario, record }: EmulatorOptions): string[] {
  return [
    ...["--env-file", envFile],
    ...(scenario === undefined ? [] : ["--scenario", scenario]),
    ...(record === undefined ? [] : ["--record", record]),
  ];
}

function stopper(child: ChildProcess): () => Promise<void> {
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  return async () => {
    child.kill("SIGTERM");
    await ended;
  };
}

/** The env file's last line tells that it is whole. */
async function untilReady(
  child: ChildProcess,
  envFile: string,
): Promise<Record<string, string> | undefined> {
  for (let waitedInMs = 0; waitedInMs < READY_TIMEOUT_IN_MS; waitedInMs += 50) {
    const text = await readFile(envFile, "utf8").catch(() => "");
    if (text.includes("EMULATOR_CONTROL_URL=")) return readLines(text);
    if (child.exitCode !== null) return undefined;
    await sleep(50);
  }
  return undefined;
}

function readLines(text: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => line.includes("="));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}

async function readList<T>(controlUrl: string, name: string): Promise<T[]> {
  const answer = await fetch(new URL(name, controlUrl));
  if (!answer.ok) throw new Error(`The emulator answered ${answer.status} to ${name}.`);
  return (await answer.json()) as T[];
}
