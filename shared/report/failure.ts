/** Turns a run that ended badly into an error that says which customizer failed and what it said last. */
import { readBuildLog } from "../azure/buildLog.ts";
import type { ImageTemplate, ImageTemplateBody } from "../azure/imageTemplate.ts";
import { describe, ImageBuildError } from "../errors.ts";
import type { BuildContext } from "../plan.ts";
import type { RunTimeline } from "../runStatus.ts";
import { type Diagnosis, diagnose } from "./diagnosis.ts";

/** The error for a run that did not succeed. Reading the log is best effort and never hides the failure. */
export async function runFailure(
  context: BuildContext,
  body: ImageTemplateBody,
  { timeline, template }: { timeline: RunTimeline; template: ImageTemplate },
): Promise<ImageBuildError> {
  const said = timeline.message ? [`The service says: ${timeline.message}`] : [];
  const names = customizerNames(body);
  const log = await readLog(context, template);
  const diagnosis = log === undefined ? undefined : diagnose(log, names.length);
  if (diagnosis) return customizerFailure(names, diagnosis, said);
  const isUnread = timeline.outcome === "Failed" && log === undefined;
  const hint = isUnread ? UNREAD_HINT : HINTS[timeline.outcome ?? ""];
  const facts = { details: said, ...(hint && { hint }) };
  return new ImageBuildError(`The run ended in state ${timeline.outcome}.`, facts);
}

const UNREAD_HINT =
  "The build log would say more, but it could not be read: the role Storage Blob Data Reader on the stagingResourceGroup would show it.";

const HINTS: Record<string, string> = {
  PartiallySucceeded:
    "Some of the distribution worked, so the outputs hold what was made; the step fails because something is missing.",
  Failed:
    "The log names no failed customizer, so look at the service's message: distribution, permissions and time-outs show there.",
  Canceled: "Somebody cancelled the run in Azure; this step did not.",
};

function customizerNames(body: ImageTemplateBody): string[] {
  const customize = body.properties["customize"];
  const list: { name?: string }[] = Array.isArray(customize) ? customize : [];
  return list.map(({ name }, index) => name ?? `number ${index + 1}`);
}

function customizerFailure(
  names: readonly string[],
  { customizerIndex, lastLines, verdict }: Diagnosis,
  said: readonly string[],
): ImageBuildError {
  const name = names[customizerIndex];
  return new ImageBuildError(`The customizer "${name}" failed: ${verdict}`, {
    details: ["Its last lines:", ...lastLines.map((line) => `  ${line}`), ...said],
    hint: "Correct the commands of this customizer; the last lines show how far it came.",
  });
}

async function readLog(
  { host, azure, arm }: BuildContext,
  template: ImageTemplate,
): Promise<string | undefined> {
  const group = template.properties.exactStagingResourceGroup;
  if (!group) return undefined;
  try {
    return await readBuildLog(azure, arm, group, host.signal);
  } catch (error) {
    host.signal.throwIfAborted();
    const { details } = describe(error);
    const right = "the role Storage Blob Data Reader on the stagingResourceGroup would show it";
    host.log("warning", `The build log cannot be read; ${right}. ${details.join(" ")}`);
    return undefined;
  }
}
