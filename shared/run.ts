/** The run step: starts the run once, and finds out what became of a request whose answer was lost. */
import type { ImageTemplateClient } from "./azure/imageTemplate.ts";
import type { Clock } from "./clock.ts";
import { ArmError, DeadlineError, isTransient } from "./errors.ts";
import type { Host } from "./host.ts";
import { pollUntil } from "./poll.ts";

const START_LIMIT_IN_MS = 10 * 60_000;
// How long a run that was asked for may stay invisible before the request counts as lost on the way there.
const INVISIBLE_LIMIT_IN_MS = 60_000;
const THROTTLED_WAIT_IN_MS = 10_000;

/**
 * Starts the run of a template that has not run yet. The request is sent once; without a clear answer the template
 * tells whether the run started, and only when it shows no run for a minute is the request sent again.
 * @throws {AccessError | ArmError} when the service refuses.
 */
export async function startRun(
  host: Host,
  clock: Clock,
  template: ImageTemplateClient,
): Promise<void> {
  const startedAt = clock.now().getTime();
  for (;;) {
    const failure = await requestRun(host, template);
    if (failure === undefined) {
      host.log("info", "The run is started.");
      return;
    }
    if (await hasRun(host, clock, template, failure)) {
      host.log("info", "The answer to the run request was lost; the run is on.");
      return;
    }
    const isOver = clock.now().getTime() - startedAt > START_LIMIT_IN_MS;
    if (!isTransient(failure) || isOver) throw failure;
    host.log("info", "The run request did not reach the service; asking again.");
  }
}

async function requestRun(host: Host, template: ImageTemplateClient): Promise<unknown> {
  try {
    await template.run(host.signal);
    return undefined;
  } catch (error) {
    host.signal.throwIfAborted();
    return error;
  }
}

/** A clear refusal needs one look, a throttled request a pause, and silence some patience. */
async function hasRun(
  host: Host,
  clock: Clock,
  template: ImageTemplateClient,
  failure: unknown,
): Promise<boolean> {
  const isVisible = async (): Promise<true | undefined> =>
    (await template.get(host.signal))?.properties.lastRunStatus ? true : undefined;
  if (!isTransient(failure)) return (await isVisible()) ?? false;
  if (failure instanceof ArmError && failure.statusCode === 429) {
    await clock.sleep(failure.retryAfterInMs ?? THROTTLED_WAIT_IN_MS, host.signal);
    return (await isVisible()) ?? false;
  }
  const limit = { limitInMs: INVISIBLE_LIMIT_IN_MS, waitingFor: "the run to show" };
  try {
    return await pollUntil({ clock, signal: host.signal, ...limit }, isVisible);
  } catch (error) {
    if (error instanceof DeadlineError) return false;
    throw error;
  }
}
