/** Triggers: a run starts by itself when the source of an image template has a newer version. Knows no HTTP. */
import { randomUUID } from "node:crypto";
import {
  badValue,
  invalidRequestContent,
  missingField,
  operationNotAllowed,
  validationFailed,
} from "./armErrors.ts";
import type { Cloud } from "./cloud.ts";
import type { ImageTemplates } from "./imageTemplates.ts";
import { isObject, objectOf, stringOf } from "./json.ts";
import { NAME } from "./knownFields.ts";
import type { Operation } from "./operations.ts";
import { isSameId, parentId } from "./resourceIds.ts";
import type { Template, Trigger } from "./template.ts";
import { isLatest } from "./templateSource.ts";

// Source: image-builder-triggers-how-to.md: triggers of a subscription in one region.
const MOST_PER_REGION = 100;
// Source: recorded exchange: a second and a bit.
const CHANGE_IN_MS = 2_000;

/** A trigger whose creation has begun; without an operation when it was there already. */
export interface AcceptedTrigger {
  trigger: Trigger;
  operation?: Operation;
}

/** The triggers of all image templates, which hold them. */
export class Triggers {
  readonly #cloud: Cloud;
  readonly #templates: ImageTemplates;

  constructor(cloud: Cloud, templates: ImageTemplates) {
    this.#cloud = cloud;
    this.#templates = templates;
  }

  /** Names are compared without case. */
  get(template: Template, name: string): Trigger | undefined {
    return template.triggers.find((other) => other.name.toLowerCase() === name.toLowerCase());
  }

  /** @throws {ArmError} 400 for what cannot be triggered, 405 unless the template is there */
  create(template: Template, name: string, body: unknown): AcceptedTrigger {
    checkRequest(name, body);
    const existing = this.get(template, name);
    if (existing) return { trigger: existing };
    this.#checkLimits(template);
    const trigger: Trigger = { name, provisioningState: "Creating" };
    template.triggers.push(trigger);
    const operation = this.#startOperation(template);
    this.#cloud.operations.endAfter(operation, CHANGE_IN_MS, () => {
      trigger.provisioningState = "Succeeded";
      trigger.activeSinceInMs = this.#cloud.clock.now();
    });
    return { trigger, operation };
  }

  delete(template: Template, trigger: Trigger): Operation {
    const operation = this.#startOperation(template);
    trigger.provisioningState = "Deleting";
    this.#cloud.operations.endAfter(operation, CHANGE_IN_MS, () => {
      template.triggers = template.triggers.filter((other) => other !== trigger);
    });
    return operation;
  }

  /** Runs every idle image template whose source is the latest version of this image definition. */
  fire(definitionId: string): void {
    for (const template of this.#templates.list(this.#subscription)) {
      const source = objectOf(template.properties["source"]);
      const sourceId = parentId(parentId(stringOf(source["imageVersionId"])));
      const isActive = template.triggers.some(({ activeSinceInMs }) => activeSinceInMs);
      if (!isActive || !isLatest(source) || !isSameId(sourceId, definitionId)) continue;
      if (this.#templates.isIdle(template)) this.#templates.run(template);
    }
  }

  get #subscription(): string {
    return `/subscriptions/${this.#cloud.seeds.subscriptionId}`;
  }

  #checkLimits(template: Template): void {
    if (template.provisioningState !== "Succeeded") {
      const state = template.provisioningState.toLowerCase();
      throw operationNotAllowed("triggers/write", state, "notstarted");
    }
    if (!isLatest(objectOf(template.properties["source"]))) {
      throw badTrigger("a source image trigger needs a source whose version is 'latest'");
    }
    if (template.triggers.length > 0) {
      throw badTrigger("an image template can have one source image trigger only");
    }
    const count = this.#templates
      .list(this.#subscription)
      .filter(({ location }) => location === template.location)
      .reduce((sum, { triggers }) => sum + triggers.length, 0);
    if (count >= MOST_PER_REGION) {
      throw badTrigger(`a subscription can have ${MOST_PER_REGION} triggers in a region`);
    }
  }

  #startOperation(template: Template): Operation {
    return this.#cloud.operations.start(randomUUID(), template.location);
  }
}

function checkRequest(name: string, body: unknown): void {
  if (!NAME.test(name)) throw badValue("Trigger", "name", name);
  if (!isObject(body)) throw invalidRequestContent("a JSON object is expected");
  const { kind } = objectOf(body["properties"]);
  if (kind === undefined) throw missingField("Trigger.properties", "kind");
  if (kind !== "SourceImage") throw badValue("Trigger.properties", "kind", kind);
}

/** The limits are documented, the texts are not. */
function badTrigger(reason: string) {
  return validationFailed(`Validation failed: 'Trigger': ${reason}.`);
}
