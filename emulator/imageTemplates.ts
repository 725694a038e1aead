/** Image templates: what may be done with them in which state. Knows no HTTP. */
import { randomUUID } from "node:crypto";
import { operationNotAllowed, templateExists, withHelp } from "./armErrors.ts";
import { placeBuildResources } from "./buildResources.ts";
import type { Cloud } from "./cloud.ts";
import type { Customizers } from "./customizers.ts";
import { ImageRun } from "./imageRun.ts";
import { type JsonObject, objectOf, stringOf } from "./json.ts";
import type { Operation } from "./operations.ts";
import { idKey, lastSegment, regionKey } from "./resourceIds.ts";
import type { ProvisioningError, Template } from "./template.ts";
import { checkDestinations, checkVm, createParts } from "./templateCreation.ts";
import { CreationError } from "./templateSource.ts";
import { isOfTagsOnly, type TemplateChange } from "./templateUpdate.ts";

const CREATE_IN_MS = 20_000;
const UPDATE_IN_MS = 5_000;
const DELETE_IN_MS = 20_000;
// The operation of a run ended about a minute after its lastRunStatus. Source: recorded exchanges.
const OPERATION_LAG_IN_MS = 10_000;

/** A creation the emulator has begun, for those who answer it. */
export interface Accepted {
  template: Template;
  operation: Operation;
}

/** All image templates and every run since the start. */
export class ImageTemplates {
  readonly runs: ImageRun[] = [];
  readonly #templates = new Map<string, Template>();
  readonly #cloud: Cloud;
  readonly #customizers: Customizers;

  constructor(cloud: Cloud, customizers: Customizers) {
    this.#cloud = cloud;
    this.#customizers = customizers;
  }

  get(id: string): Template | undefined {
    return this.#templates.get(idKey(id));
  }

  /** @param scopeId a resource group or subscription */
  list(scopeId: string): Template[] {
    const prefix = `${idKey(scopeId)}/`;
    return [...this.#templates.values()].filter(({ id }) => idKey(id).startsWith(prefix));
  }

  /**
   * @param body as `validateTemplate` leaves it
   * @throws {ArmError} 409 when the name is taken, even by a template whose creation failed
   */
  create(id: string, body: JsonObject): Accepted {
    if (this.get(id)) throw templateExists();
    const identities = objectOf(objectOf(body["identity"])["userAssignedIdentities"]);
    const template: Template = {
      id,
      name: lastSegment(id),
      location: regionKey(stringOf(body["location"])),
      tags: objectOf(body["tags"]),
      identityId: Object.keys(identities)[0] ?? "",
      properties: objectOf(body["properties"]),
      osType: "Linux",
      provisioningState: "Creating",
      runOutputs: [],
      triggers: [],
    };
    this.#templates.set(idKey(id), template);
    const operation = this.#startOperation(template);
    this.#inBackground(this.#finishCreation(template, operation));
    return { template, operation };
  }

  /** Answers no operation when only tags change. @throws {ArmError} 405 unless the template is there and idle */
  update(template: Template, change: TemplateChange): Operation | undefined {
    const { provisioningState } = template;
    const isBusy = provisioningState === "Creating" || provisioningState === "Deleting";
    this.#refuseUnless(!isBusy, template, "write");
    if (!isOfTagsOnly(change)) this.#refuseUnless(this.isIdle(template), template, "write");
    if (change.tags) template.tags = change.tags;
    if (isOfTagsOnly(change)) return undefined;
    const operation = this.#startOperation(template);
    template.provisioningState = "Updating";
    this.#inBackground(this.#finishUpdate(template, change, operation));
    return operation;
  }

  /** Whether it can be run now. */
  isIdle(template: Template): boolean {
    return template.provisioningState === "Succeeded" && !this.#activeRun(template);
  }

  /** @throws {ArmError} 405 unless the template is there and idle */
  run(template: Template): Operation {
    this.#refuseUnless(this.isIdle(template), template, "run/action");
    const operation = this.#startOperation(template);
    const run = new ImageRun({
      cloud: this.#cloud,
      customizers: this.#customizers,
      template,
      operationId: operation.id,
    });
    template.lastRunStatus = run.status;
    this.runs.push(run);
    this.#inBackground(this.#finishRun(run, operation));
    return operation;
  }

  /** @throws {ArmError} 405 unless it runs and is not canceling yet */
  cancel(template: Template): void {
    const run = this.#activeRun(template);
    const isRunning = run !== undefined && run.status.runState !== "Canceling";
    this.#refuseUnless(isRunning, template, "cancel/action");
    run?.cancel();
  }

  /** Asked again while it goes on, answers the same operation. @throws {ArmError} 405 while creating or running */
  delete(template: Template): Operation {
    if (template.deletion) return template.deletion;
    const isChanging = ["Creating", "Updating"].includes(template.provisioningState);
    this.#refuseUnless(!isChanging, template, "delete");
    this.#refuseUnless(!this.#activeRun(template), template, "delete");
    const operation = this.#startOperation(template);
    template.provisioningState = "Deleting";
    template.deletion = operation;
    this.#inBackground(this.#finishDeletion(template, operation));
    return operation;
  }

  #startOperation(template: Template): Operation {
    return this.#cloud.operations.start(randomUUID(), template.location);
  }

  #activeRun(template: Template): ImageRun | undefined {
    return this.runs.find((run) => run.template === template && !run.isOver);
  }

  #refuseUnless(isAllowed: boolean, template: Template, action: string): void {
    if (isAllowed) return;
    const { provisioningState, lastRunStatus } = template;
    const state = provisioningState === "Succeeded" ? "provisioned" : provisioningState;
    const runState = lastRunStatus?.runState ?? "notStarted";
    throw operationNotAllowed(action, state.toLowerCase(), runState.toLowerCase());
  }

  async #finishCreation(template: Template, operation: Operation): Promise<void> {
    const { clock, operations } = this.#cloud;
    await clock.until(operation.startedAtInMs + CREATE_IN_MS);
    try {
      Object.assign(template, await createParts(this.#cloud, template));
      this.#assignIdentity(template, template.identityId);
      template.provisioningState = "Succeeded";
      operations.end(operation, "Succeeded");
    } catch (error) {
      const failure = provisioningErrorOf(error);
      template.provisioningError = failure;
      template.provisioningState = "Failed";
      const { message } = failure;
      operations.end(operation, "Failed", { code: "InternalOperationError", message });
    }
    this.#autoRun(template);
  }

  /** What an update that fails leaves behind is not documented; here the template stays as it was. */
  async #finishUpdate(
    template: Template,
    change: TemplateChange,
    operation: Operation,
  ): Promise<void> {
    const { clock, operations } = this.#cloud;
    await clock.until(operation.startedAtInMs + UPDATE_IN_MS);
    const properties = { ...template.properties, ...change.properties };
    try {
      checkDestinations(this.#cloud, properties);
      checkVm(this.#cloud, objectOf(properties["vmProfile"]));
      template.properties = properties;
      if (change.identityId !== undefined) this.#assignIdentity(template, change.identityId);
      operations.end(operation, "Succeeded");
    } catch (error) {
      const { message } = provisioningErrorOf(error);
      operations.end(operation, "Failed", { code: "InternalOperationError", message });
    }
    template.provisioningState = "Succeeded";
    if (operation.status === "Succeeded") this.#autoRun(template);
  }

  #assignIdentity(template: Template, id: string): void {
    const { resources } = this.#cloud;
    template.identityId = id;
    template.identity = {
      principalId: resources.property(id, "principalId"),
      clientId: resources.property(id, "clientId"),
    };
  }

  /** Source: image-builder-api-update-release-notes.md, version 2024-02-01: on creation or update. */
  #autoRun(template: Template): void {
    const { state } = objectOf(template.properties["autoRun"]);
    if (state === "Enabled" && this.isIdle(template)) this.run(template);
  }

  async #finishRun(run: ImageRun, operation: Operation): Promise<void> {
    const removeBuildResources = placeBuildResources(this.#cloud, run);
    await run.finish();
    removeBuildResources();
    const { clock, operations } = this.#cloud;
    await clock.until((run.status.endedAtInMs ?? clock.now()) + OPERATION_LAG_IN_MS);
    if (run.error) operations.end(operation, "Failed", run.error);
    else operations.end(operation, run.status.runState === "Canceled" ? "Canceled" : "Succeeded");
  }

  async #finishDeletion(template: Template, operation: Operation): Promise<void> {
    const { clock, staging, operations } = this.#cloud;
    await clock.until(operation.startedAtInMs + DELETE_IN_MS);
    if (template.staging) await staging.remove(template.staging);
    this.#templates.delete(idKey(template.id));
    operations.end(operation, "Succeeded");
  }

  /** What goes on after its request was answered has nobody to throw to: a defect of the emulator goes to stderr. */
  #inBackground(work: Promise<void>): void {
    work.catch((error: unknown) => console.error("emulator:", error));
  }
}

function provisioningErrorOf(error: unknown): ProvisioningError {
  return error instanceof CreationError
    ? { provisioningErrorCode: error.provisioningErrorCode, message: error.message }
    : { provisioningErrorCode: "ServerError", message: withHelp(String(error)) };
}
