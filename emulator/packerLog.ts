/** The lines Packer writes around the customizers. Source: image-builder-troubleshoot.md; packer-plugin-azure. */
import type { BuildLog } from "./buildLog.ts";

/** The build VM is being deployed. */
export function logDeployment(log: BuildLog, groupName: string, location: string): void {
  log.debug("[INFO] Packer version: 1.10.0");
  log.step("Running builder ...");
  log.step("Getting tokens using user-assigned managed identity ...");
  log.step("Using existing resource group ...");
  log.step(` -> ResourceGroupName : '${groupName}'`);
  log.step(` -> Location          : '${location}'`);
  log.step("Validating deployment template ...");
  log.step("Deploying deployment template ...");
}

/** The build VM is booting. */
export function logWaitingForVm(log: BuildLog, isWindows: boolean): void {
  log.step("Getting the VM's IP address ...");
  log.step(
    isWindows
      ? "Waiting for WinRM, up to timeout: 10m0s"
      : "Waiting for SSH to become available...",
  );
}

/** The build VM answers. */
export function logConnected(log: BuildLog, isWindows: boolean): void {
  log.step(isWindows ? "WinRM connected." : "Connected to SSH!");
}

/** The line that the N-th customizer is known by. */
export function logStarting(log: BuildLog, provisioner: string): void {
  log.debug(`[INFO] (telemetry) Starting provisioner ${provisioner}`);
}

/** A customizer is over, well or not. */
export function logEnding(log: BuildLog, provisioner: string): void {
  log.debug(`[INFO] (telemetry) ending ${provisioner}`);
}

/** The service's own last provisioner, which no template lists, is about to run. */
export function logDeprovision(log: BuildLog, isWindows: boolean): void {
  logStarting(log, isWindows ? "powershell" : "shell");
  if (isWindows) {
    log.step("Provisioning with Powershell...");
    log.output(
      "Found command: if( TEST-PATH c:\\DeprovisioningScript.ps1 ){cat c:\\DeprovisioningScript.ps1} else {echo ''}",
    );
  } else {
    log.step("Provisioning with shell script: /tmp/packer-shell904512377");
  }
}

/** Packer succeeded: a snapshot, no image. */
export function logFinished(log: BuildLog, durationInMs: number, snapshotId: string): void {
  log.step("Querying the machine's properties ...");
  log.step("Powering off machine ...");
  log.step("Taking snapshot of OS disk ...");
  log.step(` -> Snapshot ID : '${snapshotId}'`);
  log.step("Skipping image creation...");
  logCleanUp(log);
  log.summary(`Build 'azure-arm' finished after ${durationText(durationInMs)}.`);
  logEnd(log);
}

/** Packer failed with an error of a customizer. */
export function logErrored(log: BuildLog, durationInMs: number, error: string): void {
  log.step("Provisioning step had errors: Running the cleanup provisioner, if present...");
  logCleanUp(log);
  log.summary(`Build 'azure-arm' errored after ${durationText(durationInMs)}: ${error}`);
  log.summary("==> Some builds didn't complete successfully and had errors:");
  log.summary(`--> azure-arm: ${error}`);
  logEnd(log);
}

/** Packer was ended from outside: canceled or timed out. */
export function logInterrupted(log: BuildLog): void {
  log.debug("Cancelling build after receiving terminated");
  log.step("Cancelling provisioning due to context cancellation: context canceled");
  logCleanUp(log);
  logEnd(log);
}

function logCleanUp(log: BuildLog): void {
  log.step("Deleting individual resources ...");
  log.step("The resource group was not created by Packer, not deleting ...");
}

function logEnd(log: BuildLog): void {
  log.summary("==> Builds finished but no artifacts were created.");
  log.debug("[INFO] (telemetry) Finalizing.");
  log.debug("Done exporting Packer logs to Azure Storage.");
}

/** `3 minutes 13 seconds`, as Packer writes durations. */
export function durationText(durationInMs: number): string {
  const seconds = Math.round(durationInMs / 1000);
  const parts = [
    [Math.floor(seconds / 60), "minute"],
    [seconds % 60, "second"],
  ] as const;
  const named = parts
    .filter(([n]) => n > 0)
    .map(([n, unit]) => `${n} ${unit}${n === 1 ? "" : "s"}`);
  return named.join(" ") || "0 seconds";
}
