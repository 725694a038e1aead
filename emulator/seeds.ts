/** What the subscription holds at start. Every name and secret is random, so that two emulators never agree by accident. */
import { randomBytes, randomUUID } from "node:crypto";
import type { JsonObject } from "./json.ts";
import type { ResourceStore } from "./resourceStore.ts";

export interface Seeds {
  tenantId: string;
  subscriptionId: string;
  /** The pipeline's service principal. */
  clientId: string;
  clientSecret: string;
  principalObjectId: string;
  resourceGroup: string;
  location: string;
  identityId: string;
  identityClientId: string;
  identityPrincipalId: string;
  galleryId: string;
  galleryImageId: string;
  windowsGalleryImageId: string;
  baseImageId: string;
  storageAccount: string;
  githubToken: string;
  pipelinesToken: string;
}

export const SEEDED_CONTAINER = "artifacts";

/** @param storageAccount name of the account that stages artifacts */
export function makeSeeds(storageAccount: string): Seeds {
  const subscriptionId = randomUUID();
  const resourceGroup = "rg-images";
  const group = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}`;
  const galleryId = `${group}/providers/Microsoft.Compute/galleries/gal_images`;
  return {
    tenantId: randomUUID(),
    subscriptionId,
    clientId: randomUUID(),
    clientSecret: `emu~${randomBytes(24).toString("base64url")}`,
    principalObjectId: randomUUID(),
    resourceGroup,
    location: "westeurope",
    identityId: `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-image-builder`,
    identityClientId: randomUUID(),
    identityPrincipalId: randomUUID(),
    galleryId,
    galleryImageId: `${galleryId}/images/web-server`,
    windowsGalleryImageId: `${galleryId}/images/web-server-windows`,
    baseImageId: `${galleryId}/images/base`,
    storageAccount,
    githubToken: `emu-github-${randomBytes(24).toString("hex")}`,
    pipelinesToken: `emu-pipelines-${randomBytes(24).toString("hex")}`,
  };
}

export function seedResources(store: ResourceStore, seeds: Seeds, blobEndpoint: string): void {
  const { location } = seeds;
  const group = `/subscriptions/${seeds.subscriptionId}/resourceGroups/${seeds.resourceGroup}`;
  store.put(resourceGroup(group, location, {}));
  store.put(storageAccount(`${group}`, seeds.storageAccount, location, blobEndpoint));
  store.put(identity(seeds));
  store.put({
    ...tracked(seeds.galleryId, "Microsoft.Compute/galleries", location),
    properties: {
      description: "",
      identifier: { uniqueName: `${seeds.subscriptionId}-GAL_IMAGES` },
      provisioningState: "Succeeded",
    },
  });
  store.put(imageDefinition(seeds.galleryImageId, location, "Linux", "web-server"));
  store.put(imageDefinition(seeds.windowsGalleryImageId, location, "Windows", "web-windows"));
  store.put(imageDefinition(seeds.baseImageId, location, "Linux", "base"));
  for (const [version, isExcludedFromLatest] of BASE_VERSIONS) {
    store.put(
      imageVersion({
        id: `${seeds.baseImageId}/versions/${version}`,
        location,
        tags: {},
        regions: [{ name: location }, { name: "northeurope" }],
        isExcludedFromLatest,
        publishedAtInMs: Date.UTC(2026, 0, 15),
      }),
    );
  }
}

/** By name 1.9.0 sorts last; by number 1.10.0 is the latest, since 2.0.0 does not count. */
const BASE_VERSIONS: ReadonlyArray<readonly [string, boolean]> = [
  ["1.2.0", false],
  ["1.9.0", false],
  ["1.10.0", false],
  ["2.0.0", true],
];

export function resourceGroup(id: string, location: string, tags: JsonObject): StoredBody {
  return {
    ...tracked(id, "Microsoft.Resources/resourceGroups", location),
    tags,
    properties: { provisioningState: "Succeeded" },
  };
}

export function storageAccount(
  groupId: string,
  name: string,
  location: string,
  blobEndpoint: string,
): StoredBody {
  const id = `${groupId}/providers/Microsoft.Storage/storageAccounts/${name}`;
  return {
    ...tracked(id, "Microsoft.Storage/storageAccounts", location),
    sku: { name: "Standard_LRS", tier: "Standard" },
    kind: "StorageV2",
    properties: {
      provisioningState: "Succeeded",
      primaryEndpoints: { blob: blobEndpoint },
      primaryLocation: location,
      statusOfPrimary: "available",
      supportsHttpsTrafficOnly: true,
      minimumTlsVersion: "TLS1_2",
      allowBlobPublicAccess: false,
    },
  };
}

interface TargetRegion {
  name: string;
  replicaCount?: number;
  storageAccountType?: string;
}

export interface ImageVersionFacts {
  id: string;
  location: string;
  tags: JsonObject;
  regions: readonly TargetRegion[];
  isExcludedFromLatest: boolean;
  publishedAtInMs: number;
  replicationMode?: string;
}

/** A gallery image version as Microsoft.Compute shows it. Source: gallery.json, api-version 2024-03-03. */
export function imageVersion(facts: ImageVersionFacts): StoredBody {
  return {
    ...tracked(facts.id, "Microsoft.Compute/galleries/images/versions", facts.location),
    tags: facts.tags,
    properties: {
      publishingProfile: {
        targetRegions: facts.regions.map((region) => ({
          name: region.name,
          regionalReplicaCount: region.replicaCount ?? 1,
          storageAccountType: region.storageAccountType ?? "Standard_LRS",
        })),
        replicaCount: 1,
        excludeFromLatest: facts.isExcludedFromLatest,
        publishedDate: new Date(facts.publishedAtInMs).toISOString(),
        storageAccountType: "Standard_LRS",
        replicationMode: facts.replicationMode ?? "Full",
      },
      provisioningState: "Succeeded",
      storageProfile: { osDiskImage: { sizeInGB: 30, hostCaching: "ReadWrite", source: {} } },
      safetyProfile: {
        reportedForPolicyViolation: false,
        allowDeletionOfReplicatedLocations: true,
      },
      replicationStatus: {
        aggregatedState: "Completed",
        summary: facts.regions.map(({ name }) => ({
          region: name,
          state: "Completed",
          details: "",
          progress: 100,
        })),
      },
    },
  };
}

export interface StoredBody extends JsonObject {
  id: string;
}

function tracked(id: string, type: string, location: string) {
  return { id, name: id.slice(id.lastIndexOf("/") + 1), type, location, tags: {} };
}

function identity(seeds: Seeds): StoredBody {
  const type = "Microsoft.ManagedIdentity/userAssignedIdentities";
  return {
    ...tracked(
      seeds.identityId.replace("/resourceGroups/", "/resourcegroups/"),
      type,
      seeds.location,
    ),
    properties: {
      tenantId: seeds.tenantId,
      principalId: seeds.identityPrincipalId,
      clientId: seeds.identityClientId,
    },
  };
}

function imageDefinition(id: string, location: string, osType: string, offer: string): StoredBody {
  return {
    ...tracked(id, "Microsoft.Compute/galleries/images", location),
    properties: {
      osType,
      osState: "Generalized",
      hyperVGeneration: "V2",
      architecture: "x64",
      identifier: { publisher: "contoso", offer, sku: "standard" },
      provisioningState: "Succeeded",
    },
  };
}
