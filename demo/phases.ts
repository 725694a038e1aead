/** Times the steps of the flow, as the log announces them on any host. */
import { performance } from "node:perf_hooks";

/** One step of the flow and its real duration. */
export interface FlowStep {
  readonly title: string;
  readonly durationInMs: number;
}

/** A fold on either CI host, or a title on a line of its own in a terminal. */
const TITLE = /^(?:##\[group\](.+)|([A-Z][a-z ]+):)$/;
/** Watching is not folded, so that a person sees what goes on. */
const WATCHING = /^Watching the run\.$/;

/** Reads a log while it is written. A step ends where the next one starts. */
export class Phases {
  readonly #ended: FlowStep[] = [];
  #open: { title: string; startedAt: number } | undefined;

  see(line: string): void {
    const [, fold, heading] = TITLE.exec(line) ?? [];
    const title = WATCHING.test(line) ? "Watch" : (fold ?? heading);
    if (title === undefined) return;
    this.end();
    this.#open = { title, startedAt: performance.now() };
  }

  /** Ends the step that is open. */
  end(): void {
    if (this.#open === undefined) return;
    const { title, startedAt } = this.#open;
    this.#ended.push({ title, durationInMs: performance.now() - startedAt });
    this.#open = undefined;
  }

  all(): readonly FlowStep[] {
    return this.#ended;
  }
}
