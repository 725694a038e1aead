/** A running build VM: starts its namespaces, talks to the agent that is its first process. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { closeSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Disk } from "./disk.ts";
import { Lines } from "./lines.ts";
import { makePipe } from "./pipe.ts";
import { shellText } from "./shellText.ts";

// What a script has printed is read well within this; a daemon that prints on and on must not hold the session.
const LONGEST_WAIT_FOR_OUTPUT_IN_MS = 2000;

/** Where the output of a script goes, line by line. */
export interface OutputSink {
  stdout(line: string): void;
  stderr(line: string): void;
}

/** What it takes to boot. */
export interface BootOptions {
  disk: Disk;
  /** Name of the new layer that takes the changes. */
  layer: string;
  /** Names of layers below it, the uppermost first. */
  layersBelow: readonly string[];
  uid: number;
  /** See ControlGroup. */
  memberFiles: readonly string[];
}

interface Session {
  tag: string;
  sink: OutputSink;
  /** Streams that have not come to the end of this session's output. */
  open: Set<keyof OutputSink>;
  onDrained: () => void;
  onCode: (code: number | undefined) => void;
}

/** Does one thing at a time. */
export class Machine {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #session: Session | undefined;

  private constructor(child: ChildProcess, stdout: Readable, stderr: Readable) {
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once("exit", () => resolve());
      child.once("error", () => resolve());
    });
    this.#read("stdout", stdout);
    this.#read("stderr", stderr);
    // Writing to a VM that died in the middle is not an error of the emulator.
    child.stdin?.on("error", () => undefined);
    const answers = createInterface({ input: child.stdio[3] as Readable });
    answers.on("line", (line) => this.#answer(line));
  }

  /** Resolves when scripts can run. @throws {Error} with the words of what could not be done */
  static async boot(options: BootOptions): Promise<Machine> {
    const { disk, uid } = options;
    const pipeName = join(dirname(disk.folder), randomBytes(6).toString("hex"));
    const stdout = await makePipe(`${pipeName}.out`, uid);
    const stderr = await makePipe(`${pipeName}.err`, uid);
    const [command = "", ...args] = await commandLine(options);
    const child = spawn(command, args, {
      stdio: ["pipe", stdout.writer, stderr.writer, "pipe"],
      cwd: "/",
    });
    closeSync(stdout.writer);
    closeSync(stderr.writer);
    let complaint = "";
    const listen = (chunk: Buffer) => {
      complaint += chunk.toString();
    };
    stderr.reader.on("data", listen);
    const machine = new Machine(child, stdout.reader, stderr.reader);
    const dead = machine.#exited.then(() => {
      throw new Error(`The build VM could not be booted: ${complaint.trim()}`);
    });
    await Promise.race([once(child.stdio[3] as Readable, "data"), dead]);
    stderr.reader.off("data", listen);
    return machine;
  }

  /** A process in the VM's network namespace, but in no other of its. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Runs one line of shell as packer. Answers its exit code; undefined when the session or the VM was cut off. */
  run(command: string, sink: OutputSink): Promise<number | undefined> {
    return this.#perform("run", command, sink);
  }

  /** Writes a file as packer. Answers as `run` does. */
  put(path: string, content: Buffer, sink: OutputSink): Promise<number | undefined> {
    return this.#perform("put", `${content.length} ${path}`, sink, content);
  }

  /** Resolves when no process of the VM is left. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  async #perform(
    verb: string,
    text: string,
    sink: OutputSink,
    content?: Buffer,
  ): Promise<number | undefined> {
    const tag = randomBytes(12).toString("hex");
    const input = this.#child.stdin as Writable;
    let drain = () => {};
    const drained = new Promise<void>((resolve) => {
      drain = resolve;
    });
    const answered = new Promise<number | undefined>((onCode) => {
      const open = new Set<keyof OutputSink>(["stdout", "stderr"]);
      this.#session = { tag, sink, open, onDrained: drain, onCode };
    });
    input.write(`${verb} ${tag} ${text}\n`);
    if (content) input.write(content);
    const answer = await Promise.race([answered, this.#exited.then(() => undefined)]);
    await within(LONGEST_WAIT_FOR_OUTPUT_IN_MS, drained);
    this.#session = undefined;
    return answer;
  }

  #read(name: keyof OutputSink, stream: Readable): void {
    const lines = new Lines((line) => this.#line(name, line));
    stream.on("data", (chunk: Buffer) => lines.add(chunk));
    stream.on("error", () => undefined);
    stream.once("close", () => {
      lines.end();
      this.#streamEnded(name);
    });
  }

  #line(name: keyof OutputSink, line: string): void {
    const session = this.#session;
    if (!session?.open.has(name)) return;
    const isLast = line.endsWith(session.tag);
    const text = isLast ? line.slice(0, -session.tag.length) : line;
    if (text || !isLast) session.sink[name](text);
    if (isLast) this.#streamEnded(name);
  }

  #streamEnded(name: keyof OutputSink): void {
    this.#session?.open.delete(name);
    if (this.#session?.open.size === 0) this.#session.onDrained();
  }

  #answer(line: string): void {
    const [tag, code] = line.trim().split(" ");
    if (tag !== this.#session?.tag) return;
    this.#session?.onCode(code === undefined ? undefined : Number(code));
  }
}

// Each step needs the one before: the limits, the disk's mount namespace, the VM's own namespaces.
const BOOT = `for file in $1; do echo $$ >"$file" || exit 1; done; shift
exec nsenter --target "$1" --mount -- unshare --mount --propagation private --pid --fork --kill-child=KILL \\
  --ipc --uts --net --cgroup sh -c "$2" machine "$3" "$4" "$5" "$6"`;

async function commandLine(options: BootOptions): Promise<string[]> {
  const { disk, layer, layersBelow, memberFiles } = options;
  const layers = [...layersBelow, "base", "mask", "/"].join(":");
  const [machine, agent] = await Promise.all([shellText("machine"), shellText("agent")]);
  const given = [memberFiles.join(" "), String(disk.pid), machine, disk.folder, layer];
  return ["setpriv", "--pdeathsig", "KILL", "sh", "-c", BOOT, "boot", ...given, layers, agent];
}

async function within(limitInMs: number, work: Promise<void>): Promise<void> {
  const timer = new AbortController();
  await Promise.race([work, sleep(limitInMs, undefined, { signal: timer.signal }).catch(() => {})]);
  timer.abort();
}
