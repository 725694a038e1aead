/** The collect step: what a run has made, from every distributor. */
import type { ImageTemplateClient, RunOutput } from "./azure/imageTemplate.ts";
import type { Clock } from "./clock.ts";
import { DeadlineError, ImageBuildError } from "./errors.ts";
import type { Host } from "./host.ts";
import { pollUntil } from "./poll.ts";

// Run outputs can show some time after the run has ended.
const OUTPUT_LIMIT_IN_MS = 10 * 60_000;

/**
 * Waits until every distributor has its run output.
 * @throws {ImageBuildError} when one stays away: an empty output would be taken for a result.
 */
export async function collectRunOutputs(
  host: Host,
  clock: Clock,
  template: ImageTemplateClient,
  names: readonly string[],
): Promise<RunOutput[]> {
  const options = {
    clock,
    signal: host.signal,
    limitInMs: OUTPUT_LIMIT_IN_MS,
    waitingFor: `the run outputs ${names.map((name) => `"${name}"`).join(", ")}`,
  };
  try {
    return await pollUntil(options, async () => {
      const outputs = await template.runOutputs(host.signal);
      return names.every((name) => isThere(outputs, name)) ? outputs : undefined;
    });
  } catch (cause) {
    if (!(cause instanceof DeadlineError)) throw cause;
    throw new ImageBuildError("The run succeeded, but the service does not say what it made.", {
      details: [cause.message],
      hint: "Look for the new version in the gallery; the build itself was not repeated.",
      cause,
    });
  }
}

/** What is there now, without waiting: a run that failed may have made some of it. */
export async function presentRunOutputs(
  host: Host,
  template: ImageTemplateClient,
): Promise<RunOutput[]> {
  try {
    return (await template.runOutputs(host.signal)).filter(({ artifactId }) => artifactId !== "");
  } catch (error) {
    host.log("debug", `The run outputs could not be read: ${error}`);
    return [];
  }
}

function isThere(outputs: readonly RunOutput[], name: string): boolean {
  return outputs.some((output) => output.name === name && output.artifactId !== "");
}
