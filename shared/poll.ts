/** Waits for something in Azure by reading it again and again: outages are survived, and reads get rarer with time. */
import type { Clock } from "./clock.ts";
import { AccessError, DeadlineError, isNotFound, isTransient } from "./errors.ts";

const FIRST_INTERVAL_IN_MS = 1_000;
const MAX_INTERVAL_IN_MS = 30_000;
// A wait of an hour does not notice a twentieth of what has passed.
const SHARE_OF_ELAPSED = 1 / 20;

const MINUTE_IN_MS = 60_000;
// How long reads may fail one after the other before the wait is given up. A resource can be missing for a moment
// after it was made; rights and tokens come back when whoever broke them repairs them.
const OUTAGE_LIMIT_IN_MS = 60 * MINUTE_IN_MS;
const MISSING_LIMIT_IN_MS = 2 * MINUTE_IN_MS;

/** How to wait, and for what. */
export interface PollOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How long the whole wait may take. */
  readonly limitInMs: number;
  /** What is waited for, to say when the time is over: `the run to end`. */
  readonly waitingFor: string;
  /** Told of the first of several failed reads. */
  readonly onFailure?: (error: Error) => void;
}

/**
 * Reads until `read` gives something other than undefined.
 * @throws {DeadlineError} when the time is over, the read's error when it cannot be survived, or the signal's reason.
 */
export async function pollUntil<T>(
  options: PollOptions,
  read: () => Promise<T | undefined>,
): Promise<T> {
  const { clock, signal } = options;
  const startedAt = clock.now().getTime();
  const outage = new Outage(options);
  for (;;) {
    const value = await outage.survive(read);
    if (value !== undefined) return value;
    const elapsedInMs = clock.now().getTime() - startedAt;
    if (elapsedInMs > options.limitInMs) {
      throw new DeadlineError(`Gave up waiting for ${options.waitingFor}.`);
    }
    await clock.sleep(intervalInMs(elapsedInMs), signal);
  }
}

/** Jitter keeps the steps of a matrix from reading in step. */
function intervalInMs(elapsedInMs: number): number {
  const interval = Math.max(FIRST_INTERVAL_IN_MS, elapsedInMs * SHARE_OF_ELAPSED);
  return Math.min(MAX_INTERVAL_IN_MS, interval) * (0.9 + Math.random() * 0.2);
}

/** Counts how long reads have failed one after the other. */
class Outage {
  readonly #options: PollOptions;
  #since: number | undefined;

  constructor(options: PollOptions) {
    this.#options = options;
  }

  async survive<T>(read: () => Promise<T | undefined>): Promise<T | undefined> {
    try {
      const value = await read();
      this.#since = undefined;
      return value;
    } catch (error) {
      this.#options.signal.throwIfAborted();
      this.#endure(error);
      return undefined;
    }
  }

  #endure(error: unknown): void {
    const now = this.#options.clock.now().getTime();
    if (this.#since === undefined) {
      this.#since = now;
      if (error instanceof Error) this.#options.onFailure?.(error);
    }
    if (now - this.#since >= enduranceInMs(error)) throw error;
  }
}

function enduranceInMs(error: unknown): number {
  if (isNotFound(error)) return MISSING_LIMIT_IN_MS;
  return isTransient(error) || error instanceof AccessError ? OUTAGE_LIMIT_IN_MS : 0;
}
