/** Galleries, image definitions, image versions and images as clients put them: checks, and what the service adds. Pure. */
import { invalidParameter, invalidRequestContent, missingParameter } from "./armErrors.ts";
import { parseVersion } from "./imageVersions.ts";
import { isObject, type JsonObject, objectOf, objectsOf, stringOf } from "./json.ts";
import { imageVersion, type StoredBody, tracked } from "./resourceBodies.ts";
import { lastSegment, regionKey } from "./resourceIds.ts";

/** A resource as put, and when and by whom. */
export interface PutRequest {
  id: string;
  body: unknown;
  subscriptionId: string;
  atInMs: number;
}

type MakeBody = (request: PutRequest & { body: JsonObject }, location: string) => StoredBody;

// Source: gallery.json, api-version 2024-03-03: each of the three numbers is a 32-bit integer.
const HIGHEST_NUMBER = 2_147_483_647;

const KINDS: Readonly<Record<string, MakeBody>> = {
  "Microsoft.Compute/galleries": galleryBody,
  "Microsoft.Compute/galleries/images": definitionBody,
  "Microsoft.Compute/galleries/images/versions": versionBody,
  "Microsoft.Compute/images": imageBody,
};

/** @throws {ArmError} 400 in the words of Microsoft.Compute */
export function computeBody(type: string, request: PutRequest): StoredBody {
  const { body } = request;
  if (!isObject(body)) throw invalidRequestContent("a JSON object is expected");
  const location = regionKey(stringOf(body["location"]));
  if (!location) throw missingParameter("location");
  const make = KINDS[type];
  if (!make) throw invalidRequestContent(`${type} cannot be put`);
  const made = make({ ...request, body }, location);
  return { ...made, tags: objectOf(body["tags"]) };
}

function galleryBody({ id, body, subscriptionId }: Parameters<MakeBody>[0], location: string) {
  const name = lastSegment(id);
  checkName(name, "galleryName", /^[A-Za-z0-9](?:[A-Za-z0-9._]{0,78}[A-Za-z0-9])?$/);
  const { description } = objectOf(body["properties"]);
  return {
    ...tracked(id, "Microsoft.Compute/galleries", location),
    properties: {
      description: stringOf(description),
      identifier: { uniqueName: `${subscriptionId}-${name.toUpperCase()}` },
      provisioningState: "Creating",
    },
  };
}

function definitionBody({ id, body }: Parameters<MakeBody>[0], location: string) {
  checkName(lastSegment(id), "galleryImageName", /^[A-Za-z0-9](?:[\w.-]{0,78}[A-Za-z0-9_])?$/);
  const given = objectOf(body["properties"]);
  const identifier = objectOf(given["identifier"]);
  for (const field of ["publisher", "offer", "sku"]) {
    if (!identifier[field]) throw missingParameter(`galleryImage.properties.identifier.${field}`);
  }
  checkChoice(given, "osType", ["Linux", "Windows"]);
  checkChoice(given, "osState", ["Generalized", "Specialized"]);
  return {
    ...tracked(id, "Microsoft.Compute/galleries/images", location),
    properties: {
      hyperVGeneration: "V1",
      architecture: "x64",
      ...given,
      provisioningState: "Creating",
    },
  };
}

function versionBody({ id, body, atInMs }: Parameters<MakeBody>[0], location: string): StoredBody {
  const number = parseVersion(lastSegment(id));
  if (!number || number.some((part) => part > HIGHEST_NUMBER)) {
    throw invalidParameter("galleryImageVersionName", lastSegment(id));
  }
  const given = objectOf(body["properties"]);
  const profile = objectOf(given["publishingProfile"]);
  const storage = objectOf(given["storageProfile"]);
  if (!storage["source"] && !storage["osDiskImage"]) {
    throw missingParameter("galleryImageVersion.properties.storageProfile");
  }
  const regions = objectsOf(profile["targetRegions"]).map((region) => ({
    name: stringOf(region["name"]),
    replicaCount: Number(region["regionalReplicaCount"] ?? profile["replicaCount"] ?? 1),
    storageAccountType: stringOf(region["storageAccountType"]) || "Standard_LRS",
  }));
  const made = imageVersion({
    id,
    location,
    tags: {},
    regions: regions.length > 0 ? regions : [{ name: location }],
    isExcludedFromLatest: profile["excludeFromLatest"] === true,
    publishedAtInMs: atInMs,
    replicationMode: stringOf(profile["replicationMode"]) || "Full",
  });
  const properties = objectOf(made["properties"]);
  const storageProfile = { ...objectOf(properties["storageProfile"]), ...storage };
  return { ...made, properties: { ...properties, storageProfile, provisioningState: "Creating" } };
}

function imageBody({ id, body }: Parameters<MakeBody>[0], location: string): StoredBody {
  const given = objectOf(body["properties"]);
  const storage = objectOf(given["storageProfile"]);
  const disk = objectOf(storage["osDisk"]);
  if (!given["sourceVirtualMachine"]) {
    checkChoice(disk, "osType", ["Linux", "Windows"]);
    checkChoice(disk, "osState", ["Generalized", "Specialized"]);
  }
  return {
    ...tracked(id, "Microsoft.Compute/images", location),
    properties: { hyperVGeneration: "V1", ...given, provisioningState: "Creating" },
  };
}

function checkName(name: string, parameter: string, form: RegExp): void {
  if (!form.test(name)) throw invalidParameter(parameter, name);
}

function checkChoice(owner: JsonObject, field: string, choices: readonly string[]): void {
  const value = stringOf(owner[field]);
  if (!value) throw missingParameter(field);
  if (!choices.includes(value)) throw invalidParameter(field, value);
}
