/** What a run of the product left in its streams and on the service, and what must hold for every run. */
import { expect } from "@jest/globals";
import type { StepResult } from "../../demo/step.ts";
import type { Control } from "./emulatorProcess.ts";
import type { ProductRun } from "./product.ts";

/** One of `/templates`: an image template that exists now. */
export interface TemplateEntry {
  readonly id: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly runState?: string;
  readonly resource: unknown;
}

/** One of `/runs`: a run since the emulator started, ended or not. */
export interface RunEntry {
  readonly templateName: string;
  readonly runState: string;
  readonly runSubState?: string;
}

/** One of `/blobs`: a staged blob. */
export interface BlobEntry {
  readonly container: string;
  readonly name: string;
}

/** One of `/image-versions`: what a run has made. */
export interface ImageVersionEntry {
  readonly id: string;
  readonly version: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly regions: readonly unknown[];
}

/** One of `/requests`: what the emulator was asked; `path` has its query, without signatures. */
export interface RequestEntry {
  readonly surface: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

/** Commands that the task may give its agent: anything else is a way for a build log to take the job over. */
const TASK_COMMANDS = [
  ...["task.complete", "task.debug", "task.issue", "task.logissue", "task.setprogress"],
  ...["task.setsecret", "task.settaskvariable", "task.setvariable", "task.uploadfile"],
  "task.uploadsummary",
];
const ACTION_COMMANDS = ["add-mask", "debug", "endgroup", "error", "group", "notice", "warning"];

/** The main step, then the post step where there is one. */
export function steps(run: ProductRun): StepResult[] {
  return run.post === undefined ? [run.main] : [run.main, run.post];
}

/** Texts of the error annotations of a whole job. */
export function errors(run: ProductRun): string[] {
  return steps(run)
    .flatMap((step) => step.annotations)
    .filter((annotation) => annotation.level === "error")
    .map((annotation) => annotation.message);
}

/** The output of that camelCase name, however the host spells it. */
export function output(run: ProductRun, name: string): string {
  return outputsByName(run)[name] ?? "";
}

/** Outputs by camelCase name on every host. */
export function outputsByName(run: ProductRun): Record<string, string> {
  return Object.fromEntries(
    Object.entries(run.main.outputs).map(([name, value]) => [camelCase(name), value]),
  );
}

function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** What holds for every run, however it ended. */
export function expectDecentRun(run: ProductRun): void {
  for (const step of steps(run)) {
    expect(step.signal).toBeNull();
    expect(`${step.stdout}\n${step.stderr}`).not.toMatch(/^\s{4}at \S+.*:\d+/m);
    const allowed = run.host === "task" ? TASK_COMMANDS : ACTION_COMMANDS;
    const refused = step.commands.filter((command) => !allowed.includes(command.name));
    expect(refused).toEqual([]);
  }
  expect(errors(run).length).toBeLessThanOrEqual(1);
  if (run.post) expect({ log: run.post.log, ok: run.post.succeeded }).toMatchObject({ ok: true });
}

/** What the service still has, or has had, of one run. */
export interface TemplateTraces {
  readonly templates: number;
  readonly liveRuns: number;
  readonly startedRuns: number;
}

/** A run's image template has the run's id in its name. */
export async function templateTraces(control: Control, runId: string): Promise<TemplateTraces> {
  const templates = await control.get<TemplateEntry[]>("/templates");
  const runs = await control.get<RunEntry[]>("/runs");
  const ofRun = runs.filter((run) => run.templateName.includes(runId));
  return {
    templates: templates.filter((template) => template.name.includes(runId)).length,
    liveRuns: ofRun.filter((run) => ["Running", "Canceling"].includes(run.runState)).length,
    startedRuns: ofRun.length,
  };
}
