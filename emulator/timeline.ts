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

  /**
   * Waits for work that takes real time, and moves on by what it took on the clock. Work that is overtaken goes on:
   * whoever began it ends it.
   * @throws {BuildTimeout} at the deadline; the signal's reason when aborted
   */
  async spend<T>(work: Promise<T>): Promise<T> {
    const done = new AbortController();
    const signal = AbortSignal.any([this.#signal, done.signal]);
    const beganAtInMs = this.#clock.now();
    const leftInMs = this.#deadlineInMs - this.atInMs;
    const deadline = this.#clock.until(beganAtInMs + leftInMs, signal).then(() => {
      throw new BuildTimeout();
    });
    try {
      return await Promise.race([work, deadline]);
    } finally {
      done.abort();
      this.atInMs += Math.min(leftInMs, this.#clock.now() - beganAtInMs);
    }
  }
}
