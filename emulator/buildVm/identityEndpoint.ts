/**
 * The Instance Metadata Service's token endpoint, as a build VM sees it.
 * Source: learn.microsoft.com "How to use managed identities on a VM to acquire an access token", api-version 2018-02-01.
 */
import { createServer, type IncomingMessage, type Server } from "node:http";
import { type Answer, jsonAnswer, send } from "../answers.ts";
import { audienceOf, type Entra } from "../entra.ts";
import { isSameId } from "../resourceIds.ts";
import type { ResourceStore } from "../resourceStore.ts";

const TOKEN_PATH = "/metadata/identity/oauth2/token";
const TOKEN_LIFETIME_IN_S = 3600;

/** What it answers from. */
export interface IdentitySources {
  entra: Entra;
  resources: ResourceStore;
  now: () => number;
  origin: string;
}

/** @param identityIds the template's `vmProfile.userAssignedIdentities` */
export function makeIdentityEndpoint(
  sources: IdentitySources,
  identityIds: readonly string[],
): Server {
  return createServer((req, res) => send(res, answer(req, sources, identityIds)));
}

interface Identity {
  id: string;
  clientId: string;
  objectId: string;
}

function answer(req: IncomingMessage, sources: IdentitySources, ids: readonly string[]): Answer {
  const url = new URL(req.url ?? "/", "http://169.254.169.254");
  if (url.pathname.toLowerCase() !== TOKEN_PATH) return refusal(404, "not_found", "Not found");
  if (req.method !== "GET") return refusal(405, "method_not_allowed", "Method not allowed");
  if (String(req.headers["metadata"]).toLowerCase() !== "true") {
    return refusal(400, "bad_request_102", "Required metadata header not specified");
  }
  const resource = url.searchParams.get("resource");
  if (!url.searchParams.has("api-version") || !resource) {
    return refusal(
      400,
      "invalid_request",
      "Required query variables 'api-version' and 'resource' are missing",
    );
  }
  const identity = choose(url.searchParams, identitiesOf(sources.resources, ids));
  if (typeof identity === "string") return refusal(400, "invalid_request", identity);
  return token(sources, identity, resource);
}

function identitiesOf(resources: ResourceStore, ids: readonly string[]): Identity[] {
  return ids.map((id) => ({
    id,
    clientId: resources.property(id, "clientId"),
    objectId: resources.property(id, "principalId"),
  }));
}

/** The identity that the request means, or why there is none. */
function choose(query: URLSearchParams, identities: Identity[]): Identity | string {
  const clientId = query.get("client_id");
  const objectId = query.get("object_id") ?? query.get("principal_id");
  const resourceId = query.get("msi_res_id") ?? query.get("mi_res_id");
  const fitting = identities.filter(
    (identity) =>
      (!clientId || identity.clientId === clientId) &&
      (!objectId || identity.objectId === objectId) &&
      (!resourceId || isSameId(identity.id, resourceId)),
  );
  if (fitting.length > 1) {
    return "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request";
  }
  return fitting[0] ?? "Identity not found";
}

function token({ entra, origin, now }: IdentitySources, identity: Identity, resource: string) {
  const audience = audienceOf(resource, origin);
  if (!audience) {
    return refusal(
      400,
      "invalid_resource",
      `AADSTS500011: The resource principal named ${resource} was not found in the tenant.`,
    );
  }
  const nowInS = Math.floor(now() / 1000);
  return jsonAnswer(200, {
    access_token: entra.accessToken(identity, audience),
    client_id: identity.clientId,
    expires_in: String(TOKEN_LIFETIME_IN_S),
    expires_on: String(nowInS + TOKEN_LIFETIME_IN_S),
    ext_expires_in: String(TOKEN_LIFETIME_IN_S),
    not_before: String(nowInS),
    resource,
    token_type: "Bearer",
  });
}

function refusal(status: number, error: string, description: string): Answer {
  return jsonAnswer(status, { error, error_description: description });
}
