/** The course of one run on the emulated clock: every phase begins exactly where the one before ended. */
import type { Clock } from "./clock.ts";

/** The build did not end within `buildTimeoutInMinutes`. */
export class BuildTimeout extends Error {}

/** Knows where the run is, and its deadline. */
export class Timeline {
  /** The instant reached, in ms since the epoch. */
  atInMs: number;
  readonly #clock: Clock;
  readonly #deadlineInMs: number;
  readonly #signal: AbortSignal;

  constructor(clock: Clock, deadlineInMs: number, signal: AbortSignal) {
    this.#clock = clock;
    this.atInMs = clock.now();
    this.#deadlineInMs = this.atInMs + deadlineInMs;
    this.#signal = signal;
  }

  /** Lets time pass. @throws {BuildTimeout} at the deadline; the signal's reason when aborted */
  async pass(durationInMs: number): Promise<void> {
    const end = this.atInMs + durationInMs;
    this.atInMs = Math.min(end, this.#deadlineInMs);
    await this.#clock.until(this.atInMs, this.#signal);
    if (end > this.#deadlineInMs) throw new BuildTimeout();
  }
}
