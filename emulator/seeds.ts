/** What the subscription holds at start. Every name and secret is random, so that two emulators never agree by accident. */
import { randomBytes, randomUUID } from "node:crypto";
import {
  imageVersion,
  resourceGroup,
  type StoredBody,
  storageAccount,
  tracked,
} from "./resourceBodies.ts";
import type { ResourceStore } from "./resourceStore.ts";

/** Names, ids and secrets of one start. */
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

/** A container of the staging account that is there from the start. */
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

/** Fills the store; `blobEndpoint` is that of the staging account. */
export function seedResources(store: ResourceStore, seeds: Seeds, blobEndpoint: string): void {
  const { location } = seeds;
  const group = `/subscriptions/${seeds.subscriptionId}/resourceGroups/${seeds.resourceGroup}`;
  store.put(resourceGroup(group, location, {}));
  store.put(storageAccount(`${group}`, seeds.storageAccount, location, blobEndpoint));
  store.put(identity(seeds));
  for (const body of network(group, location)) store.put(body);
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

const NETWORK = "Microsoft.Network/virtualNetworks";

/** One subnet to build in, one for the service's containers. */
function network(group: string, location: string): StoredBody[] {
  const id = `${group}/providers/${NETWORK}/vnet`;
  const containers = {
    name: "containers",
    properties: { serviceName: "Microsoft.ContainerInstance/containerGroups" },
  };
  const subnets = [
    subnet(id, "build", "10.0.0.0/24", []),
    subnet(id, "containers", "10.0.1.0/24", [containers]),
  ];
  const properties = {
    provisioningState: "Succeeded",
    addressSpace: { addressPrefixes: ["10.0.0.0/16"] },
    subnets,
  };
  return [{ ...tracked(id, NETWORK, location), properties }, ...subnets];
}

function subnet(
  networkId: string,
  name: string,
  addressPrefix: string,
  delegations: object[],
): StoredBody {
  return {
    id: `${networkId}/subnets/${name}`,
    name,
    type: `${NETWORK}/subnets`,
    properties: { provisioningState: "Succeeded", addressPrefix, delegations },
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
