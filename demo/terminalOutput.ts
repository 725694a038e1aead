/** What a person at a terminal makes of the output: nothing is a command, `error:` starts the failure. */
import { outputs as contract, kebabCase } from "../shared/contract.ts";
import type { EndedProcess } from "./nodeProcess.ts";
import type { Annotation, StepRequest, StepResult } from "./step.ts";

const OUTPUT_NAMES = new Set(Object.keys(contract).map(kebabCase));

/** Follows the output of one command. */
export class TerminalOutput {
  readonly #request: StepRequest;
  readonly #annotations: Annotation[] = [];
  readonly #outputs: Record<string, string> = {};
  readonly #log: string[] = [];

  constructor(request: StepRequest) {
    this.#request = request;
  }

  read(line: string, stream: "stdout" | "stderr"): void {
    this.#log.push(line);
    this.#request.onLine?.(line);
    if (stream === "stderr") this.#readComplaint(line);
    else this.#readStatement(line);
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
    };
  }

  /** A failure is a first line with its prefix, then its details. */
  #readComplaint(line: string): void {
    const last = this.#annotations.at(-1);
    const isNew = line.startsWith("error: ") || last?.level !== "error";
    const message = isNew ? line.replace(/^error: /, "") : `${last.message}\n${line}`;
    if (!isNew) this.#annotations.pop();
    this.#annotations.push({ level: "error", message });
  }

  #readStatement(line: string): void {
    const [, warning] = /^warning: (.*)$/.exec(line) ?? [];
    if (warning !== undefined) this.#annotations.push({ level: "warning", message: warning });
    const [, name = "", value = ""] = /^([a-z-]+)=(.*)$/.exec(line) ?? [];
    if (OUTPUT_NAMES.has(name)) this.#outputs[name] = value;
  }
}
