/** What PATCH may change in an image template: tags, identity, distributors and the VM profile. Pure. */
import { badValue, invalidRequestContent, validationFailed } from "./armErrors.ts";
import { isObject, type JsonObject, objectOf, objectsOf, stringOf } from "./json.ts";
import { keepKnownFields } from "./knownFields.ts";
import { isSameId } from "./resourceIds.ts";
import type { Template } from "./template.ts";
import { checkDistributors, checkIdentityCount, checkVmProfile } from "./validation.ts";

/** What is to become of a template; what is absent stays. */
export interface TemplateChange {
  tags?: JsonObject;
  /** Empty removes the identity. */
  identityId?: string;
  /** `distribute` and `vmProfile`, known fields only. */
  properties: JsonObject;
}

/** Tags change at once, everything else by an operation. Source: recorded exchanges; imagebuilder.json, api-version 2024-02-01. */
export function isOfTagsOnly({ identityId, properties }: TemplateChange): boolean {
  return identityId === undefined && Object.keys(properties).length === 0;
}

/**
 * Reads the body of a PATCH.
 * @throws {ArmError} 400 in the service's words
 */
export function readUpdate(template: Template, body: unknown, apiVersion: string): TemplateChange {
  if (!isObject(body)) throw invalidRequestContent("a JSON object is expected");
  const update = keepKnownFields(body, "ImageTemplateUpdateParameters", apiVersion);
  const properties = objectOf(update["properties"]);
  if (properties["distribute"] !== undefined) {
    checkAllRemain(template, objectsOf(properties["distribute"]));
    checkDistributors(objectsOf(properties["distribute"]), apiVersion);
  }
  checkVmProfile(objectOf(properties["vmProfile"]));
  return {
    properties,
    ...(isObject(update["tags"]) ? { tags: update["tags"] } : {}),
    ...(isObject(update["identity"])
      ? { identityId: identityAfter(template, update["identity"]) }
      : {}),
  };
}

/** Source: image-builder-troubleshoot.md, on updating distributors. */
function checkAllRemain(template: Template, distributors: readonly JsonObject[]): void {
  const names = distributors.map(({ runOutputName }) => stringOf(runOutputName).toLowerCase());
  const lost = objectsOf(template.properties["distribute"])
    .map(({ runOutputName }) => stringOf(runOutputName))
    .find((name) => !names.includes(name.toLowerCase()));
  if (lost === undefined) return;
  throw validationFailed(
    `Distribute target with Runoutput name ${lost} not found in the update request. Deleting a distribution target is not allowed.`,
  );
}

/** `{old: null, new: {}}` swaps, type None removes. Source: image-builder-troubleshoot.md. */
function identityAfter(template: Template, identity: JsonObject): string {
  const named = Object.entries(objectOf(identity["userAssignedIdentities"]));
  if (identity["type"] === "None") {
    const kept = named.find(([, value]) => value !== null);
    if (kept) throw badValue("ImageTemplate.identity", "userAssignedIdentities", kept[0]);
    return "";
  }
  const isRemoved = named.some(([id, v]) => v === null && isSameId(id, template.identityId));
  const added = named.filter(([, value]) => value !== null).map(([id]) => id);
  const isKept =
    template.identityId !== "" &&
    !isRemoved &&
    !added.some((id) => isSameId(id, template.identityId));
  const ids = isKept ? [template.identityId, ...added] : added;
  checkIdentityCount(ids.length);
  return ids[0] ?? "";
}
