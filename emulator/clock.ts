/** The emulated clock. Everything that takes time or expires in the emulator asks it, nothing else does. */

const LONGEST_TIMER_IN_MS = 2 ** 31 - 1;

interface Waiter {
  atInMs: number;
  release: () => void;
}

/** A client process that uses the same two numbers agrees on the time. */
export interface ClockOptions {
  /** How many emulated seconds pass in a real one. */
  speed: number;
  /** The instant, in ms since the epoch, at which emulated and real time agree. */
  originInMs: number;
}

/** Runs `speed` times as fast as real time since its origin, plus what it was told to advance. */
export class Clock {
  readonly speed: number;
  readonly #originInMs: number;
  #advancedInMs = 0;
  #isStopped = false;
  #waiters: Waiter[] = [];
  #wakeUp: NodeJS.Timeout | undefined;

  constructor(options: ClockOptions) {
    this.speed = options.speed;
    this.#originInMs = options.originInMs;
  }

  /** Milliseconds since the epoch. */
  now(): number {
    const elapsedInMs = (Date.now() - this.#originInMs) * this.speed;
    return Math.floor(this.#originInMs + elapsedInMs + this.#advancedInMs);
  }

  advance(byInMs: number): void {
    this.#advancedInMs += byInMs;
    this.#releaseDue();
  }

  /** Resolves at an instant of the emulated clock; rejects with the signal's reason when aborted before. */
  until(atInMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (atInMs <= this.now()) return resolve();
      const abort = () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        reject(signal?.reason);
      };
      const release = () => {
        signal?.removeEventListener("abort", abort);
        resolve();
      };
      const waiter = { atInMs, release };
      signal?.addEventListener("abort", abort, { once: true });
      this.#waiters.push(waiter);
      this.#arm();
    });
  }

  sleep(forInMs: number, signal?: AbortSignal): Promise<void> {
    return this.until(this.now() + forInMs, signal);
  }

  /** Forgets everyone who waits, so that nothing keeps the process alive. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#wakeUp);
    this.#waiters = [];
  }

  #arm(): void {
    clearTimeout(this.#wakeUp);
    if (this.#isStopped || this.#waiters.length === 0) return;
    const nextInMs = Math.min(...this.#waiters.map((waiter) => waiter.atInMs));
    const realDelayInMs = Math.max(0, (nextInMs - this.now()) / this.speed);
    this.#wakeUp = setTimeout(
      () => this.#releaseDue(),
      Math.min(Math.ceil(realDelayInMs), LONGEST_TIMER_IN_MS),
    );
  }

  #releaseDue(): void {
    const now = this.now();
    const due = this.#waiters.filter((waiter) => waiter.atInMs <= now);
    this.#waiters = this.#waiters.filter((waiter) => waiter.atInMs > now);
    for (const waiter of due.sort((a, b) => a.atInMs - b.atInMs)) waiter.release();
    this.#arm();
  }
}

/** An instant as the service writes it: `2025-04-30T06:07:40.738099365Z`, nine fraction digits. */
export function serviceTime(atInMs: number): string {
  return `${new Date(atInMs).toISOString().slice(0, -1)}000000Z`;
}
