/** What a CI checkout leaves of a folder: the files git would know, without everything that was built or installed. */
import { execFile } from "node:child_process";
import { copyFile, lstat, mkdir, readlink, symlink } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const MAX_LISTING_IN_BYTES = 256 * 1024 * 1024;

/** Where a step finds its files. */
export interface Workspace {
  readonly folder: string;
  /** The wanted folder, relative to `folder`. */
  readonly artifactsPath: string;
}

/**
 * Prepares the workspace that a step packs `source` from. In a git work tree that is a copy, in `copyFolder`, of
 * the files git does not ignore; elsewhere it is the folder itself.
 */
export async function prepareWorkspace(source: string, copyFolder: string): Promise<Workspace> {
  const files = await filesOfCheckout(source);
  if (files === undefined) {
    return { folder: path.dirname(source), artifactsPath: path.basename(source) };
  }
  const name = path.basename(source);
  for (const file of files) await copyEntry(source, path.join(copyFolder, name), file);
  return { folder: copyFolder, artifactsPath: name };
}

/** Paths below `source` that git does not ignore; undefined where git has no say. */
async function filesOfCheckout(source: string): Promise<string[] | undefined> {
  if (await isIgnored(source)) return undefined;
  const list = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
  const options = { cwd: source, maxBuffer: MAX_LISTING_IN_BYTES };
  const listing = await run("git", list, options).catch(() => undefined);
  return listing?.stdout.split("\0").filter((file) => file !== "");
}

/** `git check-ignore` ends 0 for what is ignored, 1 for what is not, 128 outside of a work tree. */
async function isIgnored(source: string): Promise<boolean> {
  return run("git", ["check-ignore", "--quiet", source], { cwd: source }).then(
    () => true,
    () => false,
  );
}

async function copyEntry(from: string, to: string, file: string): Promise<void> {
  const target = path.join(to, file);
  const status = await lstat(path.join(from, file)).catch(() => undefined);
  // A file that was deleted and not yet committed as such, or a submodule.
  if (status === undefined || status.isDirectory()) return;
  await mkdir(path.dirname(target), { recursive: true });
  if (status.isSymbolicLink()) await symlink(await readlink(path.join(from, file)), target);
  else await copyFile(path.join(from, file), target);
}
