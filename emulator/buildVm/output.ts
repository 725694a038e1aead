/** From the output of scripts to the build log, within bounds. */
import type { BuildLog } from "../buildLog.ts";
import type { OutputSink } from "./machine.ts";

const MOST_OUTPUT_IN_CHARACTERS = 8 * 1024 * 1024;

/** Counts what one run prints; what is too much for the log is left out and said so once. */
export class OutputLimit {
  #left = MOST_OUTPUT_IN_CHARACTERS;

  /** Source of the two forms: image-builder-troubleshoot.md, samples of customization.log. */
  sink(log: BuildLog): OutputSink {
    return {
      stdout: (line) => this.#pass(line, log, () => log.output(line)),
      stderr: (line) => this.#pass(line, log, () => log.step(line)),
    };
  }

  #pass(line: string, log: BuildLog, write: () => void): void {
    if (this.#left <= 0) return;
    this.#left -= line.length + 1;
    if (this.#left > 0) write();
    else log.output("The emulator leaves out the rest: scripts printed more than 8 MiB.");
  }
}
