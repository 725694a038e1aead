/** Runs one node process as a host does, and hands over its output line by line. */
import { type ChildProcess, spawn } from "node:child_process";
import { performance } from "node:perf_hooks";
import type { Readable } from "node:stream";
import type { PlannedSignal } from "./step.ts";

/** What to run, and who listens. */
export interface NodeProcess {
  readonly nodePath: string;
  readonly arguments: readonly string[];
  readonly workingFolder: string;
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly signals: readonly PlannedSignal[];
  readonly onLine: (line: string, stream: "stdout" | "stderr") => void;
}

/** How it ended, and everything it wrote. */
export interface EndedProcess {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationInMs: number;
}

/** Runs the process to its end. @throws when it cannot be started. */
export async function runNode(request: NodeProcess): Promise<EndedProcess> {
  const startedAt = performance.now();
  // A process group of its own: Ctrl-C in a terminal must reach the host first, not the step.
  const child = spawn(request.nodePath, request.arguments, {
    cwd: request.workingFolder,
    env: request.env as NodeJS.ProcessEnv,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const timers = request.signals.map((planned) => plan(planned, child));
  const stdout = readLines(child.stdout, (line) => request.onLine(line, "stdout"));
  const stderr = readLines(child.stderr, (line) => request.onLine(line, "stderr"));
  const [exitCode, signal] = await ended(child);
  for (const cancel of timers) cancel();
  return {
    exitCode,
    signal,
    stdout: stdout(),
    stderr: stderr(),
    durationInMs: performance.now() - startedAt,
  };
}

function ended(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode, signal) => resolve([exitCode, signal]));
  });
}

/** Sends the signal when its time comes; the returned function calls it off. */
function plan(planned: PlannedSignal, child: ChildProcess): () => void {
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const send = (): void => {
    if (!isOver) child.kill(planned.signal);
  };
  planned.after.then(
    () => {
      if (!isOver) timer = setTimeout(send, planned.delayInMs ?? 0);
    },
    () => {},
  );
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}

/** Splits as .NET's ReadLine does, by CR, LF or CRLF: a bare CR starts a line that may be a command. */
function readLines(stream: Readable, onLine: (line: string) => void): () => string {
  let text = "";
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    text += chunk;
    rest += chunk;
    // A CR at the end may be half of a CRLF, so it waits for the next chunk.
    for (let end = /\r\n|\n|\r(?!$)/.exec(rest); end; end = /\r\n|\n|\r(?!$)/.exec(rest)) {
      onLine(rest.slice(0, end.index));
      rest = rest.slice(end.index + end[0].length);
    }
  });
  stream.on("end", () => {
    if (rest !== "") onLine(rest.replace(/\r$/, ""));
    rest = "";
  });
  return () => text;
}
