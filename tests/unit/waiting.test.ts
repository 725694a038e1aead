/** Retries, polls and the start of a run, on a clock that costs no time. */
import { describe, expect, test } from "@jest/globals";
import { isTransientFailure, retryAfterInMs, retrying } from "../../shared/azure/retry.ts";
import { AccessError, ArmError, DeadlineError } from "../../shared/errors.ts";
import { pollUntil } from "../../shared/poll.ts";
import { instantClock } from "./fakes.ts";

const signal = new AbortController().signal;

function restError(facts: object): Error {
  return Object.assign(new Error("failed"), { name: "RestError" }, facts);
}

const answering = (retryAfter: string) => ({ response: { headers: { get: () => retryAfter } } });

/** Fails with these errors one after the other, then gives "done". */
function failing(...errors: unknown[]): () => Promise<string> {
  return async () => {
    if (errors.length > 0) throw errors.shift();
    return "done";
  };
}

describe("retrying", () => {
  test.each([
    ["throttling", restError({ statusCode: 429 }), true],
    ["a gateway's timeout", restError({ statusCode: 504 }), true],
    ["a reset connection", restError({ code: "ECONNRESET" }), true],
    ["a name that does not resolve now", restError({ code: "EAI_AGAIN" }), true],
    ["an answer that is not Azure's", restError({ code: "INVALID_ANSWER" }), true],
    ["a refusal", restError({ statusCode: 403 }), false],
    ["a conflict", restError({ statusCode: 409 }), false],
    ["an untrusted certificate", restError({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" }), false],
    ["a defect of ours", new TypeError("x"), false],
  ])("%s is transient: %s", (_title, error, transient) => {
    expect(isTransientFailure(error)).toBe(transient);
  });

  test("goes on after faults, pausing longer each time at most", async () => {
    const clock = instantClock();
    const faults = Array.from({ length: 5 }, () => restError({ statusCode: 503 }));
    await expect(retrying({ clock, signal }, failing(...faults))).resolves.toBe("done");
    expect(clock.sleeps).toHaveLength(5);
    expect(Math.max(...clock.sleeps)).toBeLessThanOrEqual(30_500);
  });

  test("gives up after six tries, and at once where a call must not be repeated", async () => {
    const clock = instantClock();
    const fault = restError({ statusCode: 503 });
    const always = () => Promise.reject(fault);
    await expect(retrying({ clock, signal }, always)).rejects.toBe(fault);
    expect(clock.sleeps).toHaveLength(5);
    await expect(retrying({ clock, signal, maxTries: 1 }, always)).rejects.toBe(fault);
    expect(clock.sleeps).toHaveLength(5);
  });

  test.each([
    ["7", 7_000],
    ["86400", 900_000],
    ["Thu, 01 Jan 2026 00:00:30 GMT", 30_000],
    ["Thu, 01 Jan 1970 00:00:00 GMT", 0],
    ["soon", undefined],
    ["", undefined],
  ])("Retry-After %j waits %s ms", (text, wait) => {
    expect(retryAfterInMs(restError({ statusCode: 429, ...answering(text) }), instantClock())).toBe(
      wait,
    );
  });

  test("a call without an answer ends, and is tried again", async () => {
    const clock = instantClock();
    const hanging = (limit: AbortSignal) =>
      new Promise<never>((_, reject) => {
        limit.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
      });
    let calls = 0;
    const deadline: typeof clock.deadline = () => {
      const controller = new AbortController();
      queueMicrotask(() => controller.abort());
      return { signal: controller.signal, shorten: () => undefined, end: () => undefined };
    };
    const act = (limit: AbortSignal) => (++calls < 3 ? hanging(limit) : Promise.resolve("done"));
    await expect(retrying({ clock: { ...clock, deadline }, signal }, act)).resolves.toBe("done");
    expect(calls).toBe(3);
  });

  test("a stop ends it with the stop's reason", async () => {
    const stop = AbortSignal.abort(new Error("stopped"));
    const fault = failing(restError({ statusCode: 503 }));
    await expect(retrying({ clock: instantClock(), signal: stop }, fault)).rejects.toThrow(
      "stopped",
    );
  });
});

describe("polling", () => {
  const minute = 60_000;
  const arm = (statusCode: number): ArmError => new ArmError("no", { statusCode, code: "" });

  function poll(read: () => Promise<string | undefined>, limitInMs = 16 * 60 * minute) {
    const clock = instantClock();
    const told: string[] = [];
    const onFailure = (error: Error): void => void told.push(error.message);
    const options = { clock, signal, limitInMs, waitingFor: "the run to end", onFailure };
    return { clock, told, result: pollUntil(options, read) };
  }

  test("begins at a second and gets rarer, with at most 30 s or so between two reads", async () => {
    let reads = 0;
    const { clock, result } = poll(async () => (++reads === 400 ? "done" : undefined));
    await result;
    expect(clock.sleeps[0]).toBeGreaterThanOrEqual(900);
    expect(clock.sleeps[0]).toBeLessThanOrEqual(1_100);
    expect(Math.max(...clock.sleeps)).toBeLessThanOrEqual(33_000);
    expect(clock.sleeps.at(-1)).toBeGreaterThanOrEqual(27_000);
  });

  test("survives faults for most of an hour and tells of the first", async () => {
    let reads = 0;
    const { told, result } = poll(async () => {
      if (++reads < 60) throw arm(503);
      return "done";
    });
    await expect(result).resolves.toBe("done");
    expect(told).toEqual(["no"]);
  });

  test.each([
    ["the service is out", arm(503), 60 * minute],
    ["there is no answer", arm(0), 60 * minute],
    ["a right is missing", new AccessError("no"), 60 * minute],
    ["the resource is missing", arm(404), 2 * minute],
  ])("gives up when %s for longer than that can last", async (_title, error, limitInMs) => {
    const { clock, result } = poll(() => Promise.reject(error));
    await expect(result).rejects.toBe(error);
    const waited = clock.sleeps.reduce((sum, each) => sum + each, 0);
    expect(waited).toBeGreaterThanOrEqual(limitInMs);
    expect(waited).toBeLessThan(limitInMs + 2 * minute);
  });

  test("does not put up with a clear refusal", async () => {
    const { clock, result } = poll(() => Promise.reject(arm(409)));
    await expect(result).rejects.toMatchObject({ statusCode: 409 });
    expect(clock.sleeps).toEqual([]);
  });

  test("says what it waited for when the time is over", async () => {
    const { result } = poll(async () => undefined, minute);
    await expect(result).rejects.toEqual(new DeadlineError("Gave up waiting for the run to end."));
  });
});
