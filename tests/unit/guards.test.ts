/** The guards of the toolchain, each shown to fail on a copy that breaks what it guards. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";

const root = path.resolve(__dirname, "../..");
let copy: string;

beforeAll(() => {
  copy = mkdtempSync(path.join(os.tmpdir(), "guards-"));
  const kept = ["shared", "action", "task", "local", "build.mjs", "package.json", "README.md"];
  for (const name of [...kept, "action.yml", "biome.json", "tsconfig.json"]) {
    cpSync(path.join(root, name), path.join(copy, name), { recursive: true });
  }
  symlinkSync(path.join(root, "node_modules"), path.join(copy, "node_modules"));
});

afterAll(() => rmSync(copy, { recursive: true, force: true }));

function run(...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: copy,
    encoding: "utf8",
  });
  return { status, output: stdout + stderr };
}

describe("the build's check compares every generated file byte for byte", () => {
  const check = () => run("build.mjs", "--check");

  test("it passes when nothing was changed", () => {
    expect(check()).toEqual({ status: 0, output: "" });
  });

  test.each([
    ["action/dist/index.cjs", (text: string) => text.replace("e", "E")],
    ["action/dist/post.cjs", (text: string) => `${text} `],
    ["action.yml", (text: string) => text.replace("resource group", "resource  group")],
    [
      "task/task.json",
      (text: string) => text.replace('"name": "galleryImageId"', '"name": "galleryImageID"'),
    ],
    ["README.md", (text: string) => text.replace("| `script` |", "| `Script` |")],
  ])("it fails when %s is changed", (name, change) => {
    const file = path.join(copy, name);
    const before = readFileSync(file, "utf8");
    const after = change(before);
    expect(after).not.toBe(before);
    writeFileSync(file, after);
    try {
      const { status, output } = check();
      expect(status).toBe(1);
      expect(output).toBe(`${name} is not what its source makes of it. Run: npm run build\n`);
    } finally {
      writeFileSync(file, before);
    }
  });
});

describe("the linter refuses", () => {
  const lint = (text: string) => {
    const file = path.join(copy, "shared/planted.ts");
    writeFileSync(file, text);
    try {
      const biome = path.join(root, "node_modules/@biomejs/biome/bin/biome");
      return run(biome, "lint", "--vcs-enabled=false", "--error-on-warnings", "shared/planted.ts");
    } finally {
      rmSync(file);
    }
  };
  const body = (lines: number): string => "  value = value.trim();\n".repeat(lines);

  test("nothing in good code", () => {
    expect(lint("export const one = 1;\n").status).toBe(0);
  });

  test("any", () => {
    const { status, output } = lint("export const one: any = 1;\n");
    expect(status).toBe(1);
    expect(output).toContain("noExplicitAny");
  });

  test("a function of more than 60 lines", () => {
    const long = (lines: number): string =>
      `export function long(): string {\n  let value = "";\n${body(lines)}  return value;\n}\n`;
    expect(lint(long(50)).status).toBe(0);
    const { status, output } = lint(long(60));
    expect(status).toBe(1);
    expect(output).toContain("noExcessiveLinesPerFunction");
  });

  test("a promise that nobody awaits", () => {
    const { status, output } = lint(
      "async function act(): Promise<void> {}\nexport function start(): void {\n  act();\n}\n",
    );
    expect(status).toBe(1);
    expect(output).toContain("noFloatingPromises");
  });
});
