/** Bodies of the resources that the emulator stores, in the shape in which the service shows them. Pure. */
import type { JsonObject } from "./json.ts";

/** Source: resources.json; only what clients read. */
export function resourceGroup(id: string, location: string, tags: JsonObject): StoredBody {
  return {
    ...tracked(id, "Microsoft.Resources/resourceGroups", location),
    tags,
    properties: { provisioningState: "Succeeded" },
  };
}

/** Its blob endpoint ends with a slash, as the service writes it. */
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

/** What makes one image version different from another. */
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

/** A resource as ARM answers it. */
export interface StoredBody extends JsonObject {
  id: string;
}

/** What every resource with a location has. */
export function tracked(id: string, type: string, location: string) {
  return { id, name: id.slice(id.lastIndexOf("/") + 1), type, location, tags: {} };
}
