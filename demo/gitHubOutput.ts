/** What the runner makes of a step's output: it executes commands, hides secrets and shows the rest. */
import { gitHubCommand, readCommandFile } from "./gitHubCommands.ts";
import type { EndedProcess } from "./nodeProcess.ts";
import { SecretMasker } from "./secretMasker.ts";
import type { Annotation, HostCommand, StepRequest, StepResult } from "./step.ts";

/** The files that a step writes commands to, as their variables are called after `GITHUB_`. */
export const FILE_COMMANDS = ["OUTPUT", "STATE", "STEP_SUMMARY", "ENV", "PATH"] as const;
/** One of these files. */
export type FileCommand = (typeof FILE_COMMANDS)[number];

/** Follows the output of one step. */
export class GitHubOutput {
  readonly #request: StepRequest;
  readonly #masker = new SecretMasker();
  readonly #annotations: Annotation[] = [];
  readonly #outputs: Record<string, string> = {};
  readonly #state: Record<string, string> = {};
  readonly #commands: HostCommand[] = [];
  readonly #log: string[] = [];
  #stopToken: string | undefined;
  #hasFailedCommand = false;

  constructor(request: StepRequest) {
    this.#request = request;
    // The runner knows the job's own tokens and every `secrets.*` value before a step starts.
    this.#masker.add(request.job.emulator["EMULATOR_GITHUB_OIDC_TOKEN"] ?? "");
    this.#masker.add(request.signIn.secret ?? "");
  }

  /** Takes the next line of stdout or stderr; the runner treats both alike. */
  read(line: string): void {
    const command = gitHubCommand(line, this.#stopToken);
    if (this.#stopToken !== undefined) this.#readWhileStopped(line, command);
    else if (command === undefined) this.#show(line);
    else this.#execute(command);
  }

  /** The verdict. @throws when a command file is malformed. */
  result(ended: EndedProcess, files: Record<FileCommand, string>): StepResult {
    return {
      ...ended,
      succeeded: ended.exitCode === 0 && !this.#hasFailedCommand,
      annotations: this.#annotations,
      outputs: { ...this.#outputs, ...readCommandFile(files.OUTPUT) },
      state: { ...this.#state, ...readCommandFile(files.STATE) },
      masks: this.#masker.values(),
      commands: this.#commands,
      summary: this.#masker.mask(files.STEP_SUMMARY),
      log: this.#log,
    };
  }

  #show(line: string): void {
    const shown = this.#masker.mask(line);
    this.#log.push(shown);
    this.#request.onLine?.(shown);
  }

  #readWhileStopped(line: string, command: HostCommand | undefined): void {
    if (command?.name === this.#stopToken) this.#stopToken = undefined;
    this.#show(line);
  }

  #execute(command: HostCommand): void {
    this.#commands.push(command);
    this.#handlers[command.name]?.(command);
  }

  readonly #handlers: Readonly<Record<string, (command: HostCommand) => void>> = {
    "add-mask": ({ data }) => this.#masker.add(data),
    error: ({ data }) => this.#annotate("error", data),
    warning: ({ data }) => this.#annotate("warning", data),
    notice: ({ data }) => this.#annotate("notice", data),
    debug: ({ data }) => this.#debug(data),
    group: ({ data }) => this.#show(`##[group]${data}`),
    endgroup: () => this.#show("##[endgroup]"),
    "set-output": (command) => this.#keep(command, this.#outputs),
    "save-state": (command) => this.#keep(command, this.#state),
    "set-env": (command) => this.#refuse(command),
    "add-path": (command) => this.#refuse(command),
    "stop-commands": ({ data }) => {
      this.#stopToken = data;
    },
  };

  #annotate(level: Annotation["level"], text: string): void {
    this.#annotations.push({ level, message: this.#masker.mask(text) });
    for (const line of text.split("\n")) this.#show(`##[${level}]${line}`);
  }

  /** The runner shows debug lines only when the user asked for them. */
  #debug(text: string): void {
    if (this.#request.env?.["RUNNER_DEBUG"] === "1") this.#show(`##[debug]${text}`);
  }

  /** Deprecated, and still executed by the runner with a warning. */
  #keep({ name, properties, data }: HostCommand, values: Record<string, string>): void {
    values[properties["name"] ?? ""] = data;
    this.#annotate("warning", `The \`${name}\` command is deprecated.`);
  }

  /** Disabled since 2020: the runner fails the step instead. */
  #refuse({ name }: HostCommand): void {
    this.#hasFailedCommand = true;
    this.#annotate("error", `The \`${name}\` command is disabled.`);
  }
}
