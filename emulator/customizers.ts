/** Customizers: the port behind which they run, and the one that only pretends to. */
import type { BuildLog } from "./buildLog.ts";
import { fileDestination } from "./buildVm/scripts.ts";
import { type JsonObject, stringOf, stringsOf } from "./json.ts";
import { lastSegment } from "./resourceIds.ts";
import type { Behaviour } from "./scenarios.ts";
import type { Template } from "./template.ts";
import type { Timeline } from "./timeline.ts";

/** One customizer or in-VM validator, and where its output and time go. */
export interface CustomizerRun {
  customizer: JsonObject;
  isLast: boolean;
  log: BuildLog;
  timeline: Timeline;
}

/** A customizer ended otherwise than with an exit code; the message is Packer's. */
export class CustomizerError extends Error {}

/** The build VM of one run. */
export interface BuildVm {
  /** Of one that only pretends: why, as a sentence. */
  readonly simulatedBecause?: string;
  /** Writes the customizer's output to the log; answers its exit code. @throws {CustomizerError} */
  run(run: CustomizerRun): Promise<number>;
  /** The service's own last step on Linux. @throws {CustomizerError} */
  deprovision(log: BuildLog, timeline: Timeline): Promise<void>;
  /** Makes the image of what there is now. What runs later runs on a VM made from it, and changes it no more. */
  powerOff(): Promise<void>;
  /** Writes the image to a file and answers its path; undefined when there is none. */
  capture(): Promise<string | undefined>;
  /** Ends everything that still runs in it. May be called twice, and in the middle of a step. */
  end(): Promise<void>;
}

/** Where runs get their build VMs from. */
export interface Customizers {
  /** Resolves when the VM can be connected to. */
  boot(template: Template, timeline: Timeline): Promise<BuildVm>;
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
  readonly #reason: string | undefined;

  /** @param reason why nothing really runs, for the log */
  constructor(behaviour: () => Behaviour, reason?: string) {
    this.#behaviour = behaviour;
    this.#reason = reason;
  }

  async boot({ osType }: Template): Promise<BuildVm> {
    const nothing = async () => undefined;
    return {
      ...(this.#reason === undefined ? {} : { simulatedBecause: this.#reason }),
      run: async (run) => {
        if (osType === "Linux") refuseWrongPlace(run);
        return simulate(run, this.#behaviour());
      },
      deprovision: async (log) => {
        log.output("WARNING! The waagent service will be stopped.");
        log.output("WARNING! Cached DHCP leases will be deleted.");
      },
      powerOff: nothing,
      capture: nothing,
      end: nothing,
    };
  }
}

/** A Linux VM takes files nowhere else, simulated or not. @throws {CustomizerError} */
function refuseWrongPlace({ customizer, log }: CustomizerRun): void {
  if (customizer["type"] !== "File" || fileDestination(customizer) !== undefined) return;
  const refused = `scp: ${stringOf(customizer["destination"])}: Permission denied`;
  log.step(refused);
  throw new CustomizerError(`Upload failed: ${refused}`);
}

/** A customizer that is only written to the log. */
export async function simulate(run: CustomizerRun, behaviour: Behaviour): Promise<number> {
  const { customizer, log, timeline } = run;
  announce(customizer, log);
  await timeline.pass(SIMULATED_DURATION_IN_MS / 2);
  for (const command of stringsOf(customizer["inline"])) {
    log.output(`+ ${command.slice(0, LONGEST_ECHO)}`);
  }
  await timeline.pass(SIMULATED_DURATION_IN_MS / 2);
  return actOut(run, behaviour);
}

/** What the scenario makes of a customizer that has done its work. Answers the exit code that it gives the last one. */
export async function actOut(
  { isLast, log, timeline }: CustomizerRun,
  behaviour: Behaviour,
): Promise<number> {
  if (isLast && behaviour.neverFinishes) await timeline.pass(Number.MAX_SAFE_INTEGER / 4);
  if (behaviour.hasHostileOutput) for (const line of HOSTILE_LINES) log.output(line);
  const exitCode = isLast ? (behaviour.customizerExitCode ?? 0) : 0;
  if (exitCode !== 0) log.output("install.sh: line 12: nginx: command not found");
  return exitCode;
}

/** The line with which Packer begins a customizer. @param path of an inline script on the VM */
export function announce(
  customizer: JsonObject,
  log: BuildLog,
  path = "/tmp/packer-shell187456123",
): void {
  const type = stringOf(customizer["type"]);
  const uri = stringOf(customizer["scriptUri"]) || stringOf(customizer["sourceUri"]);
  const fileName = uri ? lastSegment(uri.split("?")[0] ?? "") : undefined;
  if (type === "File") {
    log.step(`Uploading ${fileName} => ${stringOf(customizer["destination"])}`);
  } else if (type === "Shell") {
    log.step(`Provisioning with shell script: ${fileName ?? path}`);
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
