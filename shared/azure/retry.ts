/** The one retry layer: repeats calls that may be repeated, and limits how long a single try may take. */
import type { Clock } from "../clock.ts";

const READ_LIMIT_IN_MS = 30_000;
/** How long one try of a request that changes something may take. */
export const WRITE_LIMIT_IN_MS = 90_000;

const MAX_TRIES = 6;
const FIRST_DELAY_IN_MS = 1_000;
const MAX_DELAY_IN_MS = 30_000;
const MAX_RETRY_AFTER_IN_MS = 15 * 60_000;

const TRANSIENT_STATUS = new Set([408, 429, 500, 502, 503, 504]);

/** How often and how long to try. */
export interface RetryOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How long one try may take. @default 30 s, for reads */
  readonly limitInMs?: number;
  /** 1 for a call that must never be repeated. @default 6 */
  readonly maxTries?: number;
}

/** Part of what every Azure SDK throws (`RestError`), and of errors of the socket below. */
interface CallFailure extends Error {
  readonly statusCode?: number;
  readonly code?: string;
  readonly response?: { readonly headers: { get(name: string): string | undefined } };
}

/**
 * Calls Azure until it answers. `act` gets a signal that ends each try.
 * @throws the signal's reason when it aborts, otherwise what the last try threw.
 */
export async function retrying<T>(
  { clock, signal, limitInMs = READ_LIMIT_IN_MS, maxTries = MAX_TRIES }: RetryOptions,
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const limit = clock.deadline(limitInMs, signal);
    try {
      return await act(limit.signal);
    } catch (error) {
      signal.throwIfAborted();
      const failure = limit.signal.aborted ? noAnswer(limitInMs, error) : error;
      if (!isTransientFailure(failure) || attempt >= maxTries) throw failure;
      await clock.sleep(retryAfterInMs(failure, clock) ?? backoffInMs(attempt), signal);
    } finally {
      limit.end();
    }
  }
}

function noAnswer(limitInMs: number, cause: unknown): CallFailure {
  const error = new Error(`There was no answer within ${limitInMs / 1_000} s.`, { cause });
  return Object.assign(error, { name: "RestError", code: "NO_ANSWER" });
}

/** True for throttling, a fault on the service's side, and a line that broke; false for an untrusted certificate. */
export function isTransientFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { statusCode, code = "", name }: CallFailure = error;
  if (statusCode !== undefined) return TRANSIENT_STATUS.has(statusCode);
  if (/CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO_/.test(code)) return false;
  return name === "RestError";
}

function backoffInMs(attempt: number): number {
  const limit = Math.min(MAX_DELAY_IN_MS, FIRST_DELAY_IN_MS * 2 ** attempt);
  return FIRST_DELAY_IN_MS / 2 + Math.random() * limit;
}

/** What `Retry-After` asks for, in seconds or as a date, with an upper limit; undefined when it asks nothing. */
export function retryAfterInMs(error: unknown, clock: Clock): number | undefined {
  const text = (error as CallFailure).response?.headers.get("retry-after");
  if (!text) return undefined;
  const wait = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - clock.now().getTime();
  return Number.isFinite(wait) ? Math.min(Math.max(wait, 0), MAX_RETRY_AFTER_IN_MS) : undefined;
}
