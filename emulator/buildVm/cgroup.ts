/** Limits for all processes of a build VM together, where the machine has control groups to give. */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const ROOT = "/sys/fs/cgroup";
const PREFIX = "azure-build-vm-";
const ATTEMPTS_TO_REMOVE = 40;

/** In the units of the kernel. */
export interface Limits {
  processes: number;
  memoryInBytes: number;
}

/** Groups made for one build VM; none where it is not possible. */
export interface ControlGroup {
  /** A process that writes its id to each of these files is a member. */
  memberFiles: string[];
  remove(): Promise<void>;
}

/** Never throws: a machine without control groups just has no such limits. */
export async function makeControlGroup(id: string, limits: Limits): Promise<ControlGroup> {
  const made: string[] = [];
  for (const { parent, settings } of await hierarchies(limits)) {
    const folder = join(parent, `${PREFIX}${process.pid}-${id}`);
    if (await make(folder, settings)) made.push(folder);
  }
  return {
    memberFiles: made.map((folder) => join(folder, "cgroup.procs")),
    remove: async () => {
      for (const folder of made) await remove(folder);
    },
  };
}

/** Removes what a killed emulator left. The groups of one that lives are not touched, even while they are empty. */
export async function removeEmptyControlGroups(): Promise<void> {
  const none = { processes: 0, memoryInBytes: 0 };
  for (const { parent } of await hierarchies(none)) {
    const names = await readdir(parent).catch(() => []);
    for (const name of names.filter(isOrphan)) {
      await rmdir(join(parent, name)).catch(() => undefined);
    }
  }
}

function isOrphan(name: string): boolean {
  const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
  return pid !== undefined && !existsSync(`/proc/${pid}`);
}

interface Hierarchy {
  parent: string;
  /** File and content. */
  settings: Record<string, string>;
}

async function hierarchies({ processes, memoryInBytes }: Limits): Promise<Hierarchy[]> {
  const pids = { "pids.max": String(processes) };
  const isUnified = await readFile(join(ROOT, "cgroup.controllers")).then(
    () => true,
    () => false,
  );
  if (isUnified) {
    const memory = { "memory.max": String(memoryInBytes), "memory.swap.max": "0" };
    await writeFile(join(ROOT, "cgroup.subtree_control"), "+pids +memory").catch(() => undefined);
    return [{ parent: ROOT, settings: { ...pids, ...memory } }];
  }
  const own = await ownGroups();
  return [
    { parent: join(ROOT, "pids", own["pids"] ?? ""), settings: pids },
    {
      parent: join(ROOT, "memory", own["memory"] ?? ""),
      settings: { "memory.limit_in_bytes": String(memoryInBytes) },
    },
  ];
}

/** Below the emulator's own group, whose limits go on to hold: by controller, as in `8:pids:/a`. */
async function ownGroups(): Promise<Record<string, string>> {
  const text = await readFile("/proc/self/cgroup", "utf8").catch(() => "");
  const lines = text.split("\n").map((line) => line.split(":"));
  return Object.fromEntries(lines.map(([, controller = "", path = ""]) => [controller, path]));
}

/** Whether the group is there and its limit on processes or memory holds. */
async function make(folder: string, settings: Record<string, string>): Promise<boolean> {
  try {
    await mkdir(folder);
  } catch {
    return false;
  }
  for (const [file, content] of Object.entries(settings)) {
    await writeFile(join(folder, file), content).catch(() => undefined);
  }
  return true;
}

/** Killed processes leave their group a moment after their death. */
async function remove(folder: string): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS_TO_REMOVE; attempt += 1) {
    const isGone = await rmdir(folder).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code === "ENOENT",
    );
    if (isGone) return;
    await sleep(50);
  }
}
