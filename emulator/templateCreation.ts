/** What the service does between accepting an image template and its provisioning state: reads and checks what it names. */
import { createHash } from "node:crypto";
import type { Cloud } from "./cloud.ts";
import { type JsonObject, objectOf, objectsOf, stringOf, stringsOf } from "./json.ts";
import { isRegion } from "./regions.ts";
import { isSameId, parentId, regionKey, segmentAfter } from "./resourceIds.ts";
import { type StagingResourceGroup, stagingProblem } from "./stagingResourceGroups.ts";
import { groupNameOf, type Template } from "./template.ts";
import { CreationError, type ResolvedSource, resolveSource } from "./templateSource.ts";

/** What a template has only once its creation succeeded. */
export interface CreatedParts extends ResolvedSource {
  staging: StagingResourceGroup;
  /** Scripts and files by their URI, as the service copies them to its own storage at submission. */
  files: Map<string, Buffer>;
}

/** @throws {CreationError} for the first thing the service cannot use */
export async function createParts(cloud: Cloud, template: Template): Promise<CreatedParts> {
  if (cloud.behaviour().createFails) {
    const message =
      "Internal error occurred. This is a generic error, please check the permissions of the assigned identity and submit the template again.";
    throw new CreationError("ServerError", message);
  }
  const { properties } = template;
  const source = resolveSource(cloud, objectOf(properties["source"]), template.location);
  const files = new Map<string, Buffer>();
  for (const script of scriptsOf(properties)) {
    const content = await readScript(cloud, script);
    if (content) files.set(script.uri, content);
  }
  checkDestinations(cloud, properties);
  checkVm(cloud, objectOf(properties["vmProfile"]));
  return { ...source, files, staging: await makeStaging(cloud, template) };
}

interface Script {
  uri: string;
  sha256Checksum: string;
}

function scriptsOf(properties: JsonObject): Script[] {
  const validators = objectsOf(objectOf(properties["validate"])["inVMValidations"]);
  const workload = objectOf(objectOf(properties["optimize"])["workload"]);
  return [...objectsOf(properties["customize"]), ...validators, workload]
    .map((owner) => ({
      uri: stringOf(owner["scriptUri"]) || stringOf(owner["sourceUri"]),
      sha256Checksum: stringOf(owner["sha256Checksum"]),
    }))
    .filter(({ uri }) => uri !== "");
}

/** Reads as the template identity, which needs a role even for what is public. URIs elsewhere are out of reach and taken as good. */
async function readScript(
  cloud: Cloud,
  { uri, sha256Checksum }: Script,
): Promise<Buffer | undefined> {
  const address = cloud.blobs.addressOf(uri);
  if (!address) return undefined;
  const isSigned = new URL(uri).searchParams.has("sig");
  if (!isSigned && !cloud.roles.has("Storage Blob Data Reader")) {
    throw new CreationError("ServerError", notAuthorized(uri));
  }
  const content = await (isSigned ? cloud.blobs.readSigned(uri) : cloud.blobs.read(address));
  if (!content) {
    const shown = uri.split("?")[0];
    const message = `Downloading external file (${shown}) to local file (0.customizer.fp) [attempt 10 of 10] failed: Error downloading '${shown}': StatusCode=404.`;
    throw new CreationError("NoCustomizerScript", message);
  }
  const actual = createHash("sha256").update(content).digest("hex");
  if (sha256Checksum && sha256Checksum !== actual) {
    const message = `The checksum of '${uri.split("?")[0]}' is ${actual}, but the template says ${sha256Checksum}.`;
    throw new CreationError("Other", message);
  }
  return content;
}

/** What an update checks again. @throws {CreationError} when an image cannot go where a distributor says */
export function checkDestinations(cloud: Cloud, properties: JsonObject): void {
  for (const distributor of objectsOf(properties["distribute"])) {
    if (distributor["type"] === "SharedImage") checkGallery(cloud, distributor);
    if (distributor["type"] === "ManagedImage") checkManagedImage(cloud, distributor);
  }
}

function checkGallery(cloud: Cloud, distributor: JsonObject): void {
  const id = definitionIdOf(distributor);
  if (isMissing(cloud, id)) {
    const message = `Error getting Azure Compute Gallery image definition '${id}': StatusCode=404 -- Original Error: Code="ResourceNotFound".`;
    throw new CreationError("BadSharedImageDistribute", message);
  }
  if (!cloud.roles.has("Gallery Image Contributor")) {
    throw new CreationError("ServerError", notAuthorized(id));
  }
  checkRegions(cloud, id, distributor);
}

/** Source: image-builder-json.md, "replicationRegions": one of the regions must be that of the gallery. */
function checkRegions(cloud: Cloud, definitionId: string, distributor: JsonObject): void {
  const named = objectsOf(distributor["targetRegions"]).map(({ name }) => stringOf(name));
  const regions = [...named, ...stringsOf(distributor["replicationRegions"])];
  const unknown = regions.find((name) => !isRegion(name));
  if (unknown !== undefined) {
    const message = `The region '${unknown}' for image definition '${definitionId}' is not available.`;
    throw new CreationError("BadSharedImageDistribute", message);
  }
  const galleryId = parentId(parentId(definitionId));
  const home = regionKey(stringOf(cloud.resources.get(galleryId)?.["location"]));
  if (regions.length === 0 || regions.map(regionKey).includes(home)) return;
  const message = `The regions '${regions.join(", ")}' do not hold '${home}', the region of the gallery '${galleryId}'.`;
  throw new CreationError("BadSharedImageDistribute", message);
}

function checkManagedImage({ resources }: Cloud, distributor: JsonObject): void {
  const id = stringOf(distributor["imageId"]);
  const groupId = id.split("/").slice(0, 5).join("/");
  if (!resources.has(groupId)) {
    const message = `The resource group of the image '${id}' does not exist: StatusCode=404 -- Original Error: Code="ResourceGroupNotFound".`;
    throw new CreationError("Other", message);
  }
  const location = stringOf(distributor["location"]);
  if (isRegion(location)) return;
  throw new CreationError(
    "Other",
    `The location '${location}' of the image '${id}' is not available.`,
  );
}

/** What an update checks again. @throws {CreationError} when the build VM cannot have its identities or subnets */
export function checkVm(cloud: Cloud, profile: JsonObject): void {
  const { resources } = cloud;
  const missing = stringsOf(profile["userAssignedIdentities"]).find((id) => !resources.has(id));
  if (missing !== undefined) throw new CreationError("ServerError", notAuthorized(missing));
  const network = objectOf(profile["vnetConfig"]);
  for (const field of ["subnetId", "containerInstanceSubnetId"]) {
    const id = stringOf(network[field]);
    if (id && !resources.has(id)) {
      const message = `Error getting subnet '${id}': StatusCode=404 -- Original Error: Code="ResourceNotFound".`;
      throw new CreationError("Other", message);
    }
  }
  checkDelegation(cloud, stringOf(network["containerInstanceSubnetId"]));
}

/** Source: image-builder-networking.md, the subnet for container instances. */
function checkDelegation({ resources }: Cloud, subnetId: string): void {
  const delegations = objectsOf(objectOf(resources.get(subnetId)?.["properties"])["delegations"]);
  const wanted = "Microsoft.ContainerInstance/containerGroups";
  const isDelegated = delegations.some(
    ({ properties }) => objectOf(properties)["serviceName"] === wanted,
  );
  if (!subnetId || isDelegated) return;
  throw new CreationError("Other", `The subnet '${subnetId}' is not delegated to '${wanted}'.`);
}

/** The image definition of a gallery distributor, whose id may end in an explicit version. */
export function definitionIdOf(distributor: JsonObject): string {
  return stringOf(distributor["galleryImageId"]).replace(/\/versions\/[^/]+$/i, "");
}

/** Whether a resource is not there, or not there in this scenario. */
export function isMissing({ resources, seeds, behaviour }: Cloud, id: string): boolean {
  const isHidden = behaviour().isGalleryMissing && isSameId(id, seeds.galleryImageId);
  return isHidden || !resources.has(id);
}

function notAuthorized(resource: string): string {
  return `Not authorized to access the resource: ${resource}. Please check the user assigned identity has the correct permissions.`;
}

async function makeStaging(cloud: Cloud, template: Template): Promise<StagingResourceGroup> {
  const wantedId = stringOf(template.properties["stagingResourceGroup"]);
  const problem = problemOf(cloud, wantedId, template.location);
  if (problem) throw new CreationError("BadStagingResourceGroup", problem);
  return cloud.staging.make({
    subscriptionId: cloud.seeds.subscriptionId,
    groupName: groupNameOf(template),
    templateName: template.name,
    location: template.location,
    wantedId,
  });
}

function problemOf(cloud: Cloud, groupId: string, location: string): string | undefined {
  const subscription = segmentAfter(groupId, "subscriptions").toLowerCase();
  if (groupId && subscription !== cloud.seeds.subscriptionId) {
    return `Staging resource group '${groupId}' is not in the subscription of the image template.`;
  }
  const isThere = groupId !== "" && cloud.resources.has(groupId);
  if (isThere && !cloud.roles.has("Staging Contributor")) return notAuthorized(groupId);
  return stagingProblem(cloud.resources, groupId, location);
}
