/** Customizers: the port behind which they run, and the one that only pretends to. */
import type { BuildLog } from "./buildLog.ts";
import { type JsonObject, stringOf, stringsOf } from "./json.ts";
import { lastSegment } from "./resourceIds.ts";
import type { Behaviour } from "./scenarios.ts";
import type { Timeline } from "./timeline.ts";

/** One customizer and where its output and time go. */
export interface CustomizerRun {
  customizer: JsonObject;
  isLast: boolean;
  log: BuildLog;
  timeline: Timeline;
}

/** Runs customizers in a build VM, or as if in one. */
export interface Customizers {
  /** Writes the customizer's output to the log; answers its exit code. */
  run(run: CustomizerRun): Promise<number>;
}

const SIMULATED_DURATION_IN_MS = 10_000;
const LONGEST_ECHO = 400;

/** Packer's provisioner for a customizer type. */
export function provisionerOf(customizer: JsonObject): string {
  const provisioners: Record<string, string> = {
    Shell: "shell",
    PowerShell: "powershell",
    File: "file",
    WindowsRestart: "windows-restart",
    WindowsUpdate: "windows-update",
  };
  return provisioners[stringOf(customizer["type"])] ?? "shell";
}

/** Takes 10 s per customizer and echoes what would run. */
export class SimulatedCustomizers implements Customizers {
  readonly #behaviour: () => Behaviour;

  constructor(behaviour: () => Behaviour) {
    this.#behaviour = behaviour;
  }

  async run({ customizer, isLast, log, timeline }: CustomizerRun): Promise<number> {
    const behaviour = this.#behaviour();
    announce(customizer, log);
    await timeline.pass(SIMULATED_DURATION_IN_MS / 2);
    for (const command of stringsOf(customizer["inline"])) {
      log.output(`+ ${command.slice(0, LONGEST_ECHO)}`);
    }
    if (isLast && behaviour.neverFinishes) await timeline.pass(Number.MAX_SAFE_INTEGER / 4);
    await timeline.pass(SIMULATED_DURATION_IN_MS / 2);
    if (behaviour.hasHostileOutput) for (const line of HOSTILE_LINES) log.output(line);
    const exitCode = isLast ? (behaviour.customizerExitCode ?? 0) : 0;
    if (exitCode !== 0) log.output("install.sh: line 12: nginx: command not found");
    return exitCode;
  }
}

function announce(customizer: JsonObject, log: BuildLog): void {
  const type = stringOf(customizer["type"]);
  const uri = stringOf(customizer["scriptUri"]) || stringOf(customizer["sourceUri"]);
  const fileName = uri ? lastSegment(uri.split("?")[0] ?? "") : undefined;
  if (type === "File") {
    log.step(`Uploading ${fileName} => ${stringOf(customizer["destination"])}`);
  } else if (type === "Shell") {
    log.step(`Provisioning with shell script: ${fileName ?? "/tmp/packer-shell187456123"}`);
  } else if (type === "PowerShell") {
    log.step("Provisioning with Powershell...");
    log.step(`Provisioning with powershell script: ${fileName ?? "packer-powershell-provisioner"}`);
  } else {
    log.step(type === "WindowsRestart" ? "Restarting Machine" : "Running Windows update...");
  }
}

/** What a build VM under someone else's control might print to take over the host that shows the log. */
export const HOSTILE_LINES = [
  "##vso[task.setvariable variable=PATH]/tmp/evil",
  "##vso[task.complete result=Succeeded;]done",
  "##[error]this is not an error of the pipeline",
  "::set-output name=image-id::/subscriptions/evil",
  "::error::this is not an error of the workflow",
  "::stop-commands::pwned",
  "progress 10%\rprogress 100%\r##vso[task.setvariable variable=HIDDEN]after a carriage return",
  "\u001b[2J\u001b[31mred\u001b[0m \u001b]0;title\u0007",
];
