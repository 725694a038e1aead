/** The shell scripts beside this file, as text: a build VM gets them as arguments and so holds no file of the machine open. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** @param name without `.sh` */
export function shellText(name: "agent" | "disk" | "machine" | "sudo"): Promise<string> {
  return readFile(join(import.meta.dirname, `${name}.sh`), "utf8");
}
