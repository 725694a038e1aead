/** Azure Resource Manager as plain JSON over HTTP: nothing that a template says is dropped by a serializer. */
import {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createHttpHeaders,
  createPipelineFromOptions,
  createPipelineRequest,
  type HttpClient,
  type HttpMethods,
  type PipelineRequest,
} from "@azure/core-rest-pipeline";
import { version } from "../../package.json";
import type { Clock } from "../clock.ts";
import type { Credential, Host } from "../host.ts";
import type { Cloud } from "./cloud.ts";
import { translated } from "./failures.ts";
import { readJson } from "./json.ts";
import { retrying, WRITE_LIMIT_IN_MS } from "./retry.ts";

/** What every Azure client of the product is made with. */
export interface AzureContext {
  readonly cloud: Cloud;
  readonly credential: Credential;
  readonly httpClient: HttpClient;
  readonly clock: Clock;
  readonly userAgent: string;
}

/** One request to Azure Resource Manager. */
export interface ArmRequest {
  readonly method: HttpMethods;
  /** Resource id, plus an action such as `/run`. */
  readonly path: string;
  readonly apiVersion: string;
  readonly body?: unknown;
  /** What this is for, in the words of an error: `create the image template`. */
  readonly action: string;
  readonly signal: AbortSignal;
}

/** Sends a request and gives its parsed body; see `createArmClient` for what it throws. */
export type ArmClient = <Body>(request: ArmRequest) => Promise<Body>;

/** Names this tool, its version and the host, for Azure's logs. */
export function userAgent(host: Host): string {
  return `azure-vm-image-builder/${version} (${host.name})`;
}

/** The runtime's HTTP client with one debug line per call. */
export function createHttpClient(host: Host): HttpClient {
  const inner = createDefaultHttpClient();
  return {
    async sendRequest(request) {
      // Without its query: signatures of operation URLs live there.
      const name = `${request.method} ${request.url.replace(/\?.*$/s, "")}`;
      try {
        const response = await inner.sendRequest(request);
        const id = response.headers.get("x-ms-correlation-request-id") ?? "";
        host.log("debug", `${name} ${response.status} ${id}`);
        return response;
      } catch (error) {
        host.log("debug", `${name} failed: ${error instanceof Error ? error.message : error}`);
        throw error;
      }
    },
  };
}

/** Options that every SDK client of Azure Resource Manager gets: no retries and no redirects of its own. */
export function sdkOptions({ httpClient, userAgent }: AzureContext) {
  return {
    httpClient,
    retryOptions: { maxRetries: 0 },
    redirectOptions: { maxRetries: 0 },
    userAgentOptions: { userAgentPrefix: userAgent },
  };
}

/**
 * A client that sends one request and gives its parsed body (undefined when empty). A POST is sent once only, since
 * a lost answer of `run` may mean that the run started; everything else is repeated when that can help.
 * It throws AccessError at 401 and 403, ArmError at any other refusal, and ArmError with status 0 without an answer.
 */
export function createArmClient(azure: AzureContext): ArmClient {
  const pipeline = createPipelineFromOptions(sdkOptions(azure));
  const { credential, cloud, clock } = azure;
  const scopes = cloud.resourceManagerScope;
  pipeline.addPolicy(bearerTokenAuthenticationPolicy({ credential, scopes }), { phase: "Sign" });

  return async <Body>({ signal, action, ...request }: ArmRequest) => {
    const options = {
      clock,
      signal,
      ...(request.method !== "GET" && { limitInMs: WRITE_LIMIT_IN_MS }),
      ...(request.method === "POST" && { maxTries: 1 }),
    };
    try {
      return await retrying(options, async (abortSignal) => {
        const wire = toWire(cloud, { ...request, abortSignal });
        return readJson<Body>(wire, await pipeline.sendRequest(azure.httpClient, wire));
      });
    } catch (error) {
      throw signal.aborted ? signal.reason : translated(action, error);
    }
  };
}

function toWire(
  cloud: Cloud,
  request: Omit<ArmRequest, "signal" | "action"> & { abortSignal: AbortSignal },
): PipelineRequest {
  const { method, path, apiVersion, body, abortSignal } = request;
  const hasBody = body !== undefined;
  return createPipelineRequest({
    url: `${cloud.resourceManagerEndpoint}${path}?api-version=${apiVersion}`,
    method,
    headers: createHttpHeaders({
      accept: "application/json",
      ...(hasBody && { "content-type": "application/json" }),
    }),
    abortSignal,
    ...(hasBody && { body: JSON.stringify(body) }),
  });
}
