/** What a step of a job is, whichever host runs it: the request a host gets and the result it decides on. */

/** A host that runs one step of a job. */
export type RunStep = (request: StepRequest) => Promise<StepResult>;

/** The job that a main step and its post step share. */
export interface Job {
  /** What the checkout left, and the folder that relative inputs start from. */
  readonly workspace: string;
  /** Folder of the host for this job: temporary files, a home folder, file commands. */
  readonly folder: string;
  /** Decimal number, as both hosts count their runs. */
  readonly runId: string;
  readonly attempt: number;
  /** The lines of the emulator's env file. */
  readonly emulator: Readonly<Record<string, string>>;
}

/** How the step signs in; each host has its own way to be told. */
export interface StepSignIn {
  /** `federated` is the host's OIDC token, `secret` a client secret. */
  readonly kind: "federated" | "secret";
  readonly secret?: string;
}

/** A signal for the step's process, sent once `after` resolves. It is dropped when the process has ended by then. */
export interface PlannedSignal {
  readonly signal: NodeJS.Signals;
  readonly after: Promise<unknown>;
  readonly delayInMs?: number;
}

/** One step, as the host is asked to run it. */
export interface StepRequest {
  readonly entry: "main" | "post";
  readonly job: Job;
  /** The node binary that the host would choose. */
  readonly nodePath: string;
  readonly nodeOptions?: readonly string[];
  /** Text of the inputs by camelCase name; sign-in inputs are added by the host. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly signIn: StepSignIn;
  /** More environment variables, as a user sets them with `env:`. */
  readonly env?: Readonly<Record<string, string>>;
  /** What the main step kept, for a post step. */
  readonly state?: Readonly<Record<string, string>>;
  readonly signals?: readonly PlannedSignal[];
  /** Called with every line as a person sees it, while the step runs. */
  readonly onLine?: (line: string) => void;
}

/** A marked message on the page of the run. */
export interface Annotation {
  readonly level: "error" | "warning" | "notice";
  readonly message: string;
}

/** A command that the step's output made the host execute, without its parameters' escapes. */
export interface HostCommand {
  /** `add-mask` on GitHub, `task.setvariable` on Azure Pipelines. */
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly data: string;
}

/** One step, as the host and a person see it afterwards. */
export interface StepResult {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** As the host decides it: by exit code, and on Azure Pipelines by the last `task.complete`. */
  readonly succeeded: boolean;
  readonly annotations: readonly Annotation[];
  readonly outputs: Readonly<Record<string, string>>;
  readonly state: Readonly<Record<string, string>>;
  readonly masks: readonly string[];
  readonly commands: readonly HostCommand[];
  /** Markdown for the page of the run; empty when there is none. */
  readonly summary: string;
  /** What a person reads: commands executed and taken out, secrets masked. */
  readonly log: readonly string[];
  /** As the process wrote it, before any masking. */
  readonly stdout: string;
  readonly stderr: string;
  readonly durationInMs: number;
}

/** How both hosts stop a step: SIGINT, 7.5 s later SIGTERM, 2.5 s later SIGKILL, each to the node process only. */
export function cancelAfter(after: Promise<unknown>): PlannedSignal[] {
  return [
    { signal: "SIGINT", after },
    { signal: "SIGTERM", after, delayInMs: 7_500 },
    { signal: "SIGKILL", after, delayInMs: 10_000 },
  ];
}
