/** The end of a run: images go to where the template says, and run outputs tell where that is. */
import type { Cloud } from "./cloud.ts";
import { DistributionError, makeManagedImage, makeVhd } from "./imagesAndVhds.ts";
import { automaticVersion, nextVersion, sourceVersion } from "./imageVersions.ts";
import { type JsonObject, objectOf, objectsOf, stringOf, stringsOf } from "./json.ts";
import { imageVersion } from "./resourceBodies.ts";
import { lastSegment } from "./resourceIds.ts";
import type { RunOutput, Template } from "./template.ts";
import { definitionIdOf, isMissing } from "./templateCreation.ts";

const VERSION_TYPE = "Microsoft.Compute/galleries/images/versions";

/** A gallery image version made by a run. */
export interface MadeImageVersion {
  id: string;
  version: string;
  imageDefinitionId: string;
  tags: JsonObject;
  regions: string[];
  /** A tar layer with what the build changed, where it really ran. */
  contentPath?: string;
}

/** What became of the images of a run. */
export interface Distribution {
  outputs: RunOutput[];
  versions: MadeImageVersion[];
  /** One per image that could not be distributed, in the service's words. */
  errors: string[];
  imageCount: number;
}

interface Region {
  name: string;
  replicaCount?: number;
  storageAccountType?: string;
}

/** Distributes to every distributor of the template. One that fails does not stop the others. */
export async function distribute(
  cloud: Cloud,
  template: Template,
  atInMs: number,
): Promise<Distribution> {
  const distributors = objectsOf(template.properties["distribute"]);
  const done: Distribution = { outputs: [], versions: [], errors: [], imageCount: 0 };
  for (const [index, distributor] of distributors.entries()) {
    const failsHere = failureOf(cloud, distributors.length, index);
    done.imageCount += Math.max(1, regionsOf(distributor, template.location).length);
    const work = { distributor, index, failsHere, atInMs };
    if (distributor["type"] === "SharedImage") distributeToGallery(cloud, template, work, done);
    else await distributeElsewhere(cloud, template, work, done);
  }
  return done;
}

async function distributeElsewhere(
  cloud: Cloud,
  template: Template,
  { distributor, index, failsHere }: Work,
  done: Distribution,
): Promise<void> {
  try {
    if (failsHere === "whole") throw new DistributionError("context deadline exceeded");
    const output =
      distributor["type"] === "VHD"
        ? await makeVhd(cloud, template, distributor)
        : makeManagedImage(cloud, template, distributor);
    done.outputs.push(output);
  } catch (error) {
    if (!(error instanceof DistributionError)) throw error;
    const message = `[Error ${done.errors.length}] [Distribute ${index}] Error: ${error.message}`;
    done.errors.push(message);
  }
}

type Failure = "none" | "whole" | "last region";

/** Of several distributors the last one fails partly; a single one loses its last region. */
function failureOf({ behaviour }: Cloud, count: number, index: number): Failure {
  const { distributionFails } = behaviour();
  if (distributionFails === "all") return "whole";
  if (distributionFails !== "some" || index < count - 1) return "none";
  return count > 1 ? "whole" : "last region";
}

interface Work {
  distributor: JsonObject;
  index: number;
  failsHere: Failure;
  atInMs: number;
}

function distributeToGallery(
  cloud: Cloud,
  template: Template,
  { distributor, index, failsHere, atInMs }: Work,
  done: Distribution,
): void {
  const definitionId = definitionIdOf(distributor);
  const version = chooseVersion(cloud, template, distributor, atInMs);
  const id = `${definitionId}/versions/${version}`;
  const cause = template.identityId
    ? causeOfFailure(cloud, definitionId, id, failsHere)
    : NO_IDENTITY;
  const regions = regionsOf(distributor, template.location);
  if (cause || failsHere === "last region") {
    const region = regions.at(-1)?.name ?? template.location;
    const number = done.errors.length;
    done.errors.push(
      publishingError(definitionId, region, number, index, cause ?? "context deadline exceeded"),
    );
  }
  if (cause) return;
  const kept = failsHere === "last region" && regions.length > 1 ? regions.slice(0, -1) : regions;
  const tags = objectOf(distributor["artifactTags"]);
  cloud.resources.put(
    imageVersion({
      id,
      location: stringOf(cloud.resources.get(definitionId)?.["location"]),
      tags,
      regions: kept,
      isExcludedFromLatest: distributor["excludeFromLatest"] === true,
      publishedAtInMs: atInMs,
      replicationMode: stringOf(distributor["replicationMode"]) || "Full",
    }),
  );
  const names = kept.map((region) => region.name);
  done.versions.push({ id, version, imageDefinitionId: definitionId, tags, regions: names });
  done.outputs.push({ name: stringOf(distributor["runOutputName"]), artifactId: id });
}

/** An update may have removed it. */
const NO_IDENTITY = 'StatusCode=403 -- Original Error: Code="AuthorizationFailed"';

function causeOfFailure(
  cloud: Cloud,
  definitionId: string,
  versionId: string,
  failsHere: Failure,
): string | undefined {
  if (isMissing(cloud, definitionId)) return "StatusCode=404 -- Original Error: ResourceNotFound";
  if (!cloud.roles.has("Gallery Image Contributor")) {
    return 'StatusCode=403 -- Original Error: Code="AuthorizationFailed"';
  }
  if (cloud.resources.has(versionId)) {
    return `StatusCode=409 -- Original Error: Code="Conflict" Message="The image version '${lastSegment(versionId)}' already exists."`;
  }
  return failsHere === "whole"
    ? "StatusCode=200 -- Original Error: context deadline exceeded"
    : undefined;
}

/** Source: recorded fragment "failed in distribute" of lastRunStatus. */
function publishingError(
  definitionId: string,
  region: string,
  number: number,
  index: number,
  cause: string,
): string {
  return `[Error ${number}] [Distribute ${index}] Error publishing MDI to Azure Compute Gallery:${definitionId}, Location:${region}. Error: Error returned from SIG client while publishing MDI to Azure Compute Gallery for dstImageLocation: ${region}. Error: Error waiting on Azure Compute Gallery future for gallery image name: ${lastSegment(definitionId)}. Error: ${cause}`;
}

function chooseVersion(
  cloud: Cloud,
  template: Template,
  distributor: JsonObject,
  atInMs: number,
): string {
  const explicit = /\/versions\/([^/]+)$/i.exec(stringOf(distributor["galleryImageId"]))?.[1];
  if (explicit) return explicit;
  const existing = cloud.resources
    .ofType(definitionIdOf(distributor), VERSION_TYPE)
    .map((version) => lastSegment(version.id));
  const versioning = objectOf(distributor["versioning"]);
  if (versioning["scheme"] === "Latest") {
    return nextVersion(existing, Number(versioning["major"] ?? -1));
  }
  return versioning["scheme"] === "Source"
    ? sourceVersion(existing, template.exactVersion ?? "")
    : automaticVersion(existing, atInMs);
}

function regionsOf(distributor: JsonObject, location: string): Region[] {
  const targets = objectsOf(distributor["targetRegions"]).map((region) => ({
    name: stringOf(region["name"]),
    ...(region["replicaCount"] ? { replicaCount: Number(region["replicaCount"]) } : {}),
    ...(region["storageAccountType"]
      ? { storageAccountType: stringOf(region["storageAccountType"]) }
      : {}),
  }));
  const deprecated = stringsOf(distributor["replicationRegions"]).map((name) => ({ name }));
  const regions = [...targets, ...deprecated];
  return regions.length > 0 ? regions : [{ name: location }];
}
