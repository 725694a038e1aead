/** The node versions that the hosts run the product on. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";

/** A node binary and what to call it. */
export interface NodeRuntime {
  readonly title: string;
  readonly path: string;
}

const NODE_24: NodeRuntime = { title: "node 24", path: path.resolve("node_modules/.bin/node") };

/** Node 24 of the dev dependencies, and node 20 where the machine has it; in CI it must. */
export const NODE_RUNTIMES: readonly NodeRuntime[] = [...node20(), NODE_24];

/** The first `node` on the PATH that no package brought: inside npm scripts, `node` alone is the dev dependency. */
function node20(): NodeRuntime[] {
  const folders = (process.env["PATH"] ?? "").split(path.delimiter);
  const file = folders
    .filter((folder) => !folder.includes("node_modules"))
    .map((folder) => path.join(folder, "node"))
    .find((candidate) => existsSync(candidate));
  const version = file === undefined ? "none" : versionOf(file);
  if (file !== undefined && version.startsWith("v20.")) return [{ title: "node 20", path: file }];
  const sentence = `The contract tests need node 20 as the first node on the PATH; it is ${version}.`;
  if (process.env["CI"]) throw new Error(sentence);
  process.stderr.write(`Skipped on node 20. ${sentence}\n`);
  return [];
}

function versionOf(file: string): string {
  return execFileSync(file, ["--version"], { encoding: "utf8" }).trim();
}
