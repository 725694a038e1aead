/** Which cloud: where its services are and what tokens they take. */
import {
  createHttpHeaders,
  createPipelineRequest,
  type HttpClient,
} from "@azure/core-rest-pipeline";
import type { Clock } from "../clock.ts";
import { wrongInput } from "../form.ts";
import type { SignInCloud } from "../host.ts";
import { translated } from "./failures.ts";
import { readJson } from "./json.ts";
import { isTransientFailure, retrying } from "./retry.ts";

/** Where a cloud's services are and what tokens they take; URLs without a slash at their end. */
export interface Cloud extends SignInCloud {
  /** Azure Resource Manager's URL, without a slash at its end. */
  readonly resourceManagerEndpoint: string;
  /** Token scope of Azure Resource Manager. */
  readonly resourceManagerScope: string;
  /** What follows `<account>.blob.` in a blob endpoint. */
  readonly storageSuffix: string;
}

const PUBLIC_AUDIENCE = "api://AzureADTokenExchange";

// Source: AzureAuthorityHosts of @azure/identity; audiences of workload identity federation per cloud.
const WELL_KNOWN: readonly Cloud[] = [
  wellKnown("management.azure.com", "login.microsoftonline.com", "core.windows.net", ""),
  wellKnown(
    "management.usgovcloudapi.net",
    "login.microsoftonline.us",
    "core.usgovcloudapi.net",
    "USGov",
  ),
  wellKnown(
    "management.chinacloudapi.cn",
    "login.chinacloudapi.cn",
    "core.chinacloudapi.cn",
    "China",
  ),
];

function wellKnown(manager: string, authority: string, storage: string, audience: string): Cloud {
  return {
    resourceManagerEndpoint: `https://${manager}`,
    resourceManagerScope: `https://${manager}/.default`,
    authorityHost: `https://${authority}`,
    federationAudience: PUBLIC_AUDIENCE + audience,
    storageSuffix: storage,
    isWellKnown: true,
  };
}

/** Which cloud to find, and by which means. */
export interface CloudSearch {
  /** Resource Manager URL that the user gave, and how the user calls that setting. */
  readonly endpoint: string;
  readonly label: string;
  readonly httpClient: HttpClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Finds a cloud by its Resource Manager URL. A cloud that is not in the table is asked for its endpoints.
 * @throws {InputError} when nothing at that URL answers as Azure Resource Manager does.
 */
export async function findCloud(search: CloudSearch): Promise<Cloud> {
  const { endpoint, label, signal } = search;
  const url = endpoint.replace(/\/+$/, "");
  const known = WELL_KNOWN.find((cloud) => cloud.resourceManagerEndpoint === url.toLowerCase());
  if (known) return known;
  if (!URL.canParse(url) || new URL(url).protocol !== "https:") {
    throw wrongInput(label, endpoint, "an https URL such as https://management.azure.com/");
  }
  try {
    return await retrying(search, (abortSignal) =>
      askForEndpoints(url, { ...search, signal: abortSignal }),
    );
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (isTransientFailure(error)) throw translated(`find the endpoints of "${endpoint}"`, error);
    const reason = error instanceof Error ? error.message : String(error);
    throw wrongInput(
      label,
      endpoint,
      `the URL of Azure Resource Manager in some cloud (${reason})`,
    );
  }
}

/** Part of one entry of `GET /metadata/endpoints?api-version=2022-09-01`. */
interface EndpointMetadata {
  readonly resourceManager?: string;
  readonly authentication: { readonly loginEndpoint: string; readonly audiences: string[] };
  readonly suffixes?: { readonly storage?: string };
}

async function askForEndpoints(url: string, { httpClient, signal }: CloudSearch): Promise<Cloud> {
  const request = createPipelineRequest({
    url: `${url}/metadata/endpoints?api-version=2022-09-01`,
    headers: createHttpHeaders({ accept: "application/json" }),
    abortSignal: signal,
  });
  const response = await httpClient.sendRequest(request);
  const answer = readJson<EndpointMetadata | EndpointMetadata[]>(request, response);
  const entries = [answer].flat();
  const isOurs = (entry: EndpointMetadata): boolean =>
    entry.resourceManager?.startsWith(url) ?? false;
  const metadata = entries.find(isOurs) ?? entries[0];
  const audience = metadata?.authentication?.audiences?.[0];
  if (!metadata || !audience) throw new Error("No endpoints in the answer.");
  return {
    resourceManagerEndpoint: url,
    resourceManagerScope: `${audience.replace(/\/+$/, "")}/.default`,
    authorityHost: metadata.authentication.loginEndpoint.replace(/\/+$/, ""),
    federationAudience: PUBLIC_AUDIENCE,
    storageSuffix: metadata.suffixes?.storage ?? "core.windows.net",
    isWellKnown: false,
  };
}
