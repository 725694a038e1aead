/** The service's documents and recorded exchanges, where they lie beside the project; nothing of them is part of it. */
import { existsSync } from "node:fs";
import path from "node:path";

const BESIDE_THE_PROJECT = path.resolve(__dirname, "../../../shared/azure-contract");

/** The folder, or undefined after saying which suite is skipped and why. AZURE_CONTRACT_DIR names another place. */
export function contractFolder(suite: string): string | undefined {
  const folder = process.env["AZURE_CONTRACT_DIR"] ?? BESIDE_THE_PROJECT;
  if (existsSync(folder)) return folder;
  process.stderr.write(`Skipped: ${suite}, since there is no folder ${folder}.\n`);
  return undefined;
}
