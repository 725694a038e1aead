/** Packs a plan of artifacts into one file: the same tree gives the same bytes. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import path from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Archiver, type EntryData, TarArchive, ZipArchive } from "archiver";
import { ArtifactError } from "../errors.ts";
import type { ArtifactEntry, ArtifactPlan } from "./walk.ts";

/** A package on disk. */
export interface ArtifactPackage {
  readonly file: string;
  /** What the package is called on its way, such as `web-server.tar.gz`. */
  readonly fileName: string;
  readonly sizeInBytes: number;
  /** Lower-case hex, the form that the service compares. */
  readonly sha256: string;
}

/** How and where to pack. */
export interface PackOptions {
  /** `tar.gz` keeps modes, for Linux; `zip` is what Windows unpacks without help. */
  readonly format: "tar.gz" | "zip";
  /** Folder that receives the package. */
  readonly folder: string;
  readonly maxSizeInBytes: number;
  readonly signal: AbortSignal;
}

/** The package grew beyond what may travel; nothing is left on disk. */
export class PackageTooLarge extends ArtifactError {}

// Times and owners of the checkout are noise: every entry gets the same, so that equal trees are equal packages.
const ENTRY_DATE = new Date("2000-01-01T00:00:00Z");

/**
 * Packs the plan into one file.
 * @throws {PackageTooLarge} as soon as the package passes the limit.
 * @throws {ArtifactError} when a file changes, vanishes or cannot be read while it is packed.
 */
export async function packArtifacts(
  plan: ArtifactPlan,
  options: PackOptions,
): Promise<ArtifactPackage> {
  const fileName = `${plan.name}.${options.format}`;
  const file = path.join(options.folder, fileName);
  const archive = options.format === "zip" ? newZip() : newTarGz();
  const hash = createHash("sha256");
  const meter = measure(options.maxSizeInBytes, (chunk) => hash.update(chunk));
  try {
    const written = pipeline(archive, meter, createWriteStream(file), { signal: options.signal });
    await Promise.all([written, fill(archive, plan.entries, options)]);
  } catch (error) {
    archive.destroy();
    await rm(file, { force: true });
    throw error;
  }
  return { file, fileName, sizeInBytes: (await stat(file)).size, sha256: hash.digest("hex") };
}

function newZip(): Archiver {
  return new ZipArchive({ zlib: { level: 6 } });
}

function newTarGz(): Archiver {
  return new TarArchive({ gzip: true, gzipOptions: { level: 6 } });
}

function measure(maxSizeInBytes: number, seen: (chunk: Buffer) => void): Transform {
  let sizeInBytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sizeInBytes += chunk.length;
      seen(chunk);
      if (sizeInBytes <= maxSizeInBytes) done(null, chunk);
      else done(new PackageTooLarge(`The package is larger than ${maxSizeInBytes} bytes.`));
    },
  });
}

async function fill(
  archive: Archiver,
  entries: readonly ArtifactEntry[],
  options: PackOptions,
): Promise<void> {
  for (const entry of entries) {
    options.signal.throwIfAborted();
    await addEntry(archive, entry, options);
  }
  await archive.finalize();
}

async function addEntry(
  archive: Archiver,
  entry: ArtifactEntry,
  options: PackOptions,
): Promise<void> {
  if (entry.kind === "file") return addFile(archive, entry);
  if (entry.kind === "link" && options.format === "zip") return addLinkedFile(archive, entry);
  const added = once(archive, "entry");
  archive.append("", entry.kind === "folder" ? folderData(entry) : linkData(entry));
  await added;
}

type File = Extract<ArtifactEntry, { kind: "file" }>;
type Folder = Extract<ArtifactEntry, { kind: "folder" }>;
type Link = Extract<ArtifactEntry, { kind: "link" }>;

function folderData(folder: Folder): EntryData {
  return { name: `${folder.name}/`, type: "directory", mode: folder.mode, date: ENTRY_DATE };
}

/** Not `archive.symlink()`, which stamps the present time. */
function linkData(link: Link): EntryData & { linkname: string } {
  const { name, target } = link;
  return { name, type: "symlink", linkname: target, mode: 0o777, date: ENTRY_DATE };
}

/** Windows' own unzip makes a text file of a link, so the content travels instead. */
async function addLinkedFile(archive: Archiver, link: Link): Promise<void> {
  const facts = await stat(link.source);
  if (!facts.isFile()) {
    throw new ArtifactError(
      `"${link.name}" is a link to a folder, which a zip package cannot hold.`,
      {
        hint: "Replace the link by the folder, or leave it out of the artifacts.",
      },
    );
  }
  const { name, source } = link;
  await addFile(archive, {
    kind: "file",
    name,
    source,
    mode: facts.mode & 0o777,
    sizeInBytes: facts.size,
  });
}

async function addFile(archive: Archiver, file: File): Promise<void> {
  const exact = exactly(file);
  try {
    const facts = await stat(file.source);
    const added = once(archive, "entry");
    archive.append(exact, { name: file.name, mode: file.mode, date: ENTRY_DATE, stats: facts });
    await Promise.all([pipeline(createReadStream(file.source), exact), added]);
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    throw new ArtifactError(`"${file.name}" cannot be read: ${error.message}.`, { cause: error });
  }
}

/** Passes a file through and refuses one that is not as long as it was when the plan was made. */
function exactly(file: File): Transform {
  let left = file.sizeInBytes;
  const changed = (): Error =>
    new ArtifactError(`"${file.name}" changed while it was packed.`, {
      hint: "Make sure that nothing writes to the artifacts while this step runs.",
    });
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      left -= chunk.length;
      if (left < 0) done(changed());
      else done(null, chunk);
    },
    flush(done) {
      done(left === 0 ? null : changed());
    },
  });
}
