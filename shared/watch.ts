/** The watch step: follows a run to its end, saying what changes and that it still goes on. */
import type { ImageTemplate, ImageTemplateClient } from "./azure/imageTemplate.ts";
import type { Clock } from "./clock.ts";
import type { Host } from "./host.ts";
import { pollUntil } from "./poll.ts";
import {
  isKnown,
  type LastRunStatus,
  NOT_STARTED,
  observe,
  phaseDurations,
  phaseName,
  type RunTimeline,
  spokenDuration,
} from "./runStatus.ts";

const MINUTE_IN_MS = 60_000;
// Source: buildTimeoutInMinutes, api-version 2025-10-01: 0 means 240.
const DEFAULT_BUILD_TIMEOUT_IN_MINUTES = 240;
// The service ends a run itself; this is for one that it forgets.
const MARGIN_IN_MS = 60 * MINUTE_IN_MS;
const HEARTBEAT_IN_MS = MINUTE_IN_MS;

/**
 * Follows the run until it ends, for at most the build timeout and an hour.
 * @throws {DeadlineError} when the service never ends it.
 */
export async function watchRun(
  host: Host,
  clock: Clock,
  template: ImageTemplateClient,
  buildTimeoutInMinutes: number,
): Promise<{ timeline: RunTimeline; template: ImageTemplate }> {
  const timeoutInMinutes = buildTimeoutInMinutes || DEFAULT_BUILD_TIMEOUT_IN_MINUTES;
  const reporter = new Reporter(host, clock);
  const options = {
    clock,
    signal: host.signal,
    limitInMs: timeoutInMinutes * MINUTE_IN_MS + MARGIN_IN_MS,
    waitingFor: "the run to end",
    onFailure: (error: Error) =>
      host.log("info", `Reading the run failed, going on: ${error.message}`),
  };
  return pollUntil(options, async () => {
    const read = await template.require(host.signal);
    const timeline = reporter.see(read.properties.lastRunStatus);
    return timeline.outcome ? { timeline, template: read } : undefined;
  });
}

/** Prints a line when the phase changes, and one a minute while it does not. */
class Reporter {
  readonly #host: Host;
  readonly #clock: Clock;
  readonly #startedAt: Date;
  #timeline = NOT_STARTED;
  #phaseSince: Date;
  #spokeAt: Date;

  constructor(host: Host, clock: Clock) {
    this.#host = host;
    this.#clock = clock;
    this.#startedAt = this.#phaseSince = this.#spokeAt = clock.now();
  }

  see(status: LastRunStatus | undefined): RunTimeline {
    if (!status) return this.#timeline;
    const now = this.#clock.now();
    const before = this.#timeline;
    this.#timeline = observe(before, status, now);
    if (this.#timeline.outcome) this.#sayEnd(now);
    else if (this.#timeline !== before) this.#sayPhase(status, now);
    else if (now.getTime() - this.#spokeAt.getTime() >= HEARTBEAT_IN_MS)
      this.#sayStill(status, now);
    return this.#timeline;
  }

  #sayEnd(now: Date): void {
    this.#say(`The run ended: ${this.#timeline.outcome}`, now);
    const phases = phaseDurations(this.#timeline, now);
    const spoken = phases.map(
      ({ name, durationInMs }) => `${name} ${spokenDuration(durationInMs)}`,
    );
    this.#host.log("info", `Phases: ${spoken.join(", ")}`);
  }

  #sayPhase(status: LastRunStatus, now: Date): void {
    this.#phaseSince = now;
    this.#say(phaseName(status), now);
    if (isKnown(status)) return;
    const text = `The service reports the state "${phaseName(status)}", which this version does not know; waiting on.`;
    this.#host.log("warning", text);
  }

  #sayStill(status: LastRunStatus, now: Date): void {
    const phaseInMs = now.getTime() - this.#phaseSince.getTime();
    this.#say(`Still ${phaseName(status)} for ${spokenDuration(phaseInMs)}`, now);
  }

  #say(text: string, now: Date): void {
    this.#spokeAt = now;
    const elapsed = spokenDuration(now.getTime() - this.#startedAt.getTime());
    this.#host.log("info", `${text} (${elapsed} since the start)`);
  }
}
