/** Resolves the source image to an exact version, and finds out its operating system. No writes. */
import type { AzureContext } from "./azure/arm.ts";
import { ImageReader, type ImageVersion } from "./azure/gallery.ts";
import { InputError, isNotFound } from "./errors.ts";
import type { Host } from "./host.ts";
import type { OsType, Source } from "./inputs.ts";

/** A source image that exists. */
export interface ResolvedSource {
  /** Exact version number. */
  readonly version: string;
  readonly osType: OsType;
  /** `properties.source` of the image template, api-version 2025-10-01. */
  readonly wire: Readonly<Record<string, unknown>>;
}

type PlatformSource = Extract<Source, { kind: "platform" }>;
type GallerySource = Extract<Source, { kind: "gallery" }>;

/** What a look-up needs besides the source itself. */
export interface SourceQuery {
  readonly host: Host;
  readonly azure: AzureContext;
  readonly subscriptionId: string;
  readonly location: string;
}

/**
 * Looks the source up.
 * @throws {InputError} when it does not exist, or not in the template's region.
 */
export function resolveSource(query: SourceQuery, source: Source): Promise<ResolvedSource> {
  return source.kind === "platform"
    ? resolvePlatformImage(query, source)
    : resolveGalleryImage(query, source);
}

async function resolvePlatformImage(
  query: SourceQuery,
  source: PlatformSource,
): Promise<ResolvedSource> {
  const { azure, subscriptionId, location, host } = query;
  const reader = new ImageReader(azure, subscriptionId);
  const name = [source.publisher, source.offer, source.sku, source.version].join(":");
  const missing = `names "${name}", which the marketplace does not offer in ${location}. List what it offers: az vm image list --all --location ${location} --publisher ${source.publisher}`;
  return orInputError(host, missing, async () => {
    const versions = await reader.platformVersions(source, location, host.signal);
    const version = source.version === "latest" ? highestVersion(versions) : source.version;
    if (!version || !versions.includes(version)) throw sourceError(host, missing);
    const image = await reader.platformImage(source, version, location, host.signal);
    const { publisher, offer, sku } = source;
    const planInfo = image.plan && { planInfo: image.plan };
    const wire = { type: "PlatformImage", publisher, offer, sku, version, ...planInfo };
    return { version, osType: image.osType, wire };
  });
}

async function resolveGalleryImage(
  { azure, location, host }: SourceQuery,
  { definition, version }: GallerySource,
): Promise<ResolvedSource> {
  const reader = new ImageReader(azure, definition.subscriptionId);
  const missing = `names "${definition.id}/versions/${version}", which does not exist or may not be seen by whoever signs in`;
  return orInputError(host, missing, async () => {
    const [image, versions] = await Promise.all([
      reader.imageDefinition(definition, host.signal),
      reader.imageVersions(definition, host.signal),
    ]);
    const found = version === "latest" ? latestVersion(versions) : sameVersion(versions, version);
    if (!image || !found) throw sourceError(host, missing);
    if (!found.regions.includes(location)) throw sourceError(host, notHere(found, location));
    const imageVersionId = `${definition.id}/versions/${found.version}`;
    const wire = { type: "SharedImageVersion", imageVersionId };
    return { version: found.version, osType: image.osType, wire };
  });
}

function notHere({ version, regions }: ImageVersion, location: string): string {
  return `names version ${version}, which is not replicated to ${location}, where the build runs. It is in: ${regions.join(", ")}`;
}

/** The version that the gallery itself means by `latest`: failed and excluded ones do not count. */
function latestVersion(versions: readonly ImageVersion[]): ImageVersion | undefined {
  const usable = versions.filter(
    (each) => !each.isExcludedFromLatest && each.provisioningState === "Succeeded",
  );
  return sameVersion(usable, highestVersion(usable.map((each) => each.version)) ?? "");
}

function sameVersion(versions: readonly ImageVersion[], version: string): ImageVersion | undefined {
  return versions.find((each) => each.version === version);
}

/** The highest of several dotted numbers: 24.04.10 is higher than 24.04.9, whatever the alphabet says. */
export function highestVersion(versions: readonly string[]): string | undefined {
  const numbers = versions.filter((version) => /^\d+(?:\.\d+)*$/.test(version));
  return numbers.sort(compareVersions).at(-1);
}

function compareVersions(one: string, other: string): number {
  const [left, right] = [one.split("."), other.split(".")];
  for (let part = 0; part < Math.max(left.length, right.length); part++) {
    // Big integers: some versions are dates with a time, beyond what a double holds exactly.
    const difference = BigInt(left[part] ?? 0) - BigInt(right[part] ?? 0);
    if (difference !== 0n) return difference < 0n ? -1 : 1;
  }
  return 0;
}

function sourceError(host: Host, problem: string): InputError {
  return new InputError([`Input '${host.inputLabel("sourceImage")}' ${problem}.`]);
}

async function orInputError<T>(host: Host, missing: string, find: () => Promise<T>): Promise<T> {
  try {
    return await find();
  } catch (error) {
    if (isNotFound(error)) throw sourceError(host, missing);
    throw error;
  }
}
