/** The OIDC endpoints of both CI hosts, and the machine's managed identity endpoint. */
import { type Answer, jsonAnswer } from "./answers.ts";
import { audienceOf, type Entra, FEDERATION_AUDIENCE } from "./entra.ts";
import type { Seeds } from "./seeds.ts";
import type { Tokens } from "./tokens.ts";

const MINUTE_IN_MS = 60_000;

/** A token request of a CI host or a machine. */
export interface HostRequest {
  method: string;
  query: URLSearchParams;
  bearer: string | undefined;
  form: URLSearchParams;
  headers: NodeJS.Dict<string | string[]>;
}

/** Where tokens come from. */
export interface TokenSources {
  seeds: Seeds;
  tokens: Tokens;
  entra: Entra;
  origin: string;
}

/** GitHub: `GET <url>&audience=…` answers `{"value"}`, a token that lives 5 minutes. */
export function githubToken(request: HostRequest, { seeds, tokens }: TokenSources): Answer {
  if (request.bearer !== seeds.githubToken) {
    return jsonAnswer(401, { message: "The bearer token is not valid for this job." });
  }
  const value = tokens.issue(
    {
      iss: "https://token.actions.githubusercontent.com",
      sub: "repo:contoso/web-server:ref:refs/heads/main",
      aud: request.query.get("audience") ?? "https://github.com/contoso",
      repository: "contoso/web-server",
      ref: "refs/heads/main",
    },
    5 * MINUTE_IN_MS,
  );
  return jsonAnswer(200, { count: value.length, value });
}

/**
 * Azure Pipelines: `POST <url>?api-version=7.1&serviceConnectionId=…` answers `{"oidcToken"}`, which lives 10 minutes.
 * A wrong job token gets a sign-in page with status 203, as from the service. The connection of all f has a
 * subject that no federated credential names.
 */
export function pipelinesToken(request: HostRequest, { seeds, tokens }: TokenSources): Answer {
  if (request.bearer !== seeds.pipelinesToken) {
    return {
      status: 203,
      headers: { "Content-Type": "text/html; charset=utf-8" },
      body: "<!DOCTYPE html><html><head><title>Azure DevOps Services | Sign In</title></head><body></body></html>",
    };
  }
  const connection = request.query.get("serviceConnectionId");
  if (request.method !== "POST" || !connection) {
    return jsonAnswer(400, { message: "Send a POST with serviceConnectionId." });
  }
  const oidcToken = tokens.issue(
    {
      iss: "https://vstoken.dev.azure.com/contoso",
      sub: `sc://contoso/web-server/${connection}`,
      aud: FEDERATION_AUDIENCE,
    },
    10 * MINUTE_IN_MS,
  );
  return jsonAnswer(200, { oidcToken });
}

/** Managed identity in the App Service form, both generations: header `secret`, or `X-IDENTITY-HEADER`. */
export function managedIdentityToken(request: HostRequest, sources: TokenSources): Answer {
  const { seeds, entra, origin } = sources;
  const field = (name: string) => request.query.get(name) ?? request.form.get(name) ?? "";
  const isLocal = ["secret", "x-identity-header", "metadata"].some((name) => request.headers[name]);
  if (!isLocal)
    return jsonAnswer(400, {
      error: "invalid_request",
      error_description: "A required header is missing.",
    });
  const audience = audienceOf(field("resource"), origin);
  if (!audience) {
    return jsonAnswer(400, {
      error: "invalid_resource",
      error_description: `AADSTS500011: The resource principal named ${field("resource")} was not found in the tenant.`,
    });
  }
  const isTemplateIdentity = (field("client_id") || field("clientid")) === seeds.identityClientId;
  const principal = isTemplateIdentity
    ? { clientId: seeds.identityClientId, objectId: seeds.identityPrincipalId }
    : { clientId: seeds.clientId, objectId: seeds.principalObjectId };
  const accessToken = entra.accessToken(principal, audience);
  const payload = JSON.parse(
    Buffer.from(accessToken.split(".")[1] ?? "", "base64url").toString("utf8"),
  ) as { exp: number };
  return jsonAnswer(200, {
    access_token: accessToken,
    expires_on: String(payload.exp),
    resource: field("resource"),
    token_type: "Bearer",
    client_id: principal.clientId,
  });
}
