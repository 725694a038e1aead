/** The stage step: packs the artifacts on this machine, then puts the package into the staging storage account. */
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { v4 as uuid } from "uuid";
import { type ArtifactPackage, packArtifacts } from "./artifacts/archive.ts";
import { type BlobPlace, blobUrl, signReading, uploadFile } from "./azure/stagingStorage.ts";
import { AccessError } from "./errors.ts";
import type { Host } from "./host.ts";
import type { Artifacts, OsType } from "./inputs.ts";
import type { BuildContext, Plan } from "./plan.ts";
import {
  type Download,
  defaultDestination,
  downloadScript,
  type StagedArtifact,
} from "./template/unpack.ts";

// Source: image-builder-json: the File customizer is for files below 20 MB.
const MAX_FILE_ROUTE_IN_BYTES = 20 * 1024 * 1024;

/** A package on disk and the folder that is removed with it. */
export interface LocalPackage extends ArtifactPackage {
  readonly folder: string;
}

/** Packs without touching Azure, so that artifacts that cannot be packed cost nothing. */
export async function packLocally(
  host: Host,
  artifacts: Artifacts,
  osType: OsType,
): Promise<LocalPackage> {
  const folder = await mkdtemp(path.join(host.temporaryFolder, "artifacts-"));
  const format = osType === "windows" ? "zip" : "tar.gz";
  try {
    const packed = await packArtifacts(artifacts.plan, { format, folder, signal: host.signal });
    const { fileCount, sizeInBytes, leftOut } = artifacts.plan;
    const contents = `${fileCount} files of ${spokenSize(sizeInBytes)}`;
    host.log("info", `Packed ${contents} into ${spokenPackage(packed)}`);
    if (leftOut.length > 0) host.log("info", `Left out as hidden: ${spokenList(leftOut)}`);
    return { ...packed, folder };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** The blobs of one step: the package, and the script that downloads it when it is too large for the service to copy. */
export interface StagingPlaces {
  readonly artifacts: BlobPlace;
  readonly script?: BlobPlace;
}

/** Where the blobs will be: names that no other step uses. */
export function stagingPlaces(
  host: Host,
  plan: Plan,
  { containerName }: Artifacts,
  { fileName, sizeInBytes }: ArtifactPackage,
): StagingPlaces {
  const folder = `${host.runId}/${uuid().slice(0, 8)}`;
  const place = (name: string): BlobPlace => ({
    endpoint: plan.stagingEndpoint,
    containerName,
    blobName: `${folder}/${name}`,
  });
  const artifacts = place(fileName);
  if (sizeInBytes <= MAX_FILE_ROUTE_IN_BYTES) return { artifacts };
  return { artifacts, script: place(plan.osType === "windows" ? "unpack.ps1" : "unpack.sh") };
}

/**
 * Uploads the package.
 * @throws {AccessError} when nothing may be written; then nothing is there.
 */
export async function uploadPackage(
  { host, azure }: BuildContext,
  places: StagingPlaces,
  packed: LocalPackage,
): Promise<void> {
  await uploadFile(azure, places.artifacts, packed.file, host.signal);
  host.log("info", `Uploaded to ${blobUrl(places.artifacts)}`);
}

/** Chooses the route of an uploaded package and says what the template needs to know of it. */
export async function planDelivery(
  context: BuildContext,
  places: StagingPlaces,
  artifacts: Artifacts,
  packed: LocalPackage,
  osType: OsType,
): Promise<StagedArtifact> {
  const { host } = context;
  const url = blobUrl(places.artifacts);
  const destination = artifacts.destination || defaultDestination(osType, artifacts.plan.name);
  host.log("info", `They are unpacked to ${destination}`);
  const delivery = { fileName: packed.fileName, sha256: packed.sha256, destination };
  if (!places.script) return { route: "file", url, ...delivery };
  const download = await chooseDownload(context, places.artifacts);
  const script = downloadScript(osType, delivery, download);
  return stageScript(context, places.script, packed.folder, script);
}

// A build of this length, and time for the queue before it and the first customizer in it.
const DEFAULT_BUILD_TIMEOUT_IN_MINUTES = 240;
const MARGIN_IN_MINUTES = 120;

/** The build VM's own identity where it has one; else a link that dies with the build. */
async function chooseDownload(
  { host, azure, inputs }: BuildContext,
  place: BlobPlace,
): Promise<Download> {
  const url = blobUrl(place);
  const [identityId] = inputs.buildVmIdentities;
  if (identityId !== undefined) {
    host.log("info", `The build VM downloads them as ${identityId}`);
    return { url, identityId };
  }
  const minutes = inputs.buildTimeoutInMinutes || DEFAULT_BUILD_TIMEOUT_IN_MINUTES;
  const lifeInMs = (minutes + MARGIN_IN_MINUTES) * 60_000;
  const expiresAt = new Date(azure.clock.now().getTime() + lifeInMs);
  const signature = await sign(host, () => signReading(azure, place, expiresAt, host.signal));
  host.log(
    "info",
    `The build VM downloads them by a link that expires at ${expiresAt.toISOString()}`,
  );
  return { url, signature };
}

async function sign(host: Host, act: () => Promise<string>): Promise<string> {
  try {
    const signature = await act();
    host.mask(signature);
    host.mask(new URLSearchParams(signature).get("sig") ?? signature);
    return signature;
  } catch (error) {
    if (!(error instanceof AccessError)) throw error;
    const { details } = error;
    const hint = `Grant whoever signs in the role Storage Blob Delegator on the staging account (a role on the container is not enough), or name an identity of the build VM in the input '${host.inputLabel("buildVmIdentities")}'.`;
    throw new AccessError(error.message, { details, hint, cause: error });
  }
}

async function stageScript(
  { host, azure }: BuildContext,
  place: BlobPlace,
  folder: string,
  script: string,
): Promise<StagedArtifact> {
  const file = path.join(folder, "script");
  // It may hold the signed link.
  await writeFile(file, script, { mode: 0o600 });
  await uploadFile(azure, place, file, host.signal);
  const scriptSha256 = createHash("sha256").update(script).digest("hex");
  return { route: "download", scriptUrl: blobUrl(place), scriptSha256 };
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
