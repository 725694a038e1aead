/** Lists what an artifacts path holds, before anything is packed. Reads the file system, writes nothing. */
import { lstat, readdir, readlink, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { ArtifactError } from "../errors.ts";

/** One thing to pack. `name` is relative to the root, with `/` between folders. */
export type ArtifactEntry =
  | { readonly kind: "file"; name: string; source: string; mode: number; sizeInBytes: number }
  | { readonly kind: "folder"; name: string; mode: number }
  | { readonly kind: "link"; name: string; source: string; target: string };

/** Everything to pack, in an order that is the same for the same tree. */
export interface ArtifactPlan {
  /**
   * Last part of the artifacts path, in characters that blob names, shell commands and Windows paths all take.
   * Names the package and the default destination.
   */
  readonly name: string;
  readonly entries: readonly ArtifactEntry[];
  readonly fileCount: number;
  readonly sizeInBytes: number;
  /** Hidden files and folders that are left out, relative to the root. */
  readonly leftOut: readonly string[];
}

// Long enough for any name that a person gives, short enough for blob names and file systems.
const MAX_NAME_LENGTH = 80;

interface Walk {
  readonly root: string;
  readonly signal: AbortSignal;
  readonly entries: ArtifactEntry[];
  readonly leftOut: string[];
  readonly problems: string[];
}

/**
 * Lists the files below a folder, or a single file. Hidden entries (`.git` among them) are left out; a link
 * is kept when it stays inside the folder.
 * @throws {ArtifactError} naming everything that cannot be packed: sockets, pipes, links that lead out, bad names.
 */
export async function planArtifacts(
  artifactsPath: string,
  signal: AbortSignal,
): Promise<ArtifactPlan> {
  const root = await realpath(artifactsPath);
  const walk: Walk = { root, signal, entries: [], leftOut: [], problems: [] };
  if ((await stat(root)).isDirectory()) await walkFolder(walk, "");
  else await addEntry(walk, path.dirname(root), path.basename(root));
  if (walk.problems.length > 0) {
    throw new ArtifactError(`The artifacts in "${artifactsPath}" cannot be packed.`, {
      details: shortened(walk.problems),
      hint: "Remove these entries, or point the artifacts path at a folder without them.",
    });
  }
  const files = walk.entries.filter((entry) => entry.kind === "file");
  return {
    name: path
      .basename(root)
      .replace(/[^A-Za-z0-9._-]/g, "-")
      .slice(0, MAX_NAME_LENGTH),
    entries: walk.entries,
    fileCount: files.length,
    sizeInBytes: files.reduce((sum, file) => sum + file.sizeInBytes, 0),
    leftOut: walk.leftOut,
  };
}

const MAX_PROBLEMS = 20;

/** A hopeless tree can have thousands of bad entries; a reader has not. */
function shortened(problems: readonly string[]): string[] {
  const more = problems.length - MAX_PROBLEMS;
  const shown = problems.slice(0, MAX_PROBLEMS);
  return more > 0 ? [...shown, `And ${more} more.`] : shown;
}

async function walkFolder(walk: Walk, folder: string): Promise<void> {
  walk.signal.throwIfAborted();
  const names = await reading(walk, folder, () =>
    readdir(path.join(walk.root, folder), { encoding: "buffer" }),
  );
  if (!names) return;
  for (const name of names.sort(Buffer.compare)) {
    const text = name.toString("utf8");
    if (text.startsWith(".")) walk.leftOut.push(folder + text);
    else if (isPortableName(name, text)) await addEntry(walk, walk.root, folder + text);
    else
      walk.problems.push(
        `"${folder}${text}" (${name.toString("hex")}) has a name that not every system can hold.`,
      );
  }
}

/** A name that both tar and zip hold as it is: UTF-8, no backslash, no control character. */
function isPortableName(bytes: Buffer, text: string): boolean {
  return Buffer.from(text, "utf8").equals(bytes) && !/[\\\p{Cc}]/u.test(text);
}

/** Undefined, and a problem more, when the file system refuses. */
async function reading<T>(
  walk: Walk,
  name: string,
  read: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : error;
    walk.problems.push(`"${name}" cannot be read (${code}).`);
    return undefined;
  }
}

async function addEntry(walk: Walk, base: string, name: string): Promise<void> {
  const source = path.join(base, name);
  const facts = await reading(walk, name, () => lstat(source));
  if (!facts) return;
  const mode = facts.mode & 0o777;
  if (facts.isFile()) {
    walk.entries.push({ kind: "file", name, source, mode, sizeInBytes: facts.size });
  } else if (facts.isDirectory()) {
    walk.entries.push({ kind: "folder", name, mode });
    await walkFolder(walk, `${name}/`);
  } else if (facts.isSymbolicLink()) {
    await addLink(walk, source, name);
  } else {
    walk.problems.push(`"${name}" is neither a file, a folder nor a link.`);
  }
}

async function addLink(walk: Walk, source: string, name: string): Promise<void> {
  const real = await realpath(source).catch(() => undefined);
  const problem = linkProblem(walk.root, real);
  if (problem) walk.problems.push(`"${name}" is a link ${problem}.`);
  else
    walk.entries.push({ kind: "link", name, source, target: await relativeTarget(source, real) });
}

function linkProblem(root: string, real: string | undefined): string | undefined {
  if (real === undefined) return "that leads nowhere";
  if (!isInside(root, real)) return "that leads out of the folder";
  const isToHidden = hasHiddenPart(path.relative(root, real));
  return isToHidden ? "to something hidden, which is not packed" : undefined;
}

/** An absolute target would point at this machine's folder, so it becomes relative. */
async function relativeTarget(source: string, real = source): Promise<string> {
  const target = await readlink(source);
  const relative = path.isAbsolute(target) ? path.relative(path.dirname(source), real) : target;
  return relative.split(path.sep).join("/");
}

/** True when a part of a relative path is hidden. */
export function hasHiddenPart(relativePath: string): boolean {
  return relativePath.split(path.sep).some((part) => part.startsWith("."));
}

/** True for the folder itself and everything below it. */
export function isInside(folder: string, candidate: string): boolean {
  const relative = path.relative(folder, candidate);
  return (
    relative === "" ||
    (!relative.startsWith(`..${path.sep}`) && relative !== ".." && !path.isAbsolute(relative))
  );
}
