import { afterEach, describe, expect, test } from "@jest/globals";
import { Clock, serviceTime } from "../../emulator/clock.ts";

const HOUR_IN_MS = 3_600_000;

describe("the emulated clock", () => {
  let clock: Clock;
  afterEach(() => clock.stop());

  test("runs as many times as fast as it was told", () => {
    clock = new Clock({ speed: 1000, originInMs: Date.now() - 60_000 });
    const expected = Date.now() - 60_000 + 60_000 * 1000;
    expect(Math.abs(clock.now() - expected)).toBeLessThan(5_000);
  });

  test("releases those who wait when it is advanced, the earliest first", async () => {
    clock = new Clock({ speed: 1, originInMs: Date.now() });
    const released: string[] = [];
    const waits = [
      clock.sleep(2 * HOUR_IN_MS).then(() => released.push("second")),
      clock.sleep(HOUR_IN_MS).then(() => released.push("first")),
    ];
    clock.advance(3 * HOUR_IN_MS);
    await Promise.all(waits);
    expect(released).toEqual(["first", "second"]);
  });

  test("lets go of those whose signal aborts", async () => {
    clock = new Clock({ speed: 1, originInMs: Date.now() });
    const abort = new AbortController();
    const wait = clock.sleep(HOUR_IN_MS, abort.signal);
    abort.abort(new Error("canceled"));
    await expect(wait).rejects.toThrow("canceled");
  });
});

test("the service writes instants with nine fraction digits", () => {
  expect(serviceTime(Date.UTC(2026, 0, 2, 3, 4, 5, 67))).toBe("2026-01-02T03:04:05.067000000Z");
});
