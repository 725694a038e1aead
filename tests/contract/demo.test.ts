/** `npm run demo` as a newcomer runs it; the build is there already. */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "@jest/globals";
import { HOST_NAMES } from "./product.ts";

const NODE = path.resolve("node_modules/.bin/node");
const IMAGE_VERSION = /Image version\s+\/subscriptions\/\S+\/versions\/\d+\.\d+\.\d+/;

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param onText called with all output so far, so that a test can act in the middle. */
function runDemo(
  args: readonly string[],
  onText: (text: string, stop: () => void) => void = () => {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(NODE, ["demo/main.ts", ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      onText(stdout, () => child.kill("SIGINT"));
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.once("error", reject);
    child.once("close", (exitCode) => {
      resolve({ exitCode, stdout, stderr });
    });
  });
}

describe("npm run demo", () => {
  test.each(HOST_NAMES)(
    "bakes the example on %s and leaves nothing",
    async (host) => {
      const ended = await runDemo(["--host", host]);
      expect(ended).toMatchObject({ exitCode: 0, stderr: "" });
      expect(ended.stdout).toMatch(IMAGE_VERSION);
      expect(ended.stdout).toMatch(/Phases\s+\S/);
      expect(ended.stdout).toMatch(/Left behind\s+nothing/);
    },
    120_000,
  );

  test("bakes the repository itself", async () => {
    const ended = await runDemo(["--artifacts-path", "."]);
    expect(ended).toMatchObject({ exitCode: 0, stderr: "" });
    expect(ended.stdout).toMatch(IMAGE_VERSION);
  }, 120_000);

  test("names the customizer that failed", async () => {
    const ended = await runDemo(["--scenario", "customizer-fails"]);
    expect(ended.exitCode).toBe(1);
    expect(ended.stdout).toMatch(/##\[error\].*customizer/i);
    expect(ended.stdout).toMatch(/Left behind\s+nothing/);
  }, 120_000);

  test("cancels the build on Ctrl-C", async () => {
    let isSent = false;
    const ended = await runDemo(["--scenario", "never-finishes"], (text, stop) => {
      if (isSent || !/customizing/i.test(text)) return;
      isSent = true;
      stop();
    });
    expect(ended.exitCode).toBe(130);
    expect(ended.stdout).toMatch(/##\[error\].*cancel/i);
    expect(ended.stdout).toMatch(/Left behind\s+nothing/);
  }, 60_000);

  test.each([
    [["--host", "jenkins"], "action, task, local"],
    [["--scenario", "earthquake"], "customizer-fails"],
    [["--speed", "9"], "--scenario NAME"],
    [["here"], "--artifacts-path DIR"],
  ])("refuses %j and lists the choices", async (args, choices) => {
    const ended = await runDemo(args);
    expect(ended.exitCode).toBe(2);
    expect(ended.stderr).toContain(choices);
    expect(ended.stderr.trim().split("\n")).toHaveLength(1);
  });
});

test("package.json builds before the demo", async () => {
  const { scripts } = JSON.parse(await readFile("package.json", "utf8")) as {
    scripts: Record<string, string>;
  };
  expect(scripts["demo"]).toBe("node build.mjs && node demo/main.ts");
});
