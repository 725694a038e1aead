/** Turns the signals by which any host stops a step into one AbortSignal. */

// Windows hosts send Ctrl-C and Ctrl-Break, which node shows as SIGINT and SIGBREAK.
const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGBREAK"] as const;

/** Call it first: without a handler the process dies at the first signal. */
export function listenForStop(): AbortSignal {
  const controller = new AbortController();
  for (const name of STOP_SIGNALS) process.on(name, () => controller.abort());
  return controller.signal;
}
