/** The storage accounts Azurite has to know before it starts: one for staging artifacts, a pool for staging groups. */
import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { StorageAccountKey } from "./azurite.ts";

// More than anyone runs at once, and short enough for an environment variable (128 KiB on Linux).
const POOL_SIZE = 512;

/** The first one stages artifacts. With a state folder they are the same at every start, or its blobs would be lost. */
export async function storageAccounts(stateFolder?: string): Promise<StorageAccountKey[]> {
  if (!stateFolder) return makeAccounts();
  await mkdir(stateFolder, { recursive: true });
  const file = join(stateFolder, "accounts.json");
  const kept = await readFile(file, "utf8").catch(() => "");
  if (kept) return JSON.parse(kept) as StorageAccountKey[];
  const made = makeAccounts();
  await writeFile(file, JSON.stringify(made), { mode: 0o600 });
  return made;
}

function makeAccounts(): StorageAccountKey[] {
  return Array.from({ length: POOL_SIZE }, (_, index) => ({
    name: `${index === 0 ? "staging" : "ib"}${randomBytes(7).toString("hex")}`,
    key: randomBytes(64).toString("base64"),
  }));
}
