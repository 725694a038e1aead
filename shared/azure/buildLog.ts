/** Finds and reads `customization.log`, which the service keeps in the template's stagingResourceGroup. */
import { ContainerClient } from "@azure/storage-blob";
import type { ArmClient, AzureContext } from "./arm.ts";
import { storageAccounts } from "./resources.ts";
import { attempt, storageOptions } from "./stagingStorage.ts";

// Source: image-builder-troubleshoot: container packerlogs, one folder per build.
const LOG_CONTAINER = "packerlogs";
const LOG_FILE = "customization.log";

/**
 * The newest build log of a template.
 * @param stagingResourceGroupId `exactStagingResourceGroup` of the template.
 * @returns undefined when there is none yet.
 * @throws {AccessError | ArmError} where the sign-in may not read it.
 */
export async function readBuildLog(
  azure: AzureContext,
  arm: ArmClient,
  stagingResourceGroupId: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const [account] = await storageAccounts(arm, stagingResourceGroupId, signal);
  const endpoint = account?.properties?.primaryEndpoints?.blob?.replace(/\/+$/, "");
  if (!endpoint) return undefined;
  const url = `${endpoint}/${LOG_CONTAINER}`;
  const container = new ContainerClient(url, azure.credential, storageOptions(azure));
  return attempt(azure, { action: "read the build log", signal }, async (abortSignal) => {
    const name = await newestLog(container, abortSignal);
    if (name === undefined) return undefined;
    const log = container.getBlobClient(name);
    return (await log.downloadToBuffer(0, undefined, { abortSignal })).toString("utf8");
  });
}

async function newestLog(
  container: ContainerClient,
  abortSignal: AbortSignal,
): Promise<string | undefined> {
  let newest: { name: string; at: Date } | undefined;
  for await (const blob of container.listBlobsFlat({ abortSignal })) {
    const at = blob.properties.lastModified;
    if (blob.name.endsWith(LOG_FILE) && (!newest || at > newest.at))
      newest = { name: blob.name, at };
  }
  return newest?.name;
}
