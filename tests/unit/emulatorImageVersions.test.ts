import { expect, test } from "@jest/globals";
import { automaticVersion, highestVersion, nextVersion } from "../../emulator/imageVersions.ts";
import { findMarketplaceImage, resolveVersion } from "../../emulator/marketplace.ts";

// The example of image-builder-json.md for versioning scheme Latest.
const EXISTING = "0.1.1 0.1.2 1.0.0 1.0.1 1.1.0 1.1.1 1.2.0 2.0.0 2.0.1 2.1.0".split(" ");

test.each([
  [-1, "2.1.1"],
  [2, "2.1.1"],
  [1, "1.2.1"],
  [0, "0.1.3"],
  [3, "3.0.1"],
])("with major %i the next version is %s", (major, expected) => {
  expect(nextVersion(EXISTING, major)).toBe(expected);
});

test("the highest version is found by number and keeps its spelling", () => {
  expect(highestVersion(["1.9.0", "1.10.0", "x", "1.2.0"])).toBe("1.10.0");
  const ubuntu = findMarketplaceImage("canonical", "Ubuntu-24_04-LTS", "server");
  expect(ubuntu && resolveVersion(ubuntu, "latest")).toBe("24.04.2026100710");
});

test("automatic versions never repeat", () => {
  const first = automaticVersion([], Date.UTC(2026, 10, 23, 12));
  const second = automaticVersion([first], Date.UTC(2026, 10, 23, 12));
  expect(highestVersion([first, second])).toBe(second);
  expect(second).not.toBe(first);
});
