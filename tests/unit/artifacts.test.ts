import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { beforeEach, describe, expect, test } from "@jest/globals";
import { packArtifacts } from "../../shared/artifacts/archive.ts";
import { planArtifacts } from "../../shared/artifacts/walk.ts";

const { signal } = new AbortController();
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "artifacts-"));
});

function write(name: string, content: string | Buffer = name): void {
  const file = path.join(folder, "tree", name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
}

const tree = (): string => path.join(folder, "tree");

async function pack(format: "tar.gz" | "zip", maxSizeInBytes = 1e9) {
  const out = mkdtempSync(path.join(folder, "out-"));
  const plan = await planArtifacts(tree(), signal);
  return packArtifacts(plan, { format, folder: out, maxSizeInBytes, signal });
}

describe("what is listed", () => {
  test("files, folders and links, in one order; hidden ones and .git are left out", async () => {
    write("b/two.txt");
    write("a.txt");
    write(".git/config", "token");
    write("b/.env", "SECRET=1");
    symlinkSync("a.txt", path.join(tree(), "link"));
    const plan = await planArtifacts(tree(), signal);
    expect(plan.entries.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      "file a.txt",
      "folder b",
      "file b/two.txt",
      "link link",
    ]);
    expect(plan.leftOut).toEqual([".git", "b/.env"]);
    expect(plan).toMatchObject({ name: "tree", fileCount: 2, sizeInBytes: 14 });
  });

  test("a single file keeps its name", async () => {
    write("setup.tar.xz");
    const plan = await planArtifacts(path.join(tree(), "setup.tar.xz"), signal);
    expect(plan).toMatchObject({ name: "setup.tar.xz", fileCount: 1 });
  });

  test("the name of the artifacts is plain, whatever the folder is called", async () => {
    mkdirSync(path.join(folder, "it's `my` $site"));
    writeFileSync(path.join(folder, "it's `my` $site/a"), "a");
    expect((await planArtifacts(path.join(folder, "it's `my` $site"), signal)).name).toBe(
      "it-s--my---site",
    );
  });

  test("everything that cannot be packed is named at once", async () => {
    write("ok");
    symlinkSync("/etc/passwd", path.join(tree(), "outside"));
    symlinkSync("nowhere", path.join(tree(), "dangling"));
    symlinkSync("loop", path.join(tree(), "loop"));
    mkdirSync(path.join(folder, "tree-too"));
    symlinkSync("../tree-too", path.join(tree(), "sibling"));
    execFileSync("mkfifo", [path.join(tree(), "pipe")]);
    write("back\\slash");
    write("new\nline");
    writeFileSync(Buffer.concat([Buffer.from(`${tree()}/bad`), Buffer.from([0xff])]), "x");
    await expect(planArtifacts(tree(), signal)).rejects.toMatchObject({
      details: [
        expect.stringMatching(/back.slash/),
        expect.stringMatching(/6261 ?64ff|626164ff/),
        expect.stringMatching(/"dangling" is a link that leads nowhere/),
        expect.stringMatching(/"loop" is a link that leads nowhere/),
        expect.stringMatching(/new\nline/),
        expect.stringMatching(/"outside" is a link that leads out of the folder/),
        expect.stringMatching(/"pipe" is neither a file, a folder nor a link/),
        expect.stringMatching(/"sibling" is a link that leads out of the folder/),
      ],
    });
  });

  test("a stop ends the walk", async () => {
    write("ok");
    await expect(planArtifacts(tree(), AbortSignal.abort(new Error("stopped")))).rejects.toThrow(
      "stopped",
    );
  });

  test("a socket is refused", async () => {
    write("ok");
    const server = net.createServer().listen(path.join(tree(), "socket"));
    await new Promise((resolve) => server.once("listening", resolve));
    await expect(planArtifacts(tree(), signal)).rejects.toMatchObject({
      details: ['"socket" is neither a file, a folder nor a link.'],
    });
    await new Promise((resolve) => server.close(resolve));
  });
});

describe("what is packed", () => {
  test("tar.gz keeps content, modes, links and empty folders", async () => {
    write("bin/run.sh", "#!/bin/sh\necho hi\n");
    chmodSync(path.join(tree(), "bin/run.sh"), 0o755);
    mkdirSync(path.join(tree(), "empty"));
    symlinkSync("bin/run.sh", path.join(tree(), "run"));
    const { file, sha256, sizeInBytes, fileName } = await pack("tar.gz");
    expect(fileName).toBe("tree.tar.gz");
    const bytes = readFileSync(file);
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(sha256);
    expect(bytes).toHaveLength(sizeInBytes);
    const list = execFileSync("tar", ["-tvzf", file], { encoding: "utf8" });
    expect(list).toMatch(/^-rwxr-xr-x .* bin\/run\.sh$/m);
    expect(list).toMatch(/^d.* empty\/$/m);
    expect(list).toMatch(/^l.* run -> bin\/run\.sh$/m);
    expect(execFileSync("tar", ["-xOzf", file, "bin/run.sh"], { encoding: "utf8" })).toContain(
      "echo hi",
    );
  });

  test("zip carries the content of a linked file", async () => {
    write("a.txt", "content");
    symlinkSync("a.txt", path.join(tree(), "link.txt"));
    const { file } = await pack("zip");
    const script =
      "import sys,zipfile; print(zipfile.ZipFile(sys.argv[1]).read('link.txt').decode())";
    expect(execFileSync("python3", ["-c", script, file], { encoding: "utf8" })).toBe("content\n");
  });

  test("zip refuses a link to a folder", async () => {
    write("real/a.txt");
    symlinkSync("real", path.join(tree(), "linked"));
    await expect(pack("zip")).rejects.toThrow('"linked" is a link to a folder');
  });

  test.each(["tar.gz", "zip"] as const)(
    "%s: the same tree gives the same bytes, whatever its times",
    async (format) => {
      write("a.txt");
      write("b/c.txt");
      symlinkSync("a.txt", path.join(tree(), "link"));
      const first = await pack(format);
      utimesSync(path.join(tree(), "a.txt"), 1, 1);
      const second = await pack(format);
      expect(second.sha256).toBe(first.sha256);
      write("a.txt", "other");
      expect((await pack(format)).sha256).not.toBe(first.sha256);
    },
  );

  test("a package beyond the limit is refused and nothing stays on disk", async () => {
    write("noise", Buffer.from(Array.from({ length: 300_000 }, () => Math.random() * 256)));
    const out = mkdtempSync(path.join(folder, "out-"));
    const plan = await planArtifacts(tree(), signal);
    const options = { format: "tar.gz", folder: out, maxSizeInBytes: 100_000, signal } as const;
    await expect(packArtifacts(plan, options)).rejects.toThrow("larger than 100000 bytes");
    expect(existsSync(path.join(out, "tree.tar.gz"))).toBe(false);
  });

  test.each(["tar.gz", "zip"] as const)(
    "%s: a file that shrinks, grows or vanishes is an error",
    async (format) => {
      const options = { format, folder, maxSizeInBytes: 1e9, signal } as const;
      write("a.txt", "12345");
      const plan = await planArtifacts(tree(), signal);
      write("a.txt", "123");
      await expect(packArtifacts(plan, options)).rejects.toThrow(
        '"a.txt" changed while it was packed',
      );
      write("a.txt", "1234567");
      await expect(packArtifacts(plan, options)).rejects.toThrow(
        '"a.txt" changed while it was packed',
      );
      rmSync(path.join(tree(), "a.txt"));
      await expect(packArtifacts(plan, options)).rejects.toThrow("a.txt");
    },
  );
});
