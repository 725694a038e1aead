/** The staging storage account: puts packages there and takes them away, with Entra tokens only, never an account key. */
import { readFile } from "node:fs/promises";
import { BlobClient, BlobServiceClient, type StoragePipelineOptions } from "@azure/storage-blob";
import type { ArtifactPackage } from "../artifacts/archive.ts";
import type { AzureContext } from "./arm.ts";
import { translated } from "./failures.ts";
import { retrying, WRITE_LIMIT_IN_MS } from "./retry.ts";

/** Options for every blob client: no retries of its own. */
export function storageOptions({ userAgent }: AzureContext): StoragePipelineOptions {
  return {
    retryOptions: { maxTries: 1 },
    userAgentOptions: { userAgentPrefix: userAgent },
  };
}

// Slower than this, an upload is not worth waiting for: 64 KiB/s.
const SLOWEST_BYTES_PER_MS = 64;

/** Answers that mean "it is there already" or "it is gone already". */
const ALREADY_THERE = new Set(["ContainerAlreadyExists", "BlobAlreadyExists"]);
const ALREADY_GONE = new Set(["BlobNotFound", "ContainerNotFound"]);

/** Where a blob is, or will be. */
export interface BlobPlace {
  /** Blob endpoint of the account, without a slash at its end. */
  readonly endpoint: string;
  readonly containerName: string;
  readonly blobName: string;
}

/** The plain URL of a blob, without a signature. Names that this tool makes need no encoding. */
export function blobUrl({ endpoint, containerName, blobName }: BlobPlace): string {
  return `${endpoint}/${containerName}/${blobName}`;
}

/**
 * Uploads a package under a name that nobody else uses, and makes the container when it is missing.
 * @throws {AccessError | ArmError}
 */
export async function uploadPackage(
  azure: AzureContext,
  { endpoint, containerName, blobName }: BlobPlace,
  artifacts: ArtifactPackage,
  signal: AbortSignal,
): Promise<void> {
  const service = new BlobServiceClient(endpoint, azure.credential, storageOptions(azure));
  const container = service.getContainerClient(containerName);
  const blob = container.getBlockBlobClient(blobName);
  const bytes = await readFile(artifacts.file);
  await attempt(azure, { action: "prepare the staging container", signal }, async (abortSignal) => {
    // Asked first: a large upload into a missing container breaks the connection instead of telling why.
    if (await container.exists({ abortSignal })) return;
    await unless(ALREADY_THERE, () => container.create({ abortSignal }));
  });
  const limitInMs = WRITE_LIMIT_IN_MS + bytes.length / SLOWEST_BYTES_PER_MS;
  await attempt(
    azure,
    { action: "upload the artifacts", limitInMs, signal },
    async (abortSignal) => {
      // A repeated request whose first answer was lost finds its own blob, since nobody else has this name.
      await unless(ALREADY_THERE, () =>
        blob.upload(bytes, bytes.length, {
          abortSignal,
          conditions: { ifNoneMatch: "*" },
          metadata: { sha256: artifacts.sha256 },
        }),
      );
    },
  );
}

/** Deletes a blob by its URL; one that is gone already is fine. */
export async function deleteBlob(
  azure: AzureContext,
  url: string,
  signal: AbortSignal,
): Promise<void> {
  const blob = new BlobClient(url, azure.credential, storageOptions(azure));
  await attempt(azure, { action: "delete the staged artifacts", signal }, (abortSignal) =>
    unless(ALREADY_GONE, () => blob.delete({ abortSignal, deleteSnapshots: "include" })),
  );
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

async function unless(codes: ReadonlySet<string>, act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!codes.has(codeOf(error))) throw error;
  }
}

/** A blob call: what it is for, in the words of an error, and how long one try may take. */
interface BlobCall {
  readonly action: string;
  readonly signal: AbortSignal;
  readonly limitInMs?: number;
}

/** Runs a blob call with retries and translates its failure. */
export async function attempt<T>(
  { clock }: AzureContext,
  { action, ...options }: BlobCall,
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  try {
    return await retrying({ clock, ...options }, act);
  } catch (error) {
    throw options.signal.aborted ? options.signal.reason : translated(action, error);
  }
}
