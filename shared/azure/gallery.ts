/** Reads source images and galleries through `@azure/arm-compute`. No writes. */
import { ComputeManagementClient } from "@azure/arm-compute";
import type { Clock } from "../clock.ts";
import { isNotFound } from "../errors.ts";
import type { OsType } from "../inputs.ts";
import { type ResourceId, regionName } from "../resourceId.ts";
import { type AzureContext, sdkOptions } from "./arm.ts";
import { translated } from "./failures.ts";
import { retrying } from "./retry.ts";

/** A marketplace image without its version. */
export interface PlatformImage {
  readonly publisher: string;
  readonly offer: string;
  readonly sku: string;
}

/** What buying a marketplace image says about it. */
export interface PurchasePlan {
  readonly planName: string;
  readonly planProduct: string;
  readonly planPublisher: string;
}

/** Part of a gallery image definition. */
export interface ImageDefinition {
  readonly osType: OsType;
  /** Region name without spaces, in lower case. */
  readonly location: string;
}

/** Part of a gallery image version. */
export interface ImageVersion {
  readonly version: string;
  readonly isExcludedFromLatest: boolean;
  readonly provisioningState: string;
  /** Regions it is replicated to, without spaces, in lower case. */
  readonly regions: readonly string[];
}

/** Reads the compute side of one subscription; every method throws AccessError or ArmError. */
export class ImageReader {
  readonly #client: ComputeManagementClient;
  readonly #clock: Clock;

  constructor(azure: AzureContext, subscriptionId: string) {
    this.#clock = azure.clock;
    this.#client = new ComputeManagementClient(azure.credential, subscriptionId, {
      ...sdkOptions(azure),
      endpoint: azure.cloud.resourceManagerEndpoint,
      credentials: { scopes: [azure.cloud.resourceManagerScope] },
    });
  }

  /** Every version that the region offers, in no order that means anything. */
  platformVersions(
    { publisher, offer, sku }: PlatformImage,
    location: string,
    signal: AbortSignal,
  ): Promise<string[]> {
    return this.#reading("list the versions of the source image", signal, async (abortSignal) => {
      const images = this.#client.virtualMachineImages;
      const found = await images.list(location, publisher, offer, sku, { abortSignal });
      return found.map((image) => image.name);
    });
  }

  platformImage(
    { publisher, offer, sku }: PlatformImage,
    version: string,
    location: string,
    signal: AbortSignal,
  ): Promise<{ osType: OsType; plan: PurchasePlan | undefined }> {
    return this.#reading("read the source image", signal, async (abortSignal) => {
      const images = this.#client.virtualMachineImages;
      const image = await images.get(location, publisher, offer, sku, version, { abortSignal });
      const {
        name: planName = "",
        product: planProduct = "",
        publisher: planPublisher = "",
      } = image.plan ?? {};
      const plan = image.plan ? { planName, planProduct, planPublisher } : undefined;
      return { osType: osTypeOf(image.osDiskImage?.operatingSystem), plan };
    });
  }

  /** Undefined when there is no such definition, or none that may be seen. */
  imageDefinition(id: ResourceId, signal: AbortSignal): Promise<ImageDefinition | undefined> {
    const { resourceGroupName, names } = id;
    const [gallery = "", name = ""] = names;
    return this.#readingIfThere("read the image definition", signal, async (abortSignal) => {
      const images = this.#client.galleryImages;
      const image = await images.get(resourceGroupName, gallery, name, { abortSignal });
      return { osType: osTypeOf(image.osType), location: regionName(image.location) };
    });
  }

  /** Every version of a definition, in no order that means anything. */
  imageVersions(id: ResourceId, signal: AbortSignal): Promise<ImageVersion[]> {
    const { resourceGroupName, names } = id;
    const [gallery = "", name = ""] = names;
    return this.#reading(
      "list the versions of the image definition",
      signal,
      async (abortSignal) => {
        const versions = this.#client.galleryImageVersions;
        const found: ImageVersion[] = [];
        const pages = versions.listByGalleryImage(resourceGroupName, gallery, name, {
          abortSignal,
        });
        for await (const version of pages) found.push(imageVersion(version));
        return found;
      },
    );
  }

  /** Undefined when there is no such version. */
  imageVersion(
    { resourceGroupName, names }: ResourceId,
    version: string,
    signal: AbortSignal,
  ): Promise<ImageVersion | undefined> {
    const [gallery = "", name = ""] = names;
    return this.#readingIfThere("read the image version", signal, async (abortSignal) => {
      const versions = this.#client.galleryImageVersions;
      const found = await versions.get(resourceGroupName, gallery, name, version, { abortSignal });
      return imageVersion(found);
    });
  }

  async #reading<T>(
    action: string,
    signal: AbortSignal,
    read: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    try {
      return await retrying({ clock: this.#clock, signal }, read);
    } catch (error) {
      throw signal.aborted ? signal.reason : translated(action, error);
    }
  }

  async #readingIfThere<T>(
    action: string,
    signal: AbortSignal,
    read: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await this.#reading(action, signal, read);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

interface SdkImageVersion {
  readonly name?: string;
  readonly provisioningState?: string;
  readonly publishingProfile?: {
    readonly excludeFromLatest?: boolean;
    readonly targetRegions?: { readonly name: string }[];
  };
}

function imageVersion(version: SdkImageVersion): ImageVersion {
  const profile = version.publishingProfile;
  return {
    version: version.name ?? "",
    isExcludedFromLatest: profile?.excludeFromLatest ?? false,
    provisioningState: version.provisioningState ?? "",
    regions: (profile?.targetRegions ?? []).map((region) => regionName(region.name)),
  };
}

function osTypeOf(text: string | undefined): OsType {
  return text?.toLowerCase() === "windows" ? "windows" : "linux";
}
