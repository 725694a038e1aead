import { describe, expect, test } from "@jest/globals";
import { neutralize } from "../../shared/host.ts";

describe("text from outside never becomes a command", () => {
  test.each([
    ["##vso[task.complete result=Succeeded]done", "##_vso[task.complete result=Succeeded]done"],
    ["a ##VSO[x]", "a ##_VSO[x]"],
    ["##[error]x", "##_[error]x"],
    ["::set-output name=a::b", ": :set-output name=a::b"],
    ["  ::add-mask::x", "  : :add-mask::x"],
    ["\u00a0::stop-commands::x", "\u00a0: :stop-commands::x"],
    ["a\r::error::x", "a\n: :error::x"],
    ["a\u2028::error::x", "a\n: :error::x"],
    ["\u200b::error::x", ": :error::x"],
    ["#\u200b#vso[x]", "##_vso[x]"],
    ["#\u001b[0m#[x]", "##_[x]"],
    ["\u001b[31mred\u001b[0m", "red"],
    ["\u001b]0;title\u0007text", "text"],
  ])("%j", (text, safe) => {
    expect(neutralize(text)).toBe(safe);
  });
});

test("ordinary text stays as it is", () => {
  const text = 'std::vector<int> [info] 100% "C:\\web" naïve 漢字\n\tindented # heading ## two';
  expect(neutralize(text)).toBe(text);
});

// Anything quadratic would run into the time limit of the test.
test("a line of megabytes ends", () => {
  const hostile = `${" ".repeat(2_000_000)}::${"\u001b]".repeat(500_000)}${"#".repeat(1_000_000)}`;
  expect(neutralize(hostile)).toContain(": :");
});
