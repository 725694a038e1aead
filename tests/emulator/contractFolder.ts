/** The service's documents and recorded exchanges, where they lie beside the project; nothing of them is part of it. */
import { existsSync } from "node:fs";
import path from "node:path";

const BESIDE_THE_PROJECT = path.resolve(__dirname, "../../../shared/azure-contract");

/** Where the documents are, and what stands in the way of using them. */
export interface ContractFolder {
  readonly folder: string;
  readonly obstacle: string | undefined;
}

/** Looks beside the project; AZURE_CONTRACT_DIR names another place. */
export function contractFolder(): ContractFolder {
  const folder = process.env["AZURE_CONTRACT_DIR"] ?? BESIDE_THE_PROJECT;
  return { folder, obstacle: existsSync(folder) ? undefined : `there is no folder ${folder}` };
}
