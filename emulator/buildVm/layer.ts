/**
 * The changes of a build as a tar layer, as container images have them: deleted files are `.wh.NAME`, a folder that
 * replaces another holds `.wh..wh..opq`. Source: OCI image-spec, layer.md.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { lstat, readdir, readFile, rm, rmdir, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const ACCOUNT_FILES = ["passwd", "shadow", "group", "gshadow", "subuid", "subgid"];
const TAR_BLOCK_IN_BYTES = 512;

/**
 * Writes the layer, gzip-compressed. The VM must not run any more: its folder is changed on the way.
 * @param folder upper folder of an overlay
 */
export async function writeLayer(folder: string, file: string): Promise<void> {
  await removePacker(folder);
  const folders: string[] = [];
  await convertWhiteouts(folder, "", folders);
  for (const opaque of await opaqueFolders(folder, folders)) {
    await mark(join(folder, opaque), ".wh..opq");
  }
  const names = await readdir(folder);
  const what = names.length > 0 ? names.map((name) => `./${name}`) : ["--files-from", "/dev/null"];
  // A script can make a file larger than every disk that holds nothing: its holes are not packed.
  const keep = ["--sparse", "--xattrs", "--xattrs-include=security.capability"];
  const strip = ["--transform", "flags=r;s,^\\./,,"];
  const form = ["--numeric-owner", "--sort=name", ...strip, "-I", "gzip -1"];
  await run("tar", ["-C", folder, ...keep, ...form, "-cf", file, ...what]);
}

/** As `waagent -deprovision+user` does: nobody finds the build's own user in the image. */
async function removePacker(folder: string): Promise<void> {
  if (await isOwn(join(folder, "home"), "folder")) {
    await rm(join(folder, "home/packer"), { recursive: true, force: true });
    await rmdir(join(folder, "home")).catch(() => undefined);
  }
  if (!(await isOwn(join(folder, "etc"), "folder"))) return;
  for (const name of ACCOUNT_FILES.flatMap((name) => [name, `${name}-`])) {
    const file = join(folder, "etc", name);
    if (!(await isOwn(file, "file"))) continue;
    const text = await readFile(file, "latin1");
    await writeFile(file, text.replace(/^packer:.*\n/gm, ""), "latin1");
  }
}

/** Not a link: a script could make one that leads out of the image, to the machine's own files. */
async function isOwn(path: string, kind: "folder" | "file"): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return (kind === "folder" ? found?.isDirectory() : found?.isFile()) ?? false;
}

/** An overlay marks what was deleted with a device 0:0. Collects the folders on its way, without following links. */
async function convertWhiteouts(root: string, path: string, folders: string[]): Promise<void> {
  for (const entry of await readdir(join(root, path), { withFileTypes: true })) {
    const inside = join(path, entry.name);
    if (entry.name.startsWith(".wh.")) continue;
    if (entry.isDirectory()) {
      folders.push(inside);
      await convertWhiteouts(root, inside, folders);
    } else if (entry.isCharacterDevice()) {
      await unlink(join(root, inside));
      await mark(join(root, path), entry.name);
    }
  }
}

/** Names that begin so are reserved in a layer: a script's own file of this name gives way, and is never followed. */
async function mark(folder: string, name: string): Promise<void> {
  const file = join(folder, `.wh.${name}`);
  await rm(file, { recursive: true, force: true });
  await writeFile(file, "", { flag: "wx" });
}

/** Only tar, of what every machine has, shows the attribute with which an overlay marks such a folder. */
async function opaqueFolders(root: string, folders: readonly string[]): Promise<string[]> {
  if (folders.length === 0) return [];
  const attribute = "trusted.overlay.opaque";
  const tar = spawn(
    "tar",
    [
      ...["-C", root, "--format=pax", "--xattrs", `--xattrs-include=${attribute}`],
      ...["--no-recursion", "--null", "--files-from", "-", "-cf", "-"],
    ],
    { stdio: ["pipe", "pipe", "ignore"] },
  );
  tar.stdin.end(folders.map((folder) => `${folder}\0`).join(""));
  const chunks: Buffer[] = [];
  tar.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(tar, "close");
  return markedFolders(Buffer.concat(chunks), folders, `SCHILY.xattr.${attribute}=y`);
}

/** The entries are in the order asked for; before a marked one stands a header of type `x` with the mark. */
function markedFolders(tar: Buffer, folders: readonly string[], mark: string): string[] {
  const marked: string[] = [];
  let isMarked = false;
  let index = 0;
  for (let at = 0; tar[at]; ) {
    const type = String.fromCharCode(tar[at + 156] ?? 0);
    const sizeInBytes = Number.parseInt(tar.toString("latin1", at + 124, at + 135), 8) || 0;
    const content = at + TAR_BLOCK_IN_BYTES;
    if (type === "x") {
      isMarked = tar.toString("latin1", content, content + sizeInBytes).includes(mark);
    } else {
      if (isMarked) marked.push(folders[index] ?? "");
      isMarked = false;
      index += 1;
    }
    at = content + Math.ceil(sizeInBytes / TAR_BLOCK_IN_BYTES) * TAR_BLOCK_IN_BYTES;
  }
  return marked;
}
