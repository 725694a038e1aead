/** The re-implemented hosts read output as the real ones do; everything else in this folder relies on it. */
import { describe, expect, test } from "@jest/globals";
import { gitHubCommand, readCommandFile } from "../../demo/gitHubCommands.ts";
import { GitHubOutput } from "../../demo/gitHubOutput.ts";
import { pipelinesCommand } from "../../demo/pipelinesCommands.ts";
import { PipelinesOutput } from "../../demo/pipelinesOutput.ts";
import { SecretMasker } from "../../demo/secretMasker.ts";
import type { StepRequest, StepResult } from "../../demo/step.ts";

const REQUEST: StepRequest = {
  entry: "main",
  job: { workspace: "/w", folder: "/f", runId: "1", attempt: 1, emulator: {} },
  nodePath: "node",
  inputs: {},
  signIn: { kind: "federated" },
};
const ENDED = { exitCode: 0, signal: null, stdout: "", stderr: "", durationInMs: 1 };
const FILES = { OUTPUT: "", STATE: "", STEP_SUMMARY: "", ENV: "", PATH: "" };

function onGitHub(lines: readonly string[], files: Partial<typeof FILES> = {}): StepResult {
  const output = new GitHubOutput(REQUEST);
  for (const line of lines) output.read(line);
  return output.result(ENDED, { ...FILES, ...files });
}

function onPipelines(lines: readonly string[], exitCode = 0): StepResult {
  const output = new PipelinesOutput(REQUEST, ["imageId"]);
  for (const line of lines) output.read(line);
  return output.result({ ...ENDED, exitCode });
}

describe("the GitHub runner", () => {
  test.each([
    ["::error::a%0Ab%25", { name: "error", properties: {}, data: "a\nb%" }],
    [
      "  ::error file=a%2Cb,line=1::x",
      { name: "error", properties: { file: "a,b", line: "1" }, data: "x" },
    ],
    ["##[error]x", { name: "error", properties: {}, data: "x" }],
    ["text ##[set-output name=a;]x", { name: "set-output", properties: { name: "a" }, data: "x" }],
  ])("reads %j as a command", (line, command) => {
    expect(gitHubCommand(line)).toEqual(command);
  });

  test.each(["text ::error::x", "::unknown::x", "::error", "##_[error]x", ": :error::x"])(
    "reads %j as text",
    (line) => expect(gitHubCommand(line)).toBeUndefined(),
  );

  test("still executes set-output, and warns", () => {
    const { outputs, annotations } = onGitHub(["::set-output name=image-id::evil"]);
    expect(outputs).toEqual({ "image-id": "evil" });
    expect(annotations).toEqual([{ level: "warning", message: expect.any(String) }]);
  });

  test("executes nothing between stop-commands and its token", () => {
    const lines = ["::stop-commands::abc", "::error::hidden", "::abc::", "::error::seen"];
    const { annotations } = onGitHub(lines);
    expect(annotations).toEqual([{ level: "error", message: "seen" }]);
  });

  test("hides a secret in everything printed after it was named", () => {
    const { log } = onGitHub(["s3cret!", "::add-mask::s3cret!", "a s3cret! b"]);
    expect(log).toEqual(["s3cret!", "a *** b"]);
  });

  test("fails the step on a disabled command", () => {
    expect(onGitHub(["::set-env name=PATH::/evil"]).succeeded).toBe(false);
  });

  test("reads values of several lines from command files", () => {
    const text = "a=1\nb<<END\nx\ny=2\nEND\nc=\n";
    expect(readCommandFile(text)).toEqual({ a: "1", b: "x\ny=2", c: "" });
    expect(onGitHub([], { OUTPUT: text }).outputs).toMatchObject({ a: "1" });
    expect(() => readCommandFile("b<<END\nx\n")).toThrow("END");
    expect(() => readCommandFile("nonsense\n")).toThrow("nonsense");
  });
});

describe("the Azure Pipelines agent", () => {
  test.each([
    [
      "text ##vso[task.setvariable variable=a%3Bb;isOutput=true]x%0Ay%AZP25",
      {
        name: "task.setvariable",
        properties: { variable: "a;b", isoutput: "true" },
        data: "x\ny%",
      },
    ],
    ["##vso[task.complete]", { name: "task.complete", properties: {}, data: "" }],
  ])("reads %j as a command", (line, command) => {
    expect(pipelinesCommand(line)).toEqual(command);
  });

  test.each(["##_vso[task.complete]", "##[error]x", "##vso[task]x", "##vso[task.complete"])(
    "reads %j as text",
    (line) => expect(pipelinesCommand(line)).toBeUndefined(),
  );

  test("lets the worst result stay", () => {
    const lines = ["##vso[task.complete result=Failed;]", "##vso[task.complete result=Succeeded;]"];
    expect(onPipelines(lines).succeeded).toBe(false);
    expect(onPipelines(["##vso[task.complete result=Succeeded;]"], 1).succeeded).toBe(false);
    expect(onPipelines(["##vso[task.complete result=SucceededWithIssues;]"]).succeeded).toBe(true);
  });

  test("sets only the variables that the manifest allows", () => {
    const set = (name: string): string => `##vso[task.setvariable variable=${name}]x`;
    const { outputs, annotations } = onPipelines([set("imageId"), set("PATH")]);
    expect(outputs).toEqual({ imageId: "x" });
    expect(annotations).toEqual([{ level: "warning", message: expect.stringContaining("PATH") }]);
  });

  test("keeps task variables for the post job", () => {
    const line = "##vso[task.settaskvariable variable=run;issecret=false;]a%0Ab";
    expect(onPipelines([line]).state).toEqual({ run: "a\nb" });
  });
});

test("secrets are hidden in the forms they usually appear in", () => {
  const masker = new SecretMasker();
  masker.add('s3cret/"value"');
  const encoded = Buffer.from('xs3cret/"value"').toString("base64");
  const text = `s3cret/"value" s3cret%2F%22value%22 s3cret/\\"value\\" ${encoded}`;
  expect(masker.mask(text)).not.toMatch(/s3cret|M2NyZXQ/);
});
