/** The stage step: packs the artifacts on this machine, then puts the package into the staging storage account. */
import { mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import { v4 as uuid } from "uuid";
import { type ArtifactPackage, PackageTooLarge, packArtifacts } from "./artifacts/archive.ts";
import { type BlobPlace, blobUrl, uploadPackage } from "./azure/stagingStorage.ts";
import { wrongInput } from "./form.ts";
import type { Host } from "./host.ts";
import type { Artifacts, OsType } from "./inputs.ts";
import type { BuildContext, Plan } from "./plan.ts";
import { defaultDestination, type StagedArtifact } from "./template/unpack.ts";

// Source: image-builder-json: the File customizer is for files below 20 MB.
const MAX_PACKAGE_SIZE_IN_BYTES = 20 * 1024 * 1024;

/** A package on disk and the folder that is removed with it. */
export interface LocalPackage extends ArtifactPackage {
  readonly folder: string;
}

/**
 * Packs without touching Azure, so that a package that is too large costs nothing.
 * @throws {InputError} when the package is larger than the service takes.
 */
export async function packLocally(
  host: Host,
  artifacts: Artifacts,
  osType: OsType,
): Promise<LocalPackage> {
  const folder = await mkdtemp(path.join(host.temporaryFolder, "artifacts-"));
  const format = osType === "windows" ? "zip" : "tar.gz";
  const limits = { maxSizeInBytes: MAX_PACKAGE_SIZE_IN_BYTES, signal: host.signal };
  try {
    const packed = await packArtifacts(artifacts.plan, { format, folder, ...limits });
    const { fileCount, sizeInBytes, leftOut } = artifacts.plan;
    const contents = `${fileCount} files of ${spokenSize(sizeInBytes)}`;
    host.log("info", `Packed ${contents} into ${spokenPackage(packed)}`);
    if (leftOut.length > 0) host.log("info", `Left out as hidden: ${spokenList(leftOut)}`);
    return { ...packed, folder };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    if (!(error instanceof PackageTooLarge)) throw error;
    const expected = `artifacts whose package is at most ${spokenSize(MAX_PACKAGE_SIZE_IN_BYTES)}; larger ones are not supported yet`;
    throw wrongInput(host.inputLabel("artifactsPath"), host.readInput("artifactsPath"), expected);
  }
}

/** Where the package will be: a name that no other step uses. */
export function stagingPlace(
  host: Host,
  plan: Plan,
  artifacts: Artifacts,
  { fileName }: ArtifactPackage,
): BlobPlace {
  return {
    endpoint: plan.stagingEndpoint,
    containerName: artifacts.containerName,
    blobName: `${host.runId}/${uuid().slice(0, 8)}/${fileName}`,
  };
}

/** Uploads the package and says what the template needs to know of it. */
export async function stagePackage(
  { host, azure }: BuildContext,
  place: BlobPlace,
  artifacts: Artifacts,
  packed: LocalPackage,
  osType: OsType,
): Promise<StagedArtifact> {
  await uploadPackage(azure, place, packed, host.signal);
  const url = blobUrl(place);
  const destination = artifacts.destination || defaultDestination(osType, artifacts.plan.name);
  host.log("info", `Uploaded to ${url}`);
  host.log("info", `They are unpacked to ${destination}`);
  return { url, fileName: packed.fileName, sha256: packed.sha256, destination };
}

/** A package in words: name, size and digest. */
export function spokenPackage({ fileName, sizeInBytes, sha256 }: ArtifactPackage): string {
  return `${fileName} (${spokenSize(sizeInBytes)}, sha256 ${sha256})`;
}

/** A size as people say it: `812 bytes`, `3.4 kB`, `20.0 MB`. */
export function spokenSize(sizeInBytes: number): string {
  if (sizeInBytes < 1024) return `${sizeInBytes} bytes`;
  const sizeInKb = sizeInBytes / 1024;
  return sizeInKb < 1024 ? `${sizeInKb.toFixed(1)} kB` : `${(sizeInKb / 1024).toFixed(1)} MB`;
}

const LIST_LENGTH = 10;

function spokenList(names: readonly string[]): string {
  const more = names.length - LIST_LENGTH;
  const shown = names.slice(0, LIST_LENGTH).join(", ");
  return more > 0 ? `${shown} and ${more} more` : shown;
}
