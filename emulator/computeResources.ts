/** Galleries and images coming and going by long-running operations. Knows no HTTP. */
import { randomUUID } from "node:crypto";
import { nestedResources, parentNotFound } from "./armErrors.ts";
import type { Cloud } from "./cloud.ts";
import { computeBody, type PutRequest } from "./computeBodies.ts";
import { type JsonObject, objectOf, objectsOf, stringOf } from "./json.ts";
import type { Operation } from "./operations.ts";
import type { StoredBody } from "./resourceBodies.ts";
import { parentId } from "./resourceIds.ts";

const CHANGE_IN_MS = 5_000;
const VERSION_TYPE = "Microsoft.Compute/galleries/images/versions";

/** A resource whose creation or update has begun. */
export interface AcceptedResource {
  body: StoredBody;
  isNew: boolean;
  operation: Operation;
}

/** Makes and removes what Microsoft.Compute holds. */
export class ComputeResources {
  readonly #cloud: Cloud;
  readonly #onVersion: (definitionId: string) => void;

  /** @param onVersion told of every image definition that has a new version */
  constructor(cloud: Cloud, onVersion: (definitionId: string) => void) {
    this.#cloud = cloud;
    this.#onVersion = onVersion;
  }

  /** @throws {ArmError} 400 for a wrong body, 404 when what it belongs to is not there */
  put(type: string, id: string, body: unknown): AcceptedResource {
    const { resources, seeds, clock } = this.#cloud;
    const parent = parentId(parentId(id));
    if (type.split("/").length > 2 && !resources.has(parent)) throw parentNotFound(parent, id);
    const request: PutRequest = {
      id,
      body,
      subscriptionId: seeds.subscriptionId,
      atInMs: clock.now(),
    };
    const isNew = !resources.has(id);
    const made = computeBody(type, request);
    const stored = isNew ? made : withState(made, "Updating");
    resources.put(withReplication(stored, "InProgress", "Replicating", 0));
    const operation = this.#start(stored);
    this.#cloud.operations.endAfter(operation, CHANGE_IN_MS, () => {
      // Deleted meanwhile, it must not come back.
      if (!resources.has(id)) return;
      resources.put(withReplication(withState(stored, "Succeeded"), "Completed", "Completed", 100));
      if (type === VERSION_TYPE) this.#onVersion(parent);
    });
    return { body: resources.get(id) ?? stored, isNew, operation };
  }

  /** Undefined when there is nothing to delete. @throws {ArmError} 409 while something is in it */
  delete(id: string): Operation | undefined {
    const { resources } = this.#cloud;
    const body = resources.get(id);
    if (!body) return undefined;
    if (resources.below(id).length > 0) throw nestedResources(id);
    resources.put(withState(body, "Deleting"));
    const operation = this.#start(body);
    this.#cloud.operations.endAfter(operation, CHANGE_IN_MS, () => resources.delete(id));
    return operation;
  }

  /** Source: recorded exchange of a gallery, api-version 2025-03-03. */
  #start(body: StoredBody): Operation {
    const location = stringOf(body["location"]);
    const collection = { provider: "Microsoft.Compute", name: "capsOperations" };
    return this.#cloud.operations.start(randomUUID(), location, collection);
  }
}

function withState(body: StoredBody, provisioningState: string): StoredBody {
  return { ...body, properties: { ...objectOf(body["properties"]), provisioningState } };
}

function withReplication(
  body: StoredBody,
  aggregatedState: string,
  state: string,
  progress: number,
): StoredBody {
  const properties = objectOf(body["properties"]);
  const status = objectOf(properties["replicationStatus"]);
  if (status["summary"] === undefined) return body;
  const summary = objectsOf(status["summary"]).map(
    (region): JsonObject => ({ ...region, state, progress }),
  );
  return {
    ...body,
    properties: { ...properties, replicationStatus: { aggregatedState, summary } },
  };
}
