/** The disk of a build VM: a tmpfs in a mount namespace of its own, held by one process and gone with it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rmdir } from "node:fs/promises";
import { shellText } from "./shellText.ts";

/** What goes onto it. */
export interface DiskOptions {
  /** Made here, removed at the end. */
  folder: string;
  sizeInBytes: number;
  /** Of the user packer. */
  uid: number;
  /** PEM of the authority that the VM trusts. */
  ca: string;
  /** Folders of the machine that no script may read. */
  hiddenFolders: readonly string[];
}

/** Holds layers; see disk.sh. */
export class Disk {
  readonly folder: string;
  readonly #holder: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(folder: string, holder: ChildProcess) {
    this.folder = folder;
    this.#holder = holder;
    this.#exited = new Promise((resolve) => {
      holder.once("exit", resolve);
      holder.once("error", resolve);
    });
  }

  /** @throws {Error} with the words of what could not be done */
  static async make(options: DiskOptions): Promise<Disk> {
    const { folder, sizeInBytes, uid, ca, hiddenFolders } = options;
    await mkdir(folder, { recursive: true });
    const script = ["sh", "-c", await shellText("disk"), "disk", folder, String(sizeInBytes)];
    const rest = [String(uid), ca, await shellText("sudo"), ...hiddenFolders];
    // The kernel ends it with the emulator, even when that is killed.
    const holder = spawn(
      "setpriv",
      ["--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private", ...script, ...rest],
      { stdio: ["pipe", "pipe", "pipe"] },
    );
    const disk = new Disk(folder, holder);
    try {
      await untilReady(holder);
    } catch (error) {
      await disk.end();
      throw error;
    }
    return disk;
  }

  /** The process in whose mount namespace the disk is. */
  get pid(): number {
    return this.#holder.pid ?? 0;
  }

  /** Where the emulator sees one of its folders. Nothing below may be followed while the VM runs: it has links. */
  path(name: string): string {
    return `/proc/${this.pid}/root${this.folder}/${name}`;
  }

  async end(): Promise<void> {
    this.#holder.kill("SIGKILL");
    await this.#exited;
    await rmdir(this.folder).catch(() => undefined);
  }
}

async function untilReady(holder: ChildProcess): Promise<void> {
  let complaint = "";
  holder.stderr?.on("data", (chunk) => {
    complaint += chunk;
  });
  const failed = once(holder, "close").then(() => {
    throw new Error(`The disk of the build VM could not be made: ${complaint.trim()}`);
  });
  const ready = holder.stdout ? once(holder.stdout, "data") : failed;
  await Promise.race([ready, failed]);
}
