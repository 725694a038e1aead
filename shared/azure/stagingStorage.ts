/** The staging storage account: puts packages there and takes them away, with Entra tokens only, never an account key. */
import { stat } from "node:fs/promises";
import {
  BlobClient,
  BlobSASPermissions,
  BlobServiceClient,
  generateBlobSASQueryParameters,
  SASProtocol,
  type StoragePipelineOptions,
} from "@azure/storage-blob";
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

// Large files travel in blocks of this size, some of them at a time.
const BLOCK_SIZE_IN_BYTES = 8 * 1024 * 1024;
const CONCURRENT_BLOCKS = 4;

/**
 * Uploads a file under a name that nobody else uses, and makes the container when it is missing.
 * @throws {AccessError | ArmError}
 */
export async function uploadFile(
  azure: AzureContext,
  { endpoint, containerName, blobName }: BlobPlace,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const service = new BlobServiceClient(endpoint, azure.credential, storageOptions(azure));
  const container = service.getContainerClient(containerName);
  const blob = container.getBlockBlobClient(blobName);
  const { size } = await stat(file);
  await attempt(azure, { action: "prepare the staging container", signal }, async (abortSignal) => {
    // Asked first: a large upload into a missing container breaks the connection instead of telling why.
    if (await container.exists({ abortSignal })) return;
    await unless(ALREADY_THERE, () => container.create({ abortSignal }));
  });
  const limitInMs = WRITE_LIMIT_IN_MS + size / SLOWEST_BYTES_PER_MS;
  await attempt(
    azure,
    { action: "upload the artifacts", limitInMs, signal },
    async (abortSignal) => {
      // A repeated request whose first answer was lost finds its own blob, since nobody else has this name.
      await unless(ALREADY_THERE, () =>
        blob.uploadFile(file, {
          abortSignal,
          blockSize: BLOCK_SIZE_IN_BYTES,
          maxSingleShotSize: BLOCK_SIZE_IN_BYTES,
          concurrency: CONCURRENT_BLOCKS,
          conditions: { ifNoneMatch: "*" },
        }),
      );
    },
  );
}

// Clocks differ; Microsoft advises a start a quarter of an hour back.
const SKEW_IN_MS = 15 * 60_000;

/**
 * A link that reads one blob over https until a moment, signed with a key of whoever is signed in.
 * @returns the query that goes behind the blob's URL. It is a secret.
 * @throws {AccessError} without the right to get such a key.
 */
export async function signReading(
  azure: AzureContext,
  { endpoint, containerName, blobName }: BlobPlace,
  expiresOn: Date,
  signal: AbortSignal,
): Promise<string> {
  const service = new BlobServiceClient(endpoint, azure.credential, storageOptions(azure));
  const startsOn = new Date(azure.clock.now().getTime() - SKEW_IN_MS);
  const action = "get a key that signs the link to the artifacts";
  const key = await attempt(azure, { action, signal }, (abortSignal) =>
    service.getUserDelegationKey(startsOn, expiresOn, { abortSignal }),
  );
  const permissions = BlobSASPermissions.parse("r");
  const protocol = SASProtocol.Https;
  const scope = { containerName, blobName, permissions, protocol, startsOn, expiresOn };
  return generateBlobSASQueryParameters(scope, key, service.accountName).toString();
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
