/** Starts the emulator as its own process, the way a user does, for tests that talk to it. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const READY_TIMEOUT_IN_MS = 60_000;

/** Options of the command line, and the clock. */
export interface EmulatorOptions {
  scenario?: string;
  /** @default the emulator's own, 60 */
  speed?: number;
  /**
   * Folder for one file per ARM exchange.
   * @default the environment variable EMULATOR_RECORD_DIR; no recording without it
   */
  record?: string;
  /** Origin of the emulated clock in ms since the epoch, shared with a scaled client. */
  origin?: number;
  withoutRoles?: readonly string[];
  /** Further words of its command line. */
  moreArguments?: readonly string[];
}

/** The control endpoint; each call throws with its words when refused. */
export interface Control {
  get<T>(path: string): Promise<T>;
  post(path: string, body: unknown): Promise<void>;
  delete(path: string): Promise<void>;
}

/** An emulator in a process of its own. */
export interface RunningEmulator {
  /** The lines of the env file. */
  env: Record<string, string>;
  /** Of the emulator's process. */
  pid: number;
  control: Control;
  /** Ends the process by its id and waits for it; answers its exit code. */
  stop(): Promise<number | null>;
}

/** Resolves when the env file is written; rejects with the emulator's own words when it does not start. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<RunningEmulator> {
  const folder = await mkdtemp(join(tmpdir(), "emulator-env-"));
  const envFile = join(folder, "emulator.env");
  const child = spawn(resolve("node_modules/.bin/node"), commandLine(envFile, options), {
    env: environment(options),
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = new Promise<number | null>((done) => child.once("exit", (code) => done(code)));
  const stop = async () => {
    child.kill("SIGTERM");
    const code = await exited;
    await rm(folder, { recursive: true, force: true });
    return code;
  };
  try {
    const env = await untilReady(child, envFile);
    return {
      env,
      pid: child.pid ?? 0,
      control: controlOf(env["EMULATOR_CONTROL_URL"] ?? ""),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function commandLine(envFile: string, options: EmulatorOptions): string[] {
  const record = options.record ?? process.env["EMULATOR_RECORD_DIR"];
  return [
    // Without the dashes node takes --env-file for an option of its own, wherever it stands.
    "--",
    "emulator/main.ts",
    "--env-file",
    envFile,
    ...(options.scenario ? ["--scenario", options.scenario] : []),
    ...(options.speed ? ["--speed", String(options.speed)] : []),
    ...(record ? ["--record", record] : []),
    ...(options.withoutRoles ?? []).flatMap((role) => ["--without-role", role]),
    ...(options.moreArguments ?? []),
  ];
}

function environment(options: EmulatorOptions): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, ...env } = process.env;
  return options.origin === undefined
    ? env
    : { ...env, EMULATOR_CLOCK_ORIGIN: String(options.origin) };
}

async function untilReady(child: ChildProcess, envFile: string): Promise<Record<string, string>> {
  let complaint = "";
  child.stderr?.on("data", (chunk) => {
    complaint += chunk;
  });
  const giveUpAt = Date.now() + READY_TIMEOUT_IN_MS;
  while (Date.now() < giveUpAt && child.exitCode === null) {
    const text = await readFile(envFile, "utf8").catch(() => "");
    if (text) return parseEnv(text);
    await sleep(20);
  }
  throw new Error(`The emulator did not start: ${complaint.trim() || "no env file in time"}`);
}

function parseEnv(text: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => line.includes("="));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}

function controlOf(url: string): Control {
  const call = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(new URL(path, url), {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text;
  };
  return {
    get: async <T>(path: string) => JSON.parse(await call("GET", path)) as T,
    post: async (path, body) => void (await call("POST", path, body)),
    delete: async (path) => void (await call("DELETE", path)),
  };
}
