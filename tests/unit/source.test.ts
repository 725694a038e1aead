import { describe, expect, test } from "@jest/globals";
import { highestVersion } from "../../shared/source.ts";

describe("the highest of several versions", () => {
  test.each([
    [["24.04.9", "24.04.10", "24.04.2"], "24.04.10"],
    [["1.0.0", "0.99.99"], "1.0.0"],
    [["20348.2700.241009", "20348.10000.1"], "20348.10000.1"],
    [["1.2", "1.2.1"], "1.2.1"],
    [["1.0.90071992547409930", "1.0.90071992547409931"], "1.0.90071992547409931"],
    [[], undefined],
  ])("%j has %s as the highest", (versions, highest) => {
    expect(highestVersion(versions)).toBe(highest);
  });
});
