/** The service's scratch groups: one per image template, each with a storage account of its own. */
import { randomUUID } from "node:crypto";
import type { Blobs } from "./blobStore.ts";
import { isObject, objectOf, stringOf } from "./json.ts";
import { resourceGroup, storageAccount } from "./resourceBodies.ts";
import { lastSegment, regionKey } from "./resourceIds.ts";
import type { ResourceStore } from "./resourceStore.ts";

// Source: image-builder-json.md; the part between IT_ and the id is cut at 40 characters.
const LONGEST_READABLE_PART = 40;

/** A group in use by one template. */
export interface StagingResourceGroup {
  id: string;
  account: string;
  /** A group that was there before is emptied, not deleted. */
  isOwned: boolean;
}

/** Whom a group is for. */
export interface StagingRequest {
  subscriptionId: string;
  groupName: string;
  templateName: string;
  location: string;
  /** Id from the template; empty lets the service choose. */
  wantedId: string;
}

/** Hands out groups and takes them back with all they hold. */
export class StagingResourceGroups {
  readonly #resources: ResourceStore;
  readonly #blobs: Blobs;
  readonly #freeAccounts: string[];

  /** @param accounts names that Azurite serves and nobody uses yet */
  constructor(resources: ResourceStore, blobs: Blobs, accounts: readonly string[]) {
    this.#resources = resources;
    this.#blobs = blobs;
    this.#freeAccounts = [...accounts];
  }

  async make(request: StagingRequest): Promise<StagingResourceGroup> {
    const id = request.wantedId || generatedId(request);
    const existing = this.#resources.get(id);
    const account = this.#freeAccounts.shift();
    if (!account) throw new Error("The emulator has no storage account left for a staging group.");
    const tags = {
      ...objectOf(existing?.["tags"]),
      [existing ? "usedBy" : "createdBy"]: "AzureVMImageBuilder",
      imageTemplateName: request.templateName,
      imageTemplateResourceGroupName: request.groupName,
    };
    this.#resources.put(resourceGroup(id, request.location, tags));
    const endpoint = this.#blobs.endpoint(account);
    this.#resources.put(storageAccount(id, account, request.location, endpoint));
    await this.#blobs.makeContainer(account, "packerlogs");
    return { id, account, isOwned: !existing };
  }

  async remove(group: StagingResourceGroup): Promise<void> {
    await this.#blobs.deleteEverything(group.account);
    for (const resource of this.#resources.below(group.id)) this.#resources.delete(resource.id);
    if (group.isOwned) this.#resources.delete(group.id);
    else this.#forgetTemplate(group.id);
    this.#freeAccounts.push(group.account);
  }

  #forgetTemplate(id: string): void {
    const body = this.#resources.get(id);
    if (!body || !isObject(body["tags"])) return;
    const {
      usedBy: _,
      imageTemplateName: __,
      imageTemplateResourceGroupName: ___,
      ...tags
    } = body["tags"];
    this.#resources.put({ ...body, tags });
  }
}

/** Why a group cannot serve as staging group, or undefined. */
export function stagingProblem(
  resources: ResourceStore,
  id: string,
  location: string,
): string | undefined {
  const group = resources.get(id);
  if (!id || !group) return undefined;
  const name = lastSegment(id);
  if (resources.below(id).length > 0) return `Staging resource group '${name}' is not empty.`;
  const tags = objectOf(group["tags"]);
  if (tags["imageTemplateName"] || tags["imageTemplateResourceGroupName"]) {
    return `Staging resource group '${name}' is associated with another image template.`;
  }
  return regionKey(stringOf(group["location"])) === location
    ? undefined
    : `Staging resource group '${name}' is not in the region of the image template.`;
}

function generatedId(request: StagingRequest): string {
  const readable = `${request.groupName}_${request.templateName}`.slice(0, LONGEST_READABLE_PART);
  return `/subscriptions/${request.subscriptionId}/resourceGroups/IT_${readable}_${randomUUID()}`;
}
