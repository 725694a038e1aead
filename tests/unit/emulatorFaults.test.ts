import { expect, test } from "@jest/globals";
import { type FaultRule, parseFaultRules } from "../../emulator/faultRules.ts";
import { FaultPlan } from "../../emulator/faults.ts";

const GET = { surface: "arm", method: "GET", path: "/a/imageTemplates/t", query: "" } as const;
const BUSY: FaultRule = { path: "/imagetemplates/[^/]+$", method: "get", do: { status: 503 } };

function hits(rule: FaultRule, requests: number): boolean[] {
  const plan = new FaultPlan();
  plan.add([rule]);
  return Array.from({ length: requests }, () => plan.take(GET) !== undefined);
}

test("a rule hits the first matching request", () => {
  expect(hits(BUSY, 3)).toEqual([true, false, false]);
});

test("a rule hits the window it names", () => {
  expect(hits({ ...BUSY, from: 2, count: 2 }, 4)).toEqual([false, true, true, false]);
});

test.each([
  ["another method", { method: "PUT" }],
  ["another surface", { surface: "blob" }],
  ["another path", { path: "/run$" }],
  ["another query", { query: "comp=block" }],
] as const)("a rule for %s hits nothing", (_, change) => {
  expect(hits({ ...BUSY, ...change }, 1)).toEqual([false]);
});

test("a rule hits the n-th request", () => {
  expect(hits({ ...BUSY, nth: 3 }, 4)).toEqual([false, false, true, false]);
});

test("a rule hits a share of the requests, the same ones for the same seed", () => {
  const first = hits({ ...BUSY, rate: 0.3, seed: 4 }, 200);
  expect(hits({ ...BUSY, rate: 0.3, seed: 4 }, 200)).toEqual(first);
  expect(hits({ ...BUSY, rate: 0.3, seed: 5 }, 200)).not.toEqual(first);
  const share = first.filter(Boolean).length / 200;
  expect(share).toBeGreaterThan(0.2);
  expect(share).toBeLessThan(0.4);
});

test("a rule hits while its window lasts, measured from when it was set", () => {
  let now = 5_000;
  const plan = new FaultPlan(() => now);
  plan.add([{ ...BUSY, window: { afterInMs: 10, forInMs: 20 } }]);
  const seen = [5_000, 5_010, 5_029, 5_030].map((atInMs) => {
    now = atInMs;
    return plan.take(GET) !== undefined;
  });
  expect(seen).toEqual([false, true, true, false]);
});

test("several rules count the same requests", () => {
  const plan = new FaultPlan();
  plan.add([BUSY, { ...BUSY, from: 2, do: { reset: "after" } }]);
  expect([plan.take(GET), plan.take(GET), plan.take(GET)]).toEqual([
    { status: 503 },
    { reset: "after" },
    undefined,
  ]);
});

test.each([
  [{ do: { status: 500 } }, /regular expression/],
  [{ path: "x", do: {} }, /needs one of/],
  [{ path: "x", do: { status: 500, hang: true } }, /needs one of/],
  [{ path: "(", do: { status: 500 } }, /"path" of a fault rule cannot be/],
  [{ path: "x", when: 1, do: { status: 500 } }, /has no "when"/],
  [{ path: "x", rate: 2, do: { status: 500 } }, /"rate"/],
  [{ path: "x", do: { reset: "later" } }, /"reset" of a fault cannot be "later"/],
  [{ path: "x", do: { truncateAtPercent: 5, ending: "soon" } }, /"ending"/],
])("%j is refused", (rule, message) => {
  expect(() => parseFaultRules(rule)).toThrow(message);
});
