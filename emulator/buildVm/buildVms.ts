/** Which build VMs this machine can give, and all that are there. */
import { execFile } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { type BuildVm, type Customizers, SimulatedCustomizers } from "../customizers.ts";
import type { Template } from "../template.ts";
import type { Timeline } from "../timeline.ts";
import { removeEmptyControlGroups } from "./cgroup.ts";
import type { BuildVmKind } from "./kinds.ts";
import { type BuildVmSettings, OverlayBuildVm } from "./overlayBuildVm.ts";

const TOOLS = [
  "unshare",
  "nsenter",
  "setpriv",
  "ip",
  "mount",
  "pivot_root",
  "mkfifo",
  "tar",
  "gzip",
];
const GIBIBYTE = 1024 ** 3;
const FIRST_UID = 10_001;

/** What the composition root knows; the rest has one sensible value. */
export type BuildVmsOptions = Omit<BuildVmSettings, "diskSizeInBytes" | "limits" | "uid"> & {
  kind: BuildVmKind;
  /** @default 2 */
  diskSizeInGb?: number;
};

/** Really runs what can be, and pretends the rest. */
export class BuildVms implements Customizers {
  readonly #settings: BuildVmSettings;
  /** Why nothing really runs; undefined when it does. */
  readonly #reason: Promise<string | undefined>;
  readonly #vms = new Set<Promise<OverlayBuildVm>>();

  private constructor(settings: BuildVmSettings, reason: Promise<string | undefined>) {
    this.#settings = settings;
    this.#reason = reason;
  }

  /** @throws {Error} when `overlay` was asked for and this machine has not what it takes */
  static async make({ kind, diskSizeInGb = 2, ...rest }: BuildVmsOptions): Promise<BuildVms> {
    const diskSizeInBytes = Math.round(diskSizeInGb * GIBIBYTE);
    const limits = { processes: 1024, memoryInBytes: diskSizeInBytes + 2 * GIBIBYTE };
    const settings = { ...rest, diskSizeInBytes, limits, uid: await freeUid() };
    await mkdir(settings.folder, { recursive: true, mode: 0o700 });
    if (kind === "simulated") {
      return new BuildVms(settings, Promise.resolve("--build-vm simulated was asked for"));
    }
    const reason = obstacle(settings);
    if (kind === "overlay") {
      const found = await reason;
      if (found) throw new Error(`This machine cannot run a build VM: ${found}.`);
    }
    return new BuildVms(settings, reason);
  }

  async boot(template: Template, timeline: Timeline): Promise<BuildVm> {
    const reason =
      template.osType === "Linux" ? await this.#reason : `a ${template.osType} VM cannot run here`;
    if (reason) return new SimulatedCustomizers(this.#settings.behaviour, reason).boot(template);
    const booting = OverlayBuildVm.boot(this.#settings, template, () => this.#vms.delete(booting));
    this.#vms.add(booting);
    try {
      return await timeline.spend(booting);
    } catch (error) {
      this.#vms.delete(booting);
      await booting.then(
        (vm) => vm.end(),
        () => undefined,
      );
      throw error;
    }
  }

  /** Ends every build VM, also one that is only booting. */
  async stop(): Promise<void> {
    await this.#reason.catch(() => undefined);
    const ends = [...this.#vms].map((booting) => booting.then((vm) => vm.end()));
    await Promise.allSettled(ends);
  }
}

/** Why no build VM can run on this machine: tried by running one. */
async function obstacle(settings: BuildVmSettings): Promise<string | undefined> {
  if (process.platform !== "linux") return `${process.platform} has no overlay file system`;
  if (process.getuid?.() !== 0) return "the emulator does not run as root";
  for (const tool of TOOLS) {
    const isThere = await promisify(execFile)("sh", ["-c", `command -v ${tool}`]).then(
      () => true,
      () => false,
    );
    if (!isThere) return `there is no ${tool} here`;
  }
  await removeEmptyControlGroups();
  try {
    return await OverlayBuildVm.tryOut(settings);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return message.replaceAll("\n", " ").trim();
  }
}

/** The first above 10000 that neither a user nor a group of the machine has. */
async function freeUid(): Promise<number> {
  const files = ["/etc/passwd", "/etc/group"].map((file) => readFile(file, "utf8").catch(() => ""));
  const text = (await Promise.all(files)).join("\n");
  let uid = FIRST_UID;
  while (text.includes(`:${uid}:`)) uid += 1;
  return uid;
}
