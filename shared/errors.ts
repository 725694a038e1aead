/** What can go wrong, as classes, and the one place that turns an error into words. Pure: no I/O. */

/** What a host shows when a step fails: one annotation. */
export interface FailureReport {
  readonly title: string;
  readonly details: readonly string[];
  readonly hint?: string;
}

/** Facts that any error of ours may carry. */
export interface ErrorFacts {
  readonly details?: readonly string[];
  /** What to do about it, as one sentence or two. */
  readonly hint?: string;
  readonly cause?: unknown;
}

abstract class AppError extends Error {
  readonly details: readonly string[];
  readonly hint: string | undefined;

  constructor(message: string, facts: ErrorFacts = {}) {
    super(message, { cause: facts.cause });
    this.name = new.target.name;
    this.details = facts.details ?? [];
    this.hint = facts.hint;
  }
}

/** Something the user can correct in the step's inputs. Holds every mistake found, not the first one. */
export class InputError extends AppError {
  readonly problems: readonly string[];

  constructor(problems: readonly string[], facts: ErrorFacts = {}) {
    super(problems.length === 1 ? "An input is wrong." : `${problems.length} inputs are wrong.`, {
      ...facts,
      details: problems,
    });
    this.problems = problems;
  }
}

/** The artifacts cannot be packed as they are. */
export class ArtifactError extends AppError {}

/** Who signed in may not do something, or could not sign in. */
export class AccessError extends AppError {}

interface ArmFacts extends ErrorFacts {
  readonly statusCode: number;
  readonly code: string;
  readonly retryAfterInMs?: number | undefined;
}

/** Any other refusal of Azure. */
export class ArmError extends AppError {
  /** HTTP status; 0 when there was no answer. */
  readonly statusCode: number;
  /** The service's own error code, such as `Conflict`. */
  readonly code: string;
  /** How long the service asks to wait before the next try. */
  readonly retryAfterInMs: number | undefined;

  constructor(message: string, facts: ArmFacts) {
    super(message, facts);
    this.statusCode = facts.statusCode;
    this.code = facts.code;
    this.retryAfterInMs = facts.retryAfterInMs;
  }
}

/** True for failures that a later try may not meet: no answer, throttling, a fault on the service's side. */
export function isTransient(error: unknown): boolean {
  return (
    error instanceof ArmError &&
    (error.statusCode === 0 ||
      error.statusCode === 408 ||
      error.statusCode === 429 ||
      error.statusCode >= 500)
  );
}

/** True for the answer that there is no such resource, or none that may be seen. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ArmError && error.statusCode === 404;
}

/** The image template could not be created, or its run ended otherwise than well. */
export class ImageBuildError extends AppError {}

/** Our own time budget ran out. */
export class DeadlineError extends AppError {}

/** The host asked the step to stop. */
export class CanceledError extends AppError {}

const ISSUE_FORM =
  "This looks like a defect in this tool. Run again with debug logging and report it with that log.";

/** Words for any error. Errors that are not ours are our own bug and say so; a stack trace never gets in. */
export function describe(error: unknown): FailureReport {
  if (error instanceof AppError) {
    const report = { title: error.message, details: error.details };
    return error.hint === undefined ? report : { ...report, hint: error.hint };
  }
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { title: `Unexpected failure: ${text}`, details: [], hint: ISSUE_FORM };
}

/** The report as one text, the way every host shows it. */
export function reportText(report: FailureReport): string {
  const hint = report.hint === undefined ? [] : [report.hint];
  return [report.title, ...report.details, ...hint].join("\n");
}
