/** What the agent makes of a task's output: it executes commands, hides secrets and shows the rest. */
import { readFileSync } from "node:fs";
import type { EndedProcess } from "./nodeProcess.ts";
import { pipelinesCommand } from "./pipelinesCommands.ts";
import { SecretMasker } from "./secretMasker.ts";
import type { Annotation, HostCommand, StepRequest, StepResult } from "./step.ts";

/** Results in the order in which one replaces another: the worse one stays. */
const RESULTS = ["succeeded", "succeededwithissues", "failed", "canceled", "skipped"];
const FAILED = RESULTS.indexOf("failed");

/** Follows the output of one step. */
export class PipelinesOutput {
  readonly #request: StepRequest;
  readonly #settable: readonly string[];
  readonly #masker = new SecretMasker();
  readonly #annotations: Annotation[] = [];
  readonly #outputs: Record<string, string> = {};
  readonly #state: Record<string, string> = {};
  readonly #commands: HostCommand[] = [];
  readonly #log: string[] = [];
  #summary = "";
  #result = 0;

  /** @param settable patterns of pipeline variables that the task's manifest lets it set. */
  constructor(request: StepRequest, settable: readonly string[]) {
    this.#request = request;
    this.#settable = settable;
    // The agent knows the secrets of the job's connections before a task starts.
    this.#masker.add(request.job.emulator["EMULATOR_PIPELINES_TOKEN"] ?? "");
    this.#masker.add(request.signIn.secret ?? "");
  }

  /** Takes the next line of stdout or stderr; the agent treats both alike. */
  read(line: string): void {
    const command = pipelinesCommand(line);
    if (command === undefined) this.#show(line);
    else this.#execute(command);
  }

  /** The verdict: `task.complete` decides, unless the process ended badly. */
  result(ended: EndedProcess): StepResult {
    if (ended.exitCode !== 0) {
      const how = ended.signal === null ? `exit code ${ended.exitCode}` : `signal ${ended.signal}`;
      this.#annotate("error", `The process node ended with ${how}.`);
    }
    return {
      ...ended,
      succeeded: ended.exitCode === 0 && this.#result < FAILED,
      annotations: this.#annotations,
      outputs: this.#outputs,
      state: this.#state,
      masks: this.#masker.values(),
      commands: this.#commands,
      summary: this.#masker.mask(this.#summary),
      log: this.#log,
    };
  }

  /** `##[group]` and its like only change how a line looks, so they are shown as they are. */
  #show(line: string): void {
    const shown = this.#masker.mask(line);
    this.#log.push(shown);
    this.#request.onLine?.(shown);
  }

  #execute(command: HostCommand): void {
    this.#commands.push(command);
    const handle = this.#handlers[command.name];
    if (handle) handle(command);
    else this.#annotate("warning", `The agent of this demo does not execute ${command.name}.`);
  }

  readonly #handlers: Readonly<Record<string, (command: HostCommand) => void>> = {
    "task.setsecret": ({ data }) => this.#masker.add(data),
    "task.setvariable": (command) => this.#setVariable(command),
    "task.settaskvariable": ({ properties, data }) => {
      this.#state[properties["variable"] ?? ""] = data;
    },
    "task.complete": ({ properties }) => this.#complete(properties["result"] ?? ""),
    "task.issue": (command) => this.#addIssue(command),
    "task.logissue": (command) => this.#addIssue(command),
    "task.uploadsummary": ({ data }) => this.#readSummary(data),
    "task.debug": ({ data }) => this.#debug(data),
    "task.setprogress": () => {},
    "task.uploadfile": () => {},
    "task.addattachment": () => {},
  };

  #annotate(level: Annotation["level"], text: string): void {
    this.#annotations.push({ level, message: this.#masker.mask(text) });
    for (const line of text.split("\n")) this.#show(`##[${level}]${line}`);
  }

  #addIssue({ properties, data }: HostCommand): void {
    this.#annotate(properties["type"] === "warning" ? "warning" : "error", data);
  }

  /** The manifest's restriction covers every pipeline variable that a task sets. */
  #setVariable({ properties, data }: HostCommand): void {
    const name = properties["variable"] ?? "";
    if (properties["issecret"] === "true") this.#masker.add(data);
    if (this.#settable.some((pattern) => matches(pattern, name))) this.#outputs[name] = data;
    else this.#annotate("warning", `Setting the variable '${name}' is not allowed for this task.`);
  }

  #complete(text: string): void {
    const result = RESULTS.indexOf(text.toLowerCase());
    this.#result = Math.max(this.#result, result < 0 ? FAILED : result);
  }

  /** The agent checks at once that the file is there. */
  #readSummary(file: string): void {
    try {
      this.#summary += readFileSync(file, "utf8");
    } catch {
      this.#annotate("error", `Cannot upload the summary: file ${file} does not exist.`);
    }
  }

  #debug(text: string): void {
    if (this.#request.env?.["SYSTEM_DEBUG"] === "true") this.#show(`##[debug]${text}`);
  }
}

function matches(pattern: string, name: string): boolean {
  const source = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
  return new RegExp(`^${source}$`, "i").test(name);
}
