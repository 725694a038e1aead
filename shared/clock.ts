/** Time as the product sees it. The only file of `shared/` that may touch the runtime's clock and timers. */

/** Time and waiting, as a collaborator that tests can replace. */
export interface Clock {
  now(): Date;
  /**
   * Waits; ends at once when the signal aborts.
   * @throws the signal's reason when it aborts.
   */
  sleep(durationInMs: number, signal?: AbortSignal): Promise<void>;
  /** A time limit that also ends when the parent signal aborts. */
  deadline(durationInMs: number, parent?: AbortSignal): Deadline;
}

/** A running time limit. Call `end` when it is no longer needed. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Leaves this much time from now on. */
  shorten(durationInMs: number): void;
  end(): void;
}

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => new Date(),

  sleep(durationInMs, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const stop = (): void => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", stop);
        resolve();
      }, durationInMs);
      signal?.addEventListener("abort", stop, { once: true });
    });
  },

  deadline(durationInMs, parent) {
    const controller = new AbortController();
    const follow = (): void => controller.abort(parent?.reason);
    const timeIsOver = (): void =>
      controller.abort(new DOMException("The time is over.", "TimeoutError"));
    let timer = setTimeout(timeIsOver, durationInMs);
    if (parent?.aborted) follow();
    parent?.addEventListener("abort", follow, { once: true });
    return {
      signal: controller.signal,
      shorten: (leftInMs) => {
        clearTimeout(timer);
        timer = setTimeout(timeIsOver, leftInMs);
      },
      end: () => {
        clearTimeout(timer);
        parent?.removeEventListener("abort", follow);
      },
    };
  },
};
