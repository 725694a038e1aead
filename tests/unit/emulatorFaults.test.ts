import { expect, test } from "@jest/globals";
import { FaultPlan, type FaultRule, parseFaultRules } from "../../emulator/faults.ts";

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
])("%j is refused", (rule, message) => {
  expect(() => parseFaultRules(rule)).toThrow(message);
});
