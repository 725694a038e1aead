/** What the service does between accepting an image template and its provisioning state: reads and checks what it names. */
import { createHash } from "node:crypto";
import { withHelp } from "./armErrors.ts";
import type { Cloud } from "./cloud.ts";
import { highestVersion } from "./imageVersions.ts";
import { type JsonObject, objectOf, objectsOf, stringOf } from "./json.ts";
import { findMarketplaceImage, resolveVersion } from "./marketplace.ts";
import { isSameId, lastSegment, parentId } from "./resourceIds.ts";
import { type StagingResourceGroup, stagingProblem } from "./stagingResourceGroups.ts";
import { groupNameOf, type Template } from "./template.ts";

/** Ends a creation: becomes the template's `provisioningError`. */
export class CreationError extends Error {
  readonly provisioningErrorCode: string;

  constructor(code: string, message: string) {
    super(withHelp(message));
    this.provisioningErrorCode = code;
  }
}

/** What a template has only once its creation succeeded. */
export interface CreatedParts {
  exactVersion: string;
  osType: string;
  staging: StagingResourceGroup;
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
  for (const script of scriptsOf(properties)) await checkScript(cloud, script);
  for (const distributor of objectsOf(properties["distribute"])) {
    checkDistributor(cloud, distributor);
  }
  return { ...source, staging: await makeStaging(cloud, template) };
}

type ResolvedSource = Pick<CreatedParts, "exactVersion" | "osType">;

function resolveSource(cloud: Cloud, source: JsonObject, location: string): ResolvedSource {
  if (source["type"] === "PlatformImage") return resolvePlatformImage(source, location);
  if (source["type"] === "SharedImageVersion") return resolveGalleryVersion(cloud, source);
  const imageId = stringOf(source["imageId"]);
  const message = `Error getting Managed Image '${imageId}': StatusCode=404.`;
  throw new CreationError("BadManagedImageSource", message);
}

function resolvePlatformImage(source: JsonObject, location: string): ResolvedSource {
  const urn = ["publisher", "offer", "sku", "version"].map((field) => stringOf(source[field]));
  const [publisher = "", offer = "", sku = "", version = ""] = urn;
  const image = findMarketplaceImage(publisher, offer, sku);
  const exactVersion = image && resolveVersion(image, version);
  if (!image || !exactVersion) {
    const message = `The platform image '${urn.join(":")}' is not available in location '${location}'.`;
    throw new CreationError("BadPIRSource", message);
  }
  return { exactVersion, osType: image.osType };
}

function resolveGalleryVersion({ resources }: Cloud, source: JsonObject): ResolvedSource {
  const versionId = stringOf(source["imageVersionId"]);
  const definitionId = parentId(parentId(versionId));
  const wanted = lastSegment(versionId);
  const versions = resources
    .ofType(definitionId, "Microsoft.Compute/galleries/images/versions")
    .filter((version) => wanted !== "latest" || !isExcludedFromLatest(version))
    .map((version) => lastSegment(version.id));
  const exactVersion =
    wanted === "latest" ? highestVersion(versions) : versions.find((v) => v === wanted);
  if (!exactVersion) {
    const message = `Build (Shared Image Version) step failed for Image Version '${versionId}': StatusCode=404 -- Original Error: Code="ResourceNotFound".`;
    throw new CreationError("BadSharedImageVersionSource", message);
  }
  return { exactVersion, osType: resources.property(definitionId, "osType") };
}

function isExcludedFromLatest(version: JsonObject): boolean {
  const profile = objectOf(objectOf(version["properties"])["publishingProfile"]);
  return profile["excludeFromLatest"] === true;
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
async function checkScript(cloud: Cloud, { uri, sha256Checksum }: Script): Promise<void> {
  const address = cloud.blobs.addressOf(uri);
  if (!address) return;
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
}

function checkDistributor(cloud: Cloud, distributor: JsonObject): void {
  if (distributor["type"] !== "SharedImage") return;
  const id = definitionIdOf(distributor);
  if (isMissing(cloud, id)) {
    const message = `Error getting Azure Compute Gallery image definition '${id}': StatusCode=404 -- Original Error: Code="ResourceNotFound".`;
    throw new CreationError("BadSharedImageDistribute", message);
  }
  if (!cloud.roles.has("Gallery Image Contributor")) {
    throw new CreationError("ServerError", notAuthorized(id));
  }
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
  const problem = stagingProblem(cloud.resources, wantedId, template.location);
  if (problem) throw new CreationError("BadStagingResourceGroup", problem);
  return cloud.staging.make({
    subscriptionId: cloud.seeds.subscriptionId,
    groupName: groupNameOf(template),
    templateName: template.name,
    location: template.location,
    wantedId,
  });
}
