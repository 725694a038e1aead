/**
 * Turns the signals by which any host stops a step into AbortSignals. Import it first: handlers stand from the moment
 * it is loaded, and without one the process dies at the first signal.
 */

// Windows hosts send Ctrl-C and Ctrl-Break, which node shows as SIGINT and SIGBREAK.
const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGBREAK"] as const;

/** How far a host has gone in stopping this process. */
export interface Stop {
  /** Aborts at the first signal. */
  readonly signal: AbortSignal;
  /** Aborts at the second: whoever sent it does not want to wait any more. */
  readonly hurry: AbortSignal;
}

/** The stop signals of this process. */
export const stop: Stop = listen();

function listen(): Stop {
  const first = new AbortController();
  const second = new AbortController();
  const hear = (): void => (first.signal.aborted ? second : first).abort();
  for (const name of STOP_SIGNALS) process.on(name, hear);
  return { signal: first.signal, hurry: second.signal };
}
