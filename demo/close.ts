/** The last lines of a demo: what came out, how long it took, what is still there. */
import type { Emulator } from "./emulator.ts";
import type { FlowStep } from "./phases.ts";
import type { StepResult } from "./step.ts";

/** States in which a run still costs money. */
const LIVE_STATES = ["Running", "Canceling"];

/** One line for everything that the service still holds; empty when it holds nothing. */
export async function leftBehind(emulator: Emulator): Promise<string[]> {
  const templates = await emulator.list<{ id: string }>("/templates");
  const blobs = await emulator.list<{ container: string; name: string }>("/blobs");
  const runs = await emulator.list<{ templateName: string; runState: string }>("/runs");
  return [
    ...templates.map((template) => `image template ${template.id}`),
    ...blobs.map((blob) => `blob ${blob.container}/${blob.name}`),
    ...runs
      .filter((run) => LIVE_STATES.includes(run.runState))
      .map((run) => `run of ${run.templateName}, ${run.runState}`),
  ];
}

/** Prints the close of a demo whose step ended with `result`; `left` is what the service still holds. */
export function printClose(
  result: StepResult,
  phases: readonly FlowStep[],
  left: readonly string[],
): void {
  const lines = [
    "",
    row("Result", result.succeeded ? "succeeded" : "failed"),
    row("Image version", imageVersion(result)),
    ...rows(
      "Phases",
      phases.map(({ title, durationInMs }) => `${title} ${seconds(durationInMs)}`),
    ),
    ...rows("Left behind", left.length === 0 ? ["nothing"] : left),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

function imageVersion({ outputs }: StepResult): string {
  const id = outputs["image-id"] ?? outputs["imageId"] ?? "";
  return id === "" ? "none" : id;
}

/** The title stands on the first of them only. */
function rows(title: string, texts: readonly string[]): string[] {
  return texts.map((text, index) => row(index === 0 ? title : "", text));
}

function row(title: string, text: string): string {
  return `${title.padEnd(15)}${text}`;
}

function seconds(durationInMs: number): string {
  return `${(durationInMs / 1000).toFixed(1)} s`;
}
