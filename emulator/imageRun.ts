/** One run of an image template, from Queued to its end, on the emulated clock. Knows no HTTP. */
import { randomUUID } from "node:crypto";
import type { ArmErrorBody } from "./armErrors.ts";
import { BuildLog } from "./buildLog.ts";
import type { Cloud } from "./cloud.ts";
import type { BuildVm, Customizers } from "./customizers.ts";
import { distribute, type MadeImageVersion } from "./distribution.ts";
import { objectOf, objectsOf } from "./json.ts";
import {
  logConnected,
  logDeployment,
  logFinished,
  logInterrupted,
  logWaitingForVm,
} from "./packerLog.ts";
import { deprovision, type Provisioning, ProvisioningError, provision } from "./provisioning.ts";
import { lastSegment } from "./resourceIds.ts";
import { distributionFailure, packerFailure, RunFailure, runFailureFrom } from "./runFailures.ts";
import type { RunStatus, Template } from "./template.ts";
import { resolveSource } from "./templateSource.ts";
import { BuildTimeout, Timeline } from "./timeline.ts";

const SECOND_IN_MS = 1000;
const QUEUED_IN_MS = 5 * SECOND_IN_MS;
const BUILDING_IN_MS = 40 * SECOND_IN_MS;
const EXTRA_PHASE_IN_MS = 10 * SECOND_IN_MS;
const DISTRIBUTING_IN_MS = 60 * SECOND_IN_MS;
const CANCELING_IN_MS = 30 * SECOND_IN_MS;
// Source: imagebuilder.json, buildTimeoutInMinutes: 0 means 240.
const DEFAULT_TIMEOUT_IN_MINUTES = 240;
const MINUTE_IN_MS = 60 * SECOND_IN_MS;

/** What a run needs to start. */
export interface RunRequest {
  cloud: Cloud;
  customizers: Customizers;
  template: Template;
  operationId: string;
}

/** Starts Queued when made; `finish` carries it on. */
export class ImageRun {
  readonly template: Template;
  readonly status: RunStatus;
  readonly versions: MadeImageVersion[] = [];
  /** Of a failed run: the error its operation shows. */
  error?: ArmErrorBody;
  readonly #cloud: Cloud;
  readonly #customizers: Customizers;
  readonly #operationId: string;
  readonly #cancel = new AbortController();
  readonly #timeline: Timeline;
  readonly #log: BuildLog;
  #canceledAtInMs = 0;
  #vm: BuildVm | undefined;
  #validationFailure: Error | undefined;

  constructor({ cloud, customizers, template, operationId }: RunRequest) {
    this.#cloud = cloud;
    this.#customizers = customizers;
    this.template = template;
    this.#operationId = operationId;
    const minutes =
      Number(template.properties["buildTimeoutInMinutes"]) || DEFAULT_TIMEOUT_IN_MINUTES;
    this.#timeline = new Timeline(cloud.clock, minutes * MINUTE_IN_MS, this.#cancel.signal);
    this.status = {
      startedAtInMs: this.#timeline.atInMs,
      runState: "Running",
      runSubState: "Queued",
      message: "",
    };
    const account = template.staging?.account ?? "";
    const blob = `${randomUUID()}/customization.log`;
    const address = { account, container: "packerlogs", blob };
    this.#log = new BuildLog({ blobs: cloud.blobs, clock: cloud.clock, address, operationId });
  }

  get log(): string {
    return this.#log.text;
  }

  get timestampedLog(): string {
    return this.#log.timestamped;
  }

  get isOver(): boolean {
    return this.status.endedAtInMs !== undefined;
  }

  /** Takes effect at once; the run then stays Canceling for a while. */
  cancel(): void {
    this.status.runState = "Canceling";
    delete this.status.runSubState;
    this.status.message = "Canceling image build";
    this.#canceledAtInMs = this.#cloud.clock.now();
    this.#cancel.abort(new Error("canceled"));
  }

  /** Resolves when the run has ended, however it ended. */
  async finish(): Promise<void> {
    try {
      await this.#buildAndDistribute();
    } catch (error) {
      if (this.#cancel.signal.aborted) await this.#endCanceled();
      else await this.#endFailed(error);
    }
  }

  async #buildAndDistribute(): Promise<void> {
    try {
      await this.#build();
      await this.#distribute();
    } finally {
      await this.#vm?.end();
    }
  }

  async #build(): Promise<void> {
    const { hasUnknownStates } = this.#cloud.behaviour();
    await this.#timeline.pass(QUEUED_IN_MS);
    this.#resolveSource();
    this.#enter(hasUnknownStates ? "Frobnicating" : "Building");
    const startedAtInMs = this.#timeline.atInMs;
    const vm = await this.#deploy();
    if (hasUnknownStates) this.status.runState = "Percolating";
    this.#enter("Customizing");
    const provisioning = { vm, log: this.#log, timeline: this.#timeline, startedAtInMs };
    await this.#customize(provisioning);
    this.status.runState = "Running";
    if (this.template.properties["optimize"]) await this.#extraPhase("Optimizing");
    if (this.template.properties["validate"]) await this.#validate(provisioning);
  }

  /** Source: image-builder-json.md, "source": the version is evaluated when the build takes place. */
  #resolveSource(): void {
    const source = objectOf(this.template.properties["source"]);
    Object.assign(this.template, resolveSource(this.#cloud, source, this.template.location));
  }

  async #deploy(): Promise<BuildVm> {
    const { staging, location, osType } = this.template;
    const isWindows = osType === "Windows";
    const vm = await this.#customizers.boot(this.template, this.#timeline);
    this.#vm = vm;
    if (vm.simulatedBecause) {
      this.#log.debug(`The customizers are only simulated: ${vm.simulatedBecause}`);
    }
    logDeployment(this.#log, lastSegment(staging?.id ?? ""), location);
    await this.#timeline.pass(BUILDING_IN_MS / 2);
    logWaitingForVm(this.#log, isWindows);
    await this.#timeline.pass(BUILDING_IN_MS / 2);
    logConnected(this.#log, isWindows);
    return vm;
  }

  async #customize(provisioning: Provisioning): Promise<void> {
    const { vm, startedAtInMs } = provisioning;
    await this.#orPackerFailure(async () => {
      await provision(objectsOf(this.template.properties["customize"]), provisioning);
      await deprovision(provisioning, this.template.osType === "Windows");
    });
    await vm.powerOff();
    const snapshotId = `${this.template.staging?.id}/providers/Microsoft.Compute/snapshots/os-${randomUUID().slice(0, 8)}`;
    logFinished(this.#log, this.#timeline.atInMs - startedAtInMs, snapshotId);
    await this.#log.flush();
  }

  /** On a VM made from the image. Source: image-builder-json.md, validate: a failed validation always fails the run. */
  async #validate(provisioning: Provisioning): Promise<void> {
    const validate = objectOf(this.template.properties["validate"]);
    await this.#extraPhase("Validating");
    try {
      const steps = objectsOf(validate["inVMValidations"]);
      await this.#orPackerFailure(() => provision(steps, { ...provisioning, areValidators: true }));
    } catch (error) {
      if (!(error instanceof RunFailure) || validate["continueDistributeOnFailure"] !== true)
        throw error;
      this.#validationFailure = error;
    }
    await this.#log.flush();
  }

  async #orPackerFailure(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ProvisioningError)) throw error;
      throw packerFailure({
        staging: this.template.staging?.id ?? "",
        log: this.#log.address,
        operationId: this.#operationId,
        isHostile: this.#cloud.behaviour().hasHostileOutput === true,
      });
    }
  }

  async #extraPhase(subState: string): Promise<void> {
    this.#enter(subState);
    await this.#timeline.pass(EXTRA_PHASE_IN_MS);
  }

  async #distribute(): Promise<void> {
    if (objectOf(this.template.properties["validate"])["sourceValidationOnly"] === true) {
      return this.#end("Succeeded", "");
    }
    this.#enter("Distributing");
    await this.#timeline.pass(DISTRIBUTING_IN_MS);
    const done = await distribute(this.#cloud, this.template, this.#timeline.atInMs);
    const contentPath = await this.#vm?.capture();
    for (const version of done.versions) {
      this.versions.push({ ...version, ...(contentPath ? { contentPath } : {}) });
    }
    if (!this.#cloud.behaviour().hasNoRunOutputs) this.template.runOutputs = done.outputs;
    if (this.#validationFailure) throw this.#validationFailure;
    if (done.errors.length === 0) return this.#end("Succeeded", "");
    const failure = distributionFailure(done);
    if (done.outputs.length === 0) throw failure;
    this.#end("PartiallySucceeded", failure.message);
  }

  async #endCanceled(): Promise<void> {
    logInterrupted(this.#log);
    await this.#log.flush();
    const durationInMs = this.#cloud.behaviour().cancelTakesInMs ?? CANCELING_IN_MS;
    this.#timeline.atInMs = this.#canceledAtInMs + durationInMs;
    await this.#cloud.clock.until(this.#timeline.atInMs);
    this.#end("Canceled", "Image build was canceled");
  }

  async #endFailed(error: unknown): Promise<void> {
    const failure = runFailureFrom(error);
    if (error instanceof BuildTimeout) logInterrupted(this.#log);
    await this.#log.flush();
    this.error = { code: failure.code, message: failure.message };
    this.#end("Failed", failure.message);
  }

  #enter(subState: string): void {
    this.status.runSubState = subState;
  }

  #end(runState: string, message: string): void {
    this.status.runState = runState;
    this.status.message = message;
    this.status.endedAtInMs = this.#timeline.atInMs;
    delete this.status.runSubState;
  }
}
