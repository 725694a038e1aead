/** What Packer does between connecting to a build VM and powering it off: customizers or validators, one by one. */
import type { BuildLog } from "./buildLog.ts";
import { type BuildVm, CustomizerError, provisionerOf } from "./customizers.ts";
import type { JsonObject } from "./json.ts";
import { logDeprovision, logEnding, logErrored, logStarting } from "./packerLog.ts";
import type { Timeline } from "./timeline.ts";

/** Where steps run, and where their output and time go. */
export interface Provisioning {
  vm: BuildVm;
  log: BuildLog;
  timeline: Timeline;
  startedAtInMs: number;
  /** Validators are not what the failing scenarios are about. */
  areValidators?: boolean;
}

/** A step failed; everything about it is in the log. */
export class ProvisioningError extends Error {}

/** Runs the steps until one fails. @throws {ProvisioningError} */
export async function provision(
  steps: readonly JsonObject[],
  provisioning: Provisioning,
): Promise<void> {
  for (const [index, step] of steps.entries()) {
    const isLast = index === steps.length - 1 && !provisioning.areValidators;
    const provisioner = provisionerOf(step);
    logStarting(provisioning.log, provisioner);
    await failing(provisioning, provisioner, () => runStep(step, isLast, provisioning));
  }
}

/** The service's own last step. @throws {ProvisioningError} */
export async function deprovision(provisioning: Provisioning, isWindows: boolean): Promise<void> {
  const { vm, log, timeline } = provisioning;
  logDeprovision(log, isWindows);
  const provisioner = isWindows ? "powershell" : "shell";
  await failing(provisioning, provisioner, async () => {
    if (!isWindows) await vm.deprovision(log, timeline);
  });
}

async function runStep(
  customizer: JsonObject,
  isLast: boolean,
  { vm, log, timeline }: Provisioning,
): Promise<void> {
  const exitCode = await vm.run({ customizer, isLast, log, timeline });
  const { validExitCodes } = customizer;
  const valid: unknown[] = Array.isArray(validExitCodes) ? validExitCodes : [0];
  if (!valid.includes(exitCode)) throw nonZeroExit(exitCode, valid);
}

/** Packer's words for a script that failed. */
export function nonZeroExit(exitCode: number, valid: readonly unknown[] = [0]): CustomizerError {
  return new CustomizerError(
    `Script exited with non-zero exit status: ${exitCode}. Allowed exit codes are: [${valid.join(" ")}]`,
  );
}

async function failing(
  { log, timeline, startedAtInMs }: Provisioning,
  provisioner: string,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
    logEnding(log, provisioner);
  } catch (error) {
    if (!(error instanceof CustomizerError)) throw error;
    logEnding(log, provisioner);
    logErrored(log, timeline.atInMs - startedAtInMs, error.message);
    throw new ProvisioningError(error.message);
  }
}
