/** Who may import whom, and who may touch the outside. Each rule is shown to fail on a planted violation. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "@jest/globals";

const root = path.resolve(__dirname, "../..");

/** A source file by its path from the root, with `/`. */
interface SourceFile {
  readonly file: string;
  readonly text: string;
}

interface Rule {
  readonly title: string;
  readonly appliesTo: RegExp;
  /** Resolved imports (`shared/host.ts`, or the name of a package) that are refused. */
  readonly imports?: (target: string) => boolean;
  /** Text that is refused. */
  readonly contents?: RegExp;
  /** A violation, to show that the rule bites. */
  readonly planted: SourceFile;
}

const PURE = /^shared\/(host|contract|errors|runStatus|resourceId)\.ts$/;
const isAzureSdk = (target: string): boolean => target.startsWith("@azure/");
const isFolder = (target: string, ...folders: string[]): boolean =>
  folders.some((folder) => target.startsWith(`${folder}/`));

const hostRule = (folder: string, own: RegExp, others: string[]): Rule => ({
  title: `${folder}/ imports the port, its own CI library and @azure/identity, never another host`,
  appliesTo: new RegExp(`^${folder}/`),
  imports: (target) =>
    isFolder(target, ...others, "emulator", "demo", "tests") ||
    (isFolder(target, "shared") &&
      !/^shared\/(host|main|contract|errors|form|stopSignal|assertion)\.ts$/.test(target)) ||
    (!/^(shared|action|task|local|node:)/.test(target) && !own.test(target)),
  planted: { file: `${folder}/x.ts`, text: `import { y } from "../${others[0]}/host.ts";` },
});

const RULES: readonly Rule[] = [
  {
    title: "shared/ knows no CI system, no host, no emulator",
    appliesTo: /^shared\//,
    imports: (target) =>
      target.startsWith("azure-pipelines-task-lib") ||
      target.startsWith("@actions/") ||
      isFolder(target, "action", "task", "local", "emulator", "demo", "tests"),
    planted: { file: "shared/x.ts", text: 'import * as core from "@actions/core";' },
  },
  {
    title: "shared/ reads no environment and prints nothing by itself",
    appliesTo: /^shared\//,
    contents: /\bprocess\.(env|exit|stdout|stderr|argv)\b|\bconsole\./,
    planted: { file: "shared/x.ts", text: 'const home = process.env["HOME"];' },
  },
  {
    title: "time comes in through the clock",
    appliesTo: /^shared\/(?!clock\.ts)/,
    contents: /\bDate\.now\(|\bnew Date\(\)|\bset(Timeout|Interval|Immediate)\(/,
    planted: { file: "shared/x.ts", text: "const now = Date.now();" },
  },
  {
    title: "Azure SDKs stop inside shared/azure/",
    appliesTo: /^shared\/(?!azure\/)/,
    imports: isAzureSdk,
    planted: { file: "shared/x.ts", text: 'import { BlobClient } from "@azure/storage-blob";' },
  },
  {
    title: "pure files import no I/O",
    appliesTo: PURE,
    imports: (target) => target.startsWith("node:") || isFolder(target, "shared/azure"),
    planted: { file: "shared/errors.ts", text: 'import { readFile } from "node:fs/promises";' },
  },
  {
    title: "no branch of the product knows that an emulator exists",
    appliesTo: /^(shared|action|task|local)\//,
    contents: /emulator|localhost|127\.0\.0\.1/i,
    planted: { file: "shared/x.ts", text: "const isEmulator = true;" },
  },
  {
    title: "nothing imports tests/",
    appliesTo: /^(?!tests\/)/,
    imports: (target) => isFolder(target, "tests"),
    planted: { file: "emulator/x.ts", text: 'import { y } from "../tests/contract/y.ts";' },
  },
  {
    title: "the emulator shares no code with what it tests",
    appliesTo: /^emulator\//,
    imports: (target) => isFolder(target, "shared", "action", "task", "local", "demo"),
    planted: { file: "emulator/x.ts", text: 'import { y } from "../shared/host.ts";' },
  },
  hostRule("action", /^@actions\/|^@azure\/identity$/, ["task", "local"]),
  hostRule("task", /^azure-pipelines-task-lib\/|^@azure\/identity$/, ["action", "local"]),
  hostRule("local", /^@azure\/identity$/, ["action", "task"]),
];

const IMPORT = /(?:\bfrom|\bimport|\brequire)\s*\(?\s*["']([^"']+)["']/g;

function importsOf({ file, text }: SourceFile): string[] {
  return [...text.matchAll(IMPORT)].map(([, specifier = ""]) =>
    specifier.startsWith(".") ? path.posix.join(path.posix.dirname(file), specifier) : specifier,
  );
}

function violations(rule: Rule, files: readonly SourceFile[]): string[] {
  return files
    .filter(({ file }) => rule.appliesTo.test(file))
    .flatMap((source) =>
      [
        ...importsOf(source).filter((target) => rule.imports?.(target) ?? false),
        ...(rule.contents?.exec(source.text) ?? []).slice(0, 1),
      ].map((what) => `${source.file}: ${what}`),
    );
}

function sourceFiles(): SourceFile[] {
  const folders = ["shared", "action", "task", "local", "emulator", "demo", "tests"];
  return folders.flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => path.posix.join(folder, name.split(path.sep).join("/")))
      .map((file) => ({ file, text: readFileSync(path.join(root, file), "utf8") })),
  );
}

/** A file that imports itself through others, as the chain of names; undefined when there is none. */
function findCycle(files: readonly SourceFile[]): string | undefined {
  const imports = new Map(files.map((source) => [source.file, importsOf(source)]));
  const done = new Set<string>();
  const visit = (file: string, chain: readonly string[]): string | undefined => {
    if (chain.includes(file)) return [...chain.slice(chain.indexOf(file)), file].join(" → ");
    if (done.has(file)) return undefined;
    for (const target of imports.get(file) ?? []) {
      const cycle = visit(target, [...chain, file]);
      if (cycle) return cycle;
    }
    done.add(file);
    return undefined;
  };
  return files.map(({ file }) => visit(file, [])).find(Boolean);
}

const files = sourceFiles();

describe.each(RULES)("$title", (rule) => {
  test("holds", () => {
    expect(files.some(({ file }) => rule.appliesTo.test(file))).toBe(true);
    expect(violations(rule, files)).toEqual([]);
  });

  test("is refused when planted", () => {
    expect(violations(rule, [rule.planted])).toHaveLength(1);
  });
});

describe("imports run in no circle", () => {
  test("holds", () => {
    expect(findCycle(files)).toBeUndefined();
  });

  test("is refused when planted", () => {
    const circle = [
      { file: "shared/a.ts", text: 'import { b } from "./b.ts";' },
      { file: "shared/b.ts", text: 'import type { a } from "./a.ts";' },
    ];
    expect(findCycle(circle)).toBe("shared/a.ts → shared/b.ts → shared/a.ts");
  });
});
