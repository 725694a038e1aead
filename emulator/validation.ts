/** What the service checks in an image template before it accepts it. Pure. */
import { badValue, invalidRequestContent, missingField, validationFailed } from "./armErrors.ts";
import { isObject, type JsonObject, objectOf, objectsOf, stringOf, stringsOf } from "./json.ts";
import { keepKnownFields, NAME } from "./knownFields.ts";
import { isSameId, lastSegment, parentId, regionKey } from "./resourceIds.ts";

const GROUP = "/subscriptions/[^/]+/resourceGroups/[-\\w.()]{0,89}[-\\w()]";
const IMAGE_DEFINITION = `${GROUP}/providers/Microsoft\\.Compute/galleries/[^/]+/images/[^/]+`;
const NUMBER = "\\d+\\.\\d+\\.\\d+";
const GALLERY_IMAGE_ID = idForm(`${IMAGE_DEFINITION}(/versions/${NUMBER})?`);
const IMAGE_VERSION_ID = idForm(`${IMAGE_DEFINITION}/versions/(${NUMBER}|latest)`);
const MANAGED_IMAGE_ID = idForm(`${GROUP}/providers/Microsoft\\.Compute/images/[^/]+`);
const STAGING_RESOURCE_GROUP_ID = idForm(GROUP);
const SUBNET_ID = idForm(
  `${GROUP}/providers/Microsoft\\.Network/virtualNetworks/[^/]+/subnets/[^/]+`,
);
const IDENTITY_ID = idForm(
  `${GROUP}/providers/Microsoft\\.ManagedIdentity/userAssignedIdentities/[^/]+`,
);

// Source: image-builder-api-update-release-notes.md, version 2022-07-01: targetRegions, and `latest` of a gallery as source.
const TARGET_REGIONS_SINCE = "2022-07-01";

function idForm(pattern: string): RegExp {
  return new RegExp(`^${pattern}$`, "i");
}

/** @throws {ArmError} when the name is not one the service takes */
export function checkTemplateName(name: string): void {
  if (!NAME.test(name)) throw badValue("ImageTemplate", "name", name);
}

/**
 * The template with what the service keeps of it: known fields only, without those it sets itself.
 * @throws {ArmError} 400 in the service's words for the first thing wrong
 */
export function validateTemplate(body: unknown, apiVersion: string): JsonObject {
  if (!isObject(body)) throw invalidRequestContent("a JSON object is expected");
  const template = keepKnownFields(body, "ImageTemplate", apiVersion);
  checkIdentity(objectOf(template["identity"]));
  checkProperties(objectOf(template["properties"]), apiVersion);
  return template;
}

function checkIdentity(identity: JsonObject): void {
  if (identity["type"] !== "UserAssigned") {
    throw badValue("ImageTemplate.identity", "type", identity["type"]);
  }
  checkIdentityCount(Object.keys(objectOf(identity["userAssignedIdentities"])).length);
}

/** @throws {ArmError} unless it is one. Source: image-builder-json.md, "identity" */
export function checkIdentityCount(count: number): void {
  if (count === 1) return;
  throw validationFailed(
    `Validation failed: 'ImageTemplate.identity': Field 'userAssignedIdentities' has a bad value: '${count} identities'. Exactly one user-assigned identity is supported.`,
  );
}

function checkProperties(properties: JsonObject, apiVersion: string): void {
  const path = "ImageTemplate.properties";
  checkSource(objectOf(properties["source"]), apiVersion);
  for (const [index, customizer] of objectsOf(properties["customize"]).entries()) {
    checkScript(customizer, `${path}.customize[${index}]`);
  }
  const validators = objectsOf(objectOf(properties["validate"])["inVMValidations"]);
  for (const [index, validator] of validators.entries()) {
    checkScript(validator, `${path}.validate.inVMValidations[${index}]`);
  }
  checkDistributors(objectsOf(properties["distribute"]), apiVersion);
  checkVmProfile(objectOf(properties["vmProfile"]));
  checkOptionalId(properties, "stagingResourceGroup", STAGING_RESOURCE_GROUP_ID, path);
}

function checkSource(source: JsonObject, apiVersion: string): void {
  const path = "ImageTemplate.properties.source";
  checkOptionalId(source, "imageId", MANAGED_IMAGE_ID, path);
  checkOptionalId(source, "imageVersionId", IMAGE_VERSION_ID, path);
  const versionId = stringOf(source["imageVersionId"]);
  if (versionId && apiVersion < TARGET_REGIONS_SINCE && !/\d$/.test(versionId)) {
    throw badValue(path, "imageVersionId", versionId);
  }
}

function checkOptionalId(owner: JsonObject, field: string, form: RegExp, path: string): void {
  const id = stringOf(owner[field]);
  if (id && !form.test(id)) throw badValue(path, field, id);
}

function checkScript(script: JsonObject, path: string): void {
  const type = stringOf(script["type"]);
  if (type === "File") {
    if (!script["sourceUri"]) throw missingField(path, "sourceUri");
    if (!script["destination"]) throw missingField(path, "destination");
  }
  if (type !== "Shell" && type !== "PowerShell") return;
  const given = [Boolean(script["scriptUri"]), stringsOf(script["inline"]).length > 0];
  if (given.filter(Boolean).length === 1) {
    if (script["runAsSystem"] && !script["runElevated"]) throw badValue(path, "runAsSystem", true);
    return;
  }
  throw validationFailed(
    `Validation failed: '${path}': Exactly one of the fields 'scriptUri' and 'inline' must be given.`,
  );
}

/** @throws {ArmError} 400; also for those of an update, which stand at the same path */
export function checkDistributors(distributors: JsonObject[], apiVersion: string): void {
  const path = "ImageTemplate.properties.distribute";
  if (distributors.length === 0) throw missingField("ImageTemplate.properties", "distribute");
  const names = new Set<string>();
  for (const [index, distributor] of distributors.entries()) {
    const name = stringOf(distributor["runOutputName"]);
    const key = name.toLowerCase();
    if (names.has(key)) throw badValue(`${path}[${index}]`, "runOutputName", name);
    names.add(key);
    checkOptionalId(distributor, "imageId", MANAGED_IMAGE_ID, `${path}[${index}]`);
    checkGalleryDistributor(distributor, `${path}[${index}]`, apiVersion);
  }
}

/** Source: descriptions in imagebuilder.json, api-version 2025-10-01, of the two ways to name regions. */
function checkGalleryDistributor(distributor: JsonObject, path: string, apiVersion: string): void {
  if (distributor["type"] !== "SharedImage") return;
  const id = stringOf(distributor["galleryImageId"]);
  if (!GALLERY_IMAGE_ID.test(id)) throw badValue(path, "galleryImageId", id);
  const replicationRegions = stringsOf(distributor["replicationRegions"]);
  const targetRegions = objectsOf(distributor["targetRegions"]);
  if (apiVersion < TARGET_REGIONS_SINCE && replicationRegions.length === 0) {
    throw missingField(path, "replicationRegions");
  }
  if (replicationRegions.length > 0 && targetRegions.length > 0) {
    throw badValue(path, "replicationRegions", replicationRegions);
  }
  if (distributor["storageAccountType"] && replicationRegions.length === 0) {
    throw badValue(path, "storageAccountType", distributor["storageAccountType"]);
  }
  checkRegionsDiffer(
    targetRegions.map(({ name }) => stringOf(name)),
    path,
    "targetRegions",
  );
  checkRegionsDiffer(replicationRegions, path, "replicationRegions");
}

function checkRegionsDiffer(names: readonly string[], path: string, field: string): void {
  const keys = names.map(regionKey);
  const again = keys.findIndex((key, index) => keys.indexOf(key) < index);
  if (again >= 0) throw badValue(path, field, names[again]);
}

/** @throws {ArmError} 400; also for that of an update, which stands at the same path */
export function checkVmProfile(profile: JsonObject): void {
  const path = "ImageTemplate.properties.vmProfile";
  const identities = stringsOf(profile["userAssignedIdentities"]);
  const wrong = identities.find((id) => !IDENTITY_ID.test(id));
  if (wrong !== undefined) throw badValue(path, "userAssignedIdentities", wrong);
  checkNetwork(objectOf(profile["vnetConfig"]), `${path}.vnetConfig`);
}

/** Source: image-builder-networking.md: the container subnet goes with a build subnet of its network and without a proxy VM. */
function checkNetwork(network: JsonObject, path: string): void {
  checkOptionalId(network, "subnetId", SUBNET_ID, path);
  checkOptionalId(network, "containerInstanceSubnetId", SUBNET_ID, path);
  const subnet = stringOf(network["subnetId"]);
  const containerSubnet = stringOf(network["containerInstanceSubnetId"]);
  if (!containerSubnet) return;
  if (!subnet) throw missingField(path, "subnetId");
  if (network["proxyVmSize"]) throw badValue(path, "proxyVmSize", network["proxyVmSize"]);
  const [networkId, otherNetworkId] = [subnet, containerSubnet].map((id) => parentId(parentId(id)));
  const isSameSubnet =
    lastSegment(subnet).toLowerCase() === lastSegment(containerSubnet).toLowerCase();
  if (!isSameId(networkId ?? "", otherNetworkId ?? "") || isSameSubnet) {
    throw badValue(path, "containerInstanceSubnetId", containerSubnet);
  }
}
