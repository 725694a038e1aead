/** What a person at a terminal makes of the output: nothing is a command, an `error:` line is the failure. */
import { outputs as contract, kebabCase } from "../shared/contract.ts";
import { LogGroups } from "./logGroups.ts";
import type { EndedProcess } from "./nodeProcess.ts";
import type { Annotation, StepRequest, StepResult } from "./step.ts";

const OUTPUT_NAMES = new Set(Object.keys(contract).map(kebabCase));

/** Follows the output of one command. */
export class TerminalOutput {
  readonly #request: StepRequest;
  readonly #groups = new LogGroups();
  readonly #annotations: Annotation[] = [];
  readonly #outputs: Record<string, string> = {};
  readonly #log: string[] = [];

  constructor(request: StepRequest) {
    this.#request = request;
  }

  read(line: string, _stream: "stdout" | "stderr"): void {
    this.#log.push(line);
    this.#request.onLine?.(line);
    const annotation = /^(error|warning): (.*)$/i.exec(line);
    if (annotation) this.#annotate(annotation[1] ?? "", annotation[2] ?? "");
    const output = /^([a-z-]+)[=:] ?(.*)$/.exec(line);
    if (output && OUTPUT_NAMES.has(output[1] ?? ""))
      this.#outputs[output[1] ?? ""] = output[2] ?? "";
  }

  result(ended: EndedProcess): StepResult {
    return {
      ...ended,
      succeeded: ended.exitCode === 0,
      annotations: this.#annotations,
      outputs: this.#outputs,
      state: {},
      masks: [],
      commands: [],
      summary: "",
      log: this.#log,
      groups: this.#groups.all(),
    };
  }

  #annotate(level: string, message: string): void {
    this.#annotations.push({
      level: level.toLowerCase() === "error" ? "error" : "warning",
      message,
    });
  }
}
