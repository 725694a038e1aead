import { expect, describe as group, test } from "@jest/globals";
import {
  AccessError,
  ArmError,
  ArtifactError,
  CanceledError,
  DeadlineError,
  describe,
  ImageBuildError,
  InputError,
  isNotFound,
  isTransient,
  reportText,
} from "../../shared/errors.ts";

group("every error has words", () => {
  test.each([
    [new InputError(["one"]), { title: "An input is wrong.", details: ["one"] }],
    [new InputError(["one", "two"]), { title: "2 inputs are wrong.", details: ["one", "two"] }],
    [
      new ArtifactError("t", { details: ["d"], hint: "h" }),
      { title: "t", details: ["d"], hint: "h" },
    ],
    [new AccessError("t", { hint: "h" }), { title: "t", details: [], hint: "h" }],
    [new ArmError("t", { statusCode: 409, code: "Conflict" }), { title: "t", details: [] }],
    [new ImageBuildError("t"), { title: "t", details: [] }],
    [new DeadlineError("t"), { title: "t", details: [] }],
    [new CanceledError("t"), { title: "t", details: [] }],
  ])("%s", (error, report) => {
    expect(describe(error)).toEqual(report);
  });

  test("a defect of ours says so and shows no stack", () => {
    const report = describe(new TypeError("x is undefined"));
    expect(report.title).toBe("Unexpected failure: TypeError: x is undefined");
    expect(report.hint).toMatch(/defect in this tool/);
    expect(reportText(report)).not.toMatch(/^\s+at /m);
  });

  test("what is thrown need not be an error", () => {
    expect(describe("text").title).toBe("Unexpected failure: text");
  });
});

test("a report is one text: what happened, details, what to do", () => {
  expect(reportText({ title: "a", details: ["b", "c"], hint: "d" })).toBe("a\nb\nc\nd");
});

test.each([
  [0, true],
  [408, true],
  [429, true],
  [500, true],
  [503, true],
  [400, false],
  [404, false],
  [409, false],
])("status %i is transient: %s", (statusCode, transient) => {
  const error = new ArmError("t", { statusCode, code: "" });
  expect(isTransient(error)).toBe(transient);
  expect(isNotFound(error)).toBe(statusCode === 404);
});
