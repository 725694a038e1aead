/**
 * The port: what any CI host offers the product, and nothing more. Raw text comes in, plain data goes out;
 * an adapter holds no decisions. Pure: no I/O.
 */
import type { HostName, InputName, OutputName } from "./contract.ts";
import type { FailureReport } from "./errors.ts";

/** `debug` is hidden unless the user turned the host's debug mode on. */
export type LogLevel = "debug" | "info" | "warning";

/** Where a build comes from; kept as tags on the image template and the image version. */
export interface Provenance {
  readonly runUrl?: string;
  readonly repository?: string;
  readonly commit?: string;
}

/** What a sign-in needs to know of the cloud it signs in to. */
export interface SignInCloud {
  /** Entra ID's URL in that cloud, without the tenant. */
  readonly authorityHost: string;
  /** Audience that a federated assertion must carry there. */
  readonly federationAudience: string;
  /** False where Entra ID's own directory of clouds does not know this authority. */
  readonly isWellKnown: boolean;
}

/** A source of access tokens, of the shape that every Azure SDK accepts. */
export interface Credential {
  getToken(
    scopes: string | string[],
    options?: object,
  ): Promise<{ token: string; expiresOnTimestamp: number } | null>;
}

/** Which subscription to work in, as whom, and in which cloud. */
export interface SignIn {
  readonly subscriptionId: string;
  /** Azure Resource Manager's URL in the cloud that the user chose. */
  readonly resourceManagerEndpoint: string;
  /** What the user calls the setting that this URL comes from. */
  readonly resourceManagerEndpointLabel: string;
  credential(cloud: SignInCloud): Credential;
}

/** What a CI system, or a terminal, offers to one step. */
export interface Host {
  readonly name: HostName;
  /** Folder that relative paths start from. */
  readonly workspace: string;
  /** Folder for files of this step, removed by the host or the user. */
  readonly temporaryFolder: string;
  /** The user's home folder, which is never packed. */
  readonly homeFolder: string;
  /** Unique per attempt of a run; letters, digits and `-`. */
  readonly runId: string;
  readonly provenance: Provenance;
  /** Aborts when the host asks the step to stop. */
  readonly signal: AbortSignal;
  /** Aborts when the host asks a second time. */
  readonly hurry: AbortSignal;
  /** How long the host lets a step live after asking it to stop. */
  readonly stopGraceInMs: number;
  /** True when the host runs `post` after the step, even if it was stopped or killed. */
  readonly hasPostStep: boolean;

  /** Raw text of an input, trimmed; empty when not given. */
  readInput(name: InputName): string;
  /** The user's spelling of an input on this host. */
  inputLabel(name: InputName): string;
  /**
   * Sign-in settings. Reads inputs only, no network.
   * @throws {InputError} when they cannot work on this host.
   */
  signIn(): Promise<SignIn>;
  /** What earlier calls of `saveState` kept, for the post step. */
  savedState(key: string): string;

  /** Prints text of any origin; the adapter neutralizes it. */
  log(level: LogLevel, text: string): void;
  group<T>(title: string, body: () => Promise<T>): Promise<T>;
  /** Hides a secret in everything printed from now on. */
  mask(secret: string): void;
  setOutput(name: OutputName, value: string): void;
  /** Keeps a value for the post step; it takes effect at once, even if the step is killed next. */
  saveState(key: string, value: string): void;
  /** Fails the step with exactly one annotation. */
  fail(report: FailureReport): void;
  /** Shows markdown with the run, where the host can. */
  writeSummary?(markdown: string): Promise<void>;
}

// Everything that ends a line for some reader; escape codes; control and formatting characters that hide text.
const LINE_END = /\r\n|[\r\n\v\f\u0085\u2028\u2029]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this removes
const ESCAPE_CODE = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b\n]*\u0007?|.)?/g;
const INVISIBLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this removes
  /[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/**
 * Makes text of any origin safe to print on either host: no line can be read as a logging command
 * (`##vso[`, `##[`, `::name::`), no escape code reaches a terminal, and the text stays readable.
 * Both grammars are covered on both hosts, since logs get copied from one to the other.
 */
export function neutralize(text: string): string {
  return text
    .replace(LINE_END, "\n")
    .replace(ESCAPE_CODE, "")
    .replace(INVISIBLE, "")
    .replace(/##(?=vso\[|\[)/gi, "##_")
    .replace(/^([^\S\n]*)::/gm, "$1: :");
}
