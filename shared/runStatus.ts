/** From `lastRunStatus` snapshots to phases, durations and an outcome. Pure: no clock, no network. */

/**
 * Part of an image template, as `GET` returns it:
 * `{"startTime":"…","endTime":"0001-01-01T00:00:00Z","runState":"Running","runSubState":"Building","message":""}`.
 * Source: ImageTemplateLastRunStatus, api-version 2025-10-01.
 */
export interface LastRunStatus {
  readonly startTime?: string;
  readonly endTime?: string;
  readonly runState?: string;
  /** Only while the run is Running. */
  readonly runSubState?: string;
  readonly message?: string;
}

/** How a run can end. Source: runState, api-version 2025-10-01. */
export const RUN_OUTCOMES = ["Succeeded", "PartiallySucceeded", "Failed", "Canceled"] as const;
/** One of the ends of a run. */
export type RunOutcome = (typeof RUN_OUTCOMES)[number];

const KNOWN_UNFINISHED = ["Running", "Canceling"];
const KNOWN_PHASES = [
  "Queued",
  "Building",
  "Customizing",
  "Optimizing",
  "Validating",
  "Distributing",
];

/** A stretch of a run, as far as it was seen. */
export interface Phase {
  readonly name: string;
  readonly durationInMs: number;
}

/** What is known of a run after some snapshots. */
export interface RunTimeline {
  /** Finished and current phases, in the order in which they were seen. */
  readonly phases: readonly { readonly name: string; readonly startedAt: Date }[];
  readonly outcome?: RunOutcome;
  readonly endedAt?: Date;
  /** The service's own words about the end. */
  readonly message: string;
}

/** The timeline before the first snapshot. */
export const NOT_STARTED: RunTimeline = { phases: [], message: "" };

/** Adds one snapshot, seen at a time. An unknown state is a phase of its own: the run is not over. */
export function observe(timeline: RunTimeline, status: LastRunStatus, at: Date): RunTimeline {
  const outcome = outcomeOf(status);
  const message = status.message ?? "";
  if (outcome) return { ...timeline, outcome, endedAt: at, message };
  const name = phaseName(status);
  if (name === timeline.phases.at(-1)?.name) return timeline;
  return { ...timeline, phases: [...timeline.phases, { name, startedAt: at }] };
}

/** Undefined while the run goes on. */
export function outcomeOf(status: LastRunStatus | undefined): RunOutcome | undefined {
  return RUN_OUTCOMES.find((outcome) => outcome === status?.runState);
}

/** What to call the present state: the sub-state while Running, the state otherwise. */
export function phaseName(status: LastRunStatus): string {
  const state = status.runState ?? "";
  if (state === "Running") return status.runSubState || "Queued";
  return state || "Queued";
}

/** False for a state or sub-state that this version of the tool has never heard of. */
export function isKnown(status: LastRunStatus): boolean {
  const name = phaseName(status);
  return [...KNOWN_UNFINISHED, ...KNOWN_PHASES, ...RUN_OUTCOMES].includes(name);
}

/** How long each phase took, up to the end of the run or to `now`. */
export function phaseDurations(timeline: RunTimeline, now: Date): Phase[] {
  const end = timeline.endedAt ?? now;
  return timeline.phases.map(({ name, startedAt }, index) => {
    const endedAt = timeline.phases[index + 1]?.startedAt ?? end;
    return { name, durationInMs: endedAt.getTime() - startedAt.getTime() };
  });
}

/** A duration as people say it: `42 s`, `7 min 5 s`, `2 h 3 min`. */
export function spokenDuration(durationInMs: number): string {
  const seconds = Math.max(0, Math.round(durationInMs / 1_000));
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}
