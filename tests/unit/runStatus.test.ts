import { describe, expect, test } from "@jest/globals";
import {
  isKnown,
  type LastRunStatus,
  NOT_STARTED,
  observe,
  phaseDurations,
  spokenDuration,
} from "../../shared/runStatus.ts";

const at = (second: number): Date => new Date(second * 1_000);
const running = (runSubState?: string): LastRunStatus => ({
  runState: "Running",
  ...(runSubState && { runSubState }),
  message: "",
});

test("snapshots become phases with durations and an outcome", () => {
  const seen: [number, LastRunStatus][] = [
    [0, running("Queued")],
    [5, running("Building")],
    [6, running("Building")],
    [45, running("Customizing")],
    [60, { runState: "Succeeded", message: "" }],
  ];
  const timeline = seen.reduce(
    (before, [second, status]) => observe(before, status, at(second)),
    NOT_STARTED,
  );
  expect(timeline).toMatchObject({ outcome: "Succeeded", endedAt: at(60) });
  expect(phaseDurations(timeline, at(99))).toEqual([
    { name: "Queued", durationInMs: 5_000 },
    { name: "Building", durationInMs: 40_000 },
    { name: "Customizing", durationInMs: 15_000 },
  ]);
});

test("the same phase twice is no change", () => {
  const once = observe(NOT_STARTED, running("Building"), at(1));
  expect(observe(once, running("Building"), at(2))).toBe(once);
});

describe("every state of the service", () => {
  test.each([
    ["Succeeded", "Succeeded"],
    ["PartiallySucceeded", "PartiallySucceeded"],
    ["Failed", "Failed"],
    ["Canceled", "Canceled"],
    ["Running", undefined],
    ["Canceling", undefined],
    ["Frobnicating", undefined],
    ["", undefined],
  ])("%s ends as %s", (runState, outcome) => {
    expect(observe(NOT_STARTED, { runState, message: "said" }, at(1)).outcome).toBe(outcome);
  });

  test("an unknown state or sub-state is known to be unknown", () => {
    expect(isKnown({ runState: "Frobnicating" })).toBe(false);
    expect(isKnown(running("Frobnicating"))).toBe(false);
    expect(isKnown(running("Optimizing"))).toBe(true);
    expect(isKnown({ runState: "Canceling" })).toBe(true);
  });

  test("the end keeps the service's words", () => {
    expect(observe(NOT_STARTED, { runState: "Failed", message: "why" }, at(1)).message).toBe("why");
  });
});

test.each([
  [0, "0 s"],
  [59_499, "59 s"],
  [425_000, "7 min 5 s"],
  [7_380_000, "2 h 3 min"],
  [-5, "0 s"],
])("%i ms is said as %s", (durationInMs, spoken) => {
  expect(spokenDuration(durationInMs)).toBe(spoken);
});
