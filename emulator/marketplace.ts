/** Marketplace images that the emulator knows. Data and look-ups. */
import { highestVersion } from "./imageVersions.ts";
import type { JsonObject } from "./json.ts";

/** An image (publisher, offer, sku) and its versions. */
export interface MarketplaceImage {
  publisher: string;
  offer: string;
  sku: string;
  osType: "Linux" | "Windows";
  hyperVGeneration: "V1" | "V2";
  /** Sorted by name as the service lists them, which is not their numeric order. */
  versions: readonly string[];
  plan?: { name: string; product: string; publisher: string };
}

/** One ordinary Linux, two older, one Windows, one with a purchase plan. */
export const MARKETPLACE: readonly MarketplaceImage[] = [
  {
    publisher: "Canonical",
    offer: "ubuntu-24_04-lts",
    sku: "server",
    osType: "Linux",
    hyperVGeneration: "V2",
    versions: ["24.04.202604080", "24.04.2026100710", "24.04.202610020", "24.04.202611110"],
  },
  {
    publisher: "Canonical",
    offer: "0001-com-ubuntu-server-jammy",
    sku: "22_04-lts-gen2",
    osType: "Linux",
    hyperVGeneration: "V2",
    versions: ["22.04.202509020", "22.04.202610150"],
  },
  {
    publisher: "Canonical",
    offer: "UbuntuServer",
    sku: "18.04-LTS",
    osType: "Linux",
    hyperVGeneration: "V1",
    versions: ["18.04.202401161"],
  },
  {
    publisher: "MicrosoftWindowsServer",
    offer: "WindowsServer",
    sku: "2022-datacenter-azure-edition",
    osType: "Windows",
    hyperVGeneration: "V2",
    versions: ["20348.4297.251006", "20348.5200.261103"],
  },
  {
    publisher: "contoso-images",
    offer: "hardened-linux",
    sku: "level-1",
    osType: "Linux",
    hyperVGeneration: "V2",
    versions: ["1.4.0"],
    plan: { name: "level-1", product: "hardened-linux", publisher: "contoso-images" },
  },
];

/** Names are compared without case, as the service does. */
export function findMarketplaceImage(
  publisher: string,
  offer: string,
  sku: string,
): MarketplaceImage | undefined {
  const key = [publisher, offer, sku].join("|").toLowerCase();
  return MARKETPLACE.find(
    (image) => [image.publisher, image.offer, image.sku].join("|").toLowerCase() === key,
  );
}

/** Names without doubles, as they are written in the table. */
export function namesOf(images: readonly MarketplaceImage[], field: "publisher" | "offer" | "sku") {
  return [...new Set(images.map((image) => image[field]))];
}

/** The version meant by `latest` or by a number; undefined when the image has no such version. */
export function resolveVersion(image: MarketplaceImage, wanted: string): string | undefined {
  if (wanted.toLowerCase() !== "latest") return image.versions.find((v) => v === wanted);
  return highestVersion(image.versions);
}

/** The `id` is written the way the service writes it: capitals at the start of each segment. */
export function versionSummary(
  image: MarketplaceImage,
  version: string,
  subscriptionId: string,
  location: string,
): JsonObject {
  const id = `/Subscriptions/${subscriptionId}/Providers/Microsoft.Compute/Locations/${location}/Publishers/${image.publisher}/ArtifactTypes/VMImage/Offers/${image.offer}/Skus/${image.sku}/Versions/${version}`;
  return { location, name: version, id };
}

/** Source: virtualMachineImage.json, api-version 2024-07-01. */
export function versionDetails(image: MarketplaceImage): JsonObject {
  return {
    ...(image.plan ? { plan: image.plan } : {}),
    osDiskImage: { operatingSystem: image.osType },
    dataDiskImages: [],
    automaticOSUpgradeProperties: { automaticOSUpgradeSupported: false },
    hyperVGeneration: image.hyperVGeneration,
    architecture: "x64",
    imageDeprecationStatus: { imageState: "Active" },
  };
}
