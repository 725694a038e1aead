/** Reads the resources around an image template: its resource group and the staging storage account. No writes. */
import { AccessError, isNotFound } from "../errors.ts";
import type { StagingAccount } from "../inputs.ts";
import { regionName, resourceId } from "../resourceId.ts";
import type { ArmClient } from "./arm.ts";
import type { Cloud } from "./cloud.ts";

const RESOURCES_API_VERSION = "2025-04-01";
const IDENTITY_API_VERSION = "2024-11-30";
const STORAGE_API_VERSION = "2024-01-01";

/** True when there certainly is no such identity; false when it may not be read. */
export async function isMissingIdentity(
  arm: ArmClient,
  id: string,
  signal: AbortSignal,
): Promise<boolean> {
  const action = "read the managed identity";
  try {
    await arm({ method: "GET", path: id, apiVersion: IDENTITY_API_VERSION, action, signal });
    return false;
  } catch (error) {
    if (isNotFound(error)) return true;
    if (error instanceof AccessError) return false;
    throw error;
  }
}

/** Part of a storage account as `GET` returns it. */
export interface StorageAccount {
  readonly id: string;
  readonly properties?: { readonly primaryEndpoints?: { readonly blob?: string } };
}

/** The group's region, without spaces and in lower case; undefined when there is no such group. */
export async function resourceGroupLocation(
  arm: ArmClient,
  id: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const group = await arm<{ location: string }>({
      method: "GET",
      path: id,
      apiVersion: RESOURCES_API_VERSION,
      action: `read the resource group "${id.split("/").at(-1)}"`,
      signal,
    });
    return regionName(group.location);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * The blob endpoint of the staging account, without a slash at its end: as given, as the account says, or composed
 * from its name where the account may not be read. Undefined when there is no such account.
 */
export async function blobEndpoint(
  arm: ArmClient,
  cloud: Cloud,
  account: StagingAccount,
  group: { subscriptionId: string; resourceGroupName: string },
  signal: AbortSignal,
): Promise<string | undefined> {
  if (account.kind === "endpoint") return account.url;
  const { subscriptionId, resourceGroupName } = account.kind === "id" ? account.id : group;
  const name = account.kind === "id" ? (account.id.names[0] ?? "") : account.name;
  const path = `Microsoft.Storage/storageAccounts/${name}`;
  try {
    const found = await arm<StorageAccount>({
      method: "GET",
      path: resourceId(subscriptionId, resourceGroupName, path),
      apiVersion: STORAGE_API_VERSION,
      action: `read the storage account "${name}"`,
      signal,
    });
    const endpoint = found.properties?.primaryEndpoints?.blob;
    if (endpoint) return endpoint.replace(/\/+$/, "");
  } catch (error) {
    if (isNotFound(error)) return undefined;
    if (!(error instanceof AccessError)) throw error;
  }
  return `https://${name}.blob.${cloud.storageSuffix}`;
}

/** Storage accounts of a resource group. */
export async function storageAccounts(
  arm: ArmClient,
  groupId: string,
  signal: AbortSignal,
): Promise<readonly StorageAccount[]> {
  const list = await arm<{ value: readonly StorageAccount[] }>({
    method: "GET",
    path: `${groupId}/providers/Microsoft.Storage/storageAccounts`,
    apiVersion: STORAGE_API_VERSION,
    action: "find the build log",
    signal,
  });
  return list.value;
}
