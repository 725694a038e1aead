/** The source image of an image template: whether it is there and which version of it is meant. */
import { withHelp } from "./armErrors.ts";
import type { Cloud } from "./cloud.ts";
import { highestVersion } from "./imageVersions.ts";
import { type JsonObject, objectOf, objectsOf, stringOf } from "./json.ts";
import { findMarketplaceImage, type MarketplaceImage, resolveVersion } from "./marketplace.ts";
import { lastSegment, parentId, regionKey } from "./resourceIds.ts";

/** Ends a creation or an update: becomes the template's `provisioningError`. */
export class CreationError extends Error {
  readonly provisioningErrorCode: string;

  constructor(code: string, message: string) {
    super(withHelp(message));
    this.provisioningErrorCode = code;
  }
}

/** What a template knows of its source once its creation succeeded. */
export interface ResolvedSource {
  /** Absent for a managed image, which has no versions. */
  exactVersion?: string;
  osType: string;
}

/** Whether the source moves on by itself, which triggers need. */
export function isLatest(source: JsonObject): boolean {
  const version = stringOf(source["version"]) || lastSegment(stringOf(source["imageVersionId"]));
  return version.toLowerCase() === "latest";
}

/** @throws {CreationError} when the service cannot use it */
export function resolveSource(cloud: Cloud, source: JsonObject, location: string): ResolvedSource {
  if (source["type"] === "PlatformImage") return resolvePlatformImage(source, location);
  if (source["type"] === "SharedImageVersion") {
    return resolveGalleryVersion(cloud, stringOf(source["imageVersionId"]), location);
  }
  return resolveManagedImage(cloud, stringOf(source["imageId"]), location);
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
  checkPlan(image, objectOf(source["planInfo"]), urn.join(":"));
  return { exactVersion, osType: image.osType };
}

/** The texts are from memory; the rule is that of every VM made from an image with a purchase plan. */
function checkPlan(image: MarketplaceImage, given: JsonObject, urn: string): void {
  const { plan } = image;
  const names = [given["planName"], given["planProduct"], given["planPublisher"]].map(stringOf);
  if (!plan) {
    if (names.every((name) => name === "")) return;
    throw new CreationError("BadPIRSource", `The platform image '${urn}' has no purchase plan.`);
  }
  const wanted = [plan.name, plan.product, plan.publisher];
  if (wanted.join("|").toLowerCase() === names.join("|").toLowerCase()) return;
  const message = `Creating a virtual machine from Marketplace image '${urn}' requires Plan information in the request: name '${plan.name}', product '${plan.product}', publisher '${plan.publisher}'.`;
  throw new CreationError("BadPIRSource", message);
}

function resolveManagedImage({ resources }: Cloud, id: string, location: string): ResolvedSource {
  const image = resources.get(id);
  if (!image) {
    const message = `Error getting Managed Image '${id}': StatusCode=404 -- Original Error: Code="ResourceNotFound".`;
    throw new CreationError("BadManagedImageSource", message);
  }
  if (regionKey(stringOf(image["location"])) !== location) {
    const message = `Managed Image '${id}' is in location '${stringOf(image["location"])}', but must be in that of the image template, '${location}'.`;
    throw new CreationError("BadManagedImageSource", message);
  }
  const disk = objectOf(objectOf(objectOf(image["properties"])["storageProfile"])["osDisk"]);
  if (stringOf(disk["osState"]).toLowerCase() === "specialized") {
    const message = `Managed Image '${id}' is specialized. Only generalized images are supported.`;
    throw new CreationError("BadManagedImageSource", message);
  }
  return { osType: stringOf(disk["osType"]) || "Linux" };
}

/** `latest` is the highest version that is in the template's region and not excluded from it. */
function resolveGalleryVersion(cloud: Cloud, versionId: string, location: string): ResolvedSource {
  const { resources } = cloud;
  const definitionId = parentId(parentId(versionId));
  const wanted = lastSegment(versionId).toLowerCase();
  const versions = resources
    .ofType(definitionId, "Microsoft.Compute/galleries/images/versions")
    .filter((version) => isReplicatedTo(version, location))
    .filter((version) => wanted !== "latest" || !isExcludedFromLatest(version))
    .map((version) => lastSegment(version.id));
  const exactVersion =
    wanted === "latest" ? highestVersion(versions) : versions.find((v) => v === wanted);
  if (!exactVersion) {
    const message = `Build (Shared Image Version) step failed for Image Version '${versionId}' in location '${location}': StatusCode=404 -- Original Error: Code="ResourceNotFound".`;
    throw new CreationError("BadSharedImageVersionSource", message);
  }
  if (resources.property(definitionId, "osState").toLowerCase() === "specialized") {
    const message = `Image definition '${definitionId}' is specialized. Only generalized images are supported.`;
    throw new CreationError("BadSharedImageVersionSource", message);
  }
  return { exactVersion, osType: resources.property(definitionId, "osType") };
}

function publishingProfile(version: JsonObject): JsonObject {
  return objectOf(objectOf(version["properties"])["publishingProfile"]);
}

function isReplicatedTo(version: JsonObject, location: string): boolean {
  const regions = objectsOf(publishingProfile(version)["targetRegions"]);
  return regions.some(({ name }) => regionKey(stringOf(name)) === location);
}

function isExcludedFromLatest(version: JsonObject): boolean {
  return publishingProfile(version)["excludeFromLatest"] === true;
}
