/** Times the sections of a log that a person can fold. */
import { performance } from "node:perf_hooks";
import type { LogGroup } from "./step.ts";

/** Hosts do not nest groups: a group ends where the next one starts. */
export class LogGroups {
  readonly #ended: LogGroup[] = [];
  #open: { title: string; startedAt: number } | undefined;

  start(title: string): void {
    this.end();
    this.#open = { title, startedAt: performance.now() };
  }

  end(): void {
    if (this.#open === undefined) return;
    const { title, startedAt } = this.#open;
    this.#ended.push({ title, durationInMs: performance.now() - startedAt });
    this.#open = undefined;
  }

  all(): LogGroup[] {
    this.end();
    return [...this.#ended];
  }
}
