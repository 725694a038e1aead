/** The token authority: client credentials with a secret or a client assertion. */
import { randomUUID } from "node:crypto";
import { type Answer, jsonAnswer } from "./answers.ts";
import type { Clock } from "./clock.ts";
import { stringOf } from "./json.ts";
import type { Seeds } from "./seeds.ts";
import type { Tokens } from "./tokens.ts";

/** The audience that client assertions must have in the public cloud. */
export const FEDERATION_AUDIENCE = "api://AzureADTokenExchange";
const ACCESS_TOKEN_LIFETIME_IN_S = 3600;

/** Issuers and subjects that the principal's federated credentials name. */
export const FEDERATED_SUBJECTS: Record<string, RegExp> = {
  "https://token.actions.githubusercontent.com": /^repo:contoso\/web-server:/,
  "https://vstoken.dev.azure.com/contoso": /^sc:\/\/contoso\/web-server\/(?!f{8}-)/,
};

/** Who a token is for. */
export interface Principal {
  clientId: string;
  objectId: string;
}

/** Resources that tokens are issued for, by the origin of the requested scope. */
export function audienceOf(scope: string, armOrigin: string): string | undefined {
  const resource = scope.replace(/\/\.default$/, "").replace(/\/+$/, "");
  const known = [
    armOrigin,
    "https://management.azure.com",
    "https://management.core.windows.net",
    "https://storage.azure.com",
  ];
  const isAccount = /^https:\/\/[a-z0-9]{3,24}\.blob\.core\.windows\.net$/.test(resource);
  return known.includes(resource) || isAccount ? resource : undefined;
}

/** Knows one tenant and in it one application. */
export class Entra {
  readonly #seeds: Seeds;
  readonly #tokens: Tokens;
  readonly #clock: Clock;
  readonly #origin: string;

  constructor(deps: { seeds: Seeds; tokens: Tokens; clock: Clock; origin: string }) {
    this.#seeds = deps.seeds;
    this.#tokens = deps.tokens;
    this.#clock = deps.clock;
    this.#origin = deps.origin;
  }

  /** An access token for a principal, valid for 60 minutes of the emulated clock. */
  accessToken(principal: Principal, audience: string): string {
    const { tenantId } = this.#seeds;
    return this.#tokens.issue({
      aud: audience,
      iss: `https://sts.windows.net/${tenantId}/`,
      appid: principal.clientId,
      oid: principal.objectId,
      sub: principal.objectId,
      tid: tenantId,
      idtyp: "app",
      ver: "1.0",
    });
  }

  answer(method: string, path: string, form: URLSearchParams): Answer {
    if (/\/openid-configuration$/i.test(path)) return jsonAnswer(200, this.#configuration());
    if (/\/discovery\/instance$/i.test(path)) return jsonAnswer(200, this.#instances());
    if (/\/discovery\/(v2\.0\/)?keys$/i.test(path)) return jsonAnswer(200, { keys: [] });
    if (method === "POST" && /\/oauth2\/(v2\.0\/)?token$/i.test(path)) return this.#token(form);
    return this.#refusal(404, "invalid_request", 90002, `The emulator has no ${method} ${path}.`);
  }

  #configuration() {
    const base = `${this.#origin}/${this.#seeds.tenantId}`;
    return {
      token_endpoint: `${base}/oauth2/v2.0/token`,
      token_endpoint_auth_methods_supported: ["client_secret_post", "private_key_jwt"],
      jwks_uri: `${base}/discovery/v2.0/keys`,
      response_modes_supported: ["query", "fragment", "form_post"],
      subject_types_supported: ["pairwise"],
      id_token_signing_alg_values_supported: ["RS256"],
      response_types_supported: ["code", "id_token", "token"],
      scopes_supported: ["openid", "profile", "email", "offline_access"],
      issuer: `${base}/v2.0`,
      authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
      device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
      tenant_region_scope: "EU",
      cloud_instance_name: "localhost",
    };
  }

  #instances() {
    const { host } = new URL(this.#origin);
    return {
      tenant_discovery_endpoint: `${this.#origin}/${this.#seeds.tenantId}/v2.0/.well-known/openid-configuration`,
      "api-version": "1.1",
      metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
    };
  }

  #token(form: URLSearchParams): Answer {
    if (form.get("grant_type") !== "client_credentials") {
      return this.#refusal(
        400,
        "unsupported_grant_type",
        70003,
        "The grant type is not supported.",
      );
    }
    if (form.get("client_id") !== this.#seeds.clientId) {
      const message = `Application with identifier '${form.get("client_id")}' was not found in the directory 'Contoso'. This can happen if the application has not been installed by the administrator of the tenant.`;
      return this.#refusal(400, "unauthorized_client", 700016, message);
    }
    const refusal = form.has("client_assertion")
      ? this.#checkAssertion(form.get("client_assertion") ?? "")
      : this.#checkSecret(form.get("client_secret"));
    return refusal ?? this.#grant(form.get("scope") ?? form.get("resource") ?? "");
  }

  #grant(scope: string): Answer {
    const resource = scope.split(" ").find((part) => part.startsWith("https://")) ?? scope;
    const audience = audienceOf(resource, this.#origin);
    if (!audience) {
      const message = `The resource principal named ${resource} was not found in the tenant named Contoso.`;
      return this.#refusal(400, "invalid_resource", 500011, message);
    }
    const { clientId, principalObjectId } = this.#seeds;
    return jsonAnswer(200, {
      token_type: "Bearer",
      expires_in: ACCESS_TOKEN_LIFETIME_IN_S,
      ext_expires_in: ACCESS_TOKEN_LIFETIME_IN_S,
      access_token: this.accessToken({ clientId, objectId: principalObjectId }, audience),
    });
  }

  #checkSecret(secret: string | null): Answer | undefined {
    if (secret === this.#seeds.clientSecret) return undefined;
    const message = `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${this.#seeds.clientId}'.`;
    return this.#refusal(401, "invalid_client", 7000215, message);
  }

  #checkAssertion(assertion: string): Answer | undefined {
    const verdict = this.#tokens.check(assertion);
    const { claims } = verdict;
    const refuse = (code: number, message: string) =>
      this.#refusal(401, "invalid_client", code, message);
    if (!verdict.valid && verdict.reason === "malformed") {
      return refuse(50027, "JWT token is invalid or malformed.");
    }
    if (!verdict.valid) {
      const message = `Client assertion is not within its valid time range. Current time: ${this.#timestamp()}, expiry time of assertion ${new Date(Number(claims["exp"]) * 1000).toISOString()}.`;
      return refuse(700024, message);
    }
    if (claims["aud"] !== FEDERATION_AUDIENCE) {
      const message = `No matching federated identity record found for presented assertion audience '${claims["aud"]}'. Please note that the matching is done using a case-sensitive comparison.`;
      return refuse(700212, message);
    }
    const subjects = FEDERATED_SUBJECTS[stringOf(claims["iss"])];
    if (subjects?.test(stringOf(claims["sub"]))) return undefined;
    const message = `No matching federated identity record found for presented assertion subject '${claims["sub"]}'. Please note that the matching is done using a case-sensitive comparison.`;
    return refuse(700213, message);
  }

  #timestamp(): string {
    return `${new Date(this.#clock.now()).toISOString().slice(0, 19).replace("T", " ")}Z`;
  }

  #refusal(status: number, error: string, code: number, message: string): Answer {
    const [traceId, correlationId] = [randomUUID(), randomUUID()];
    const timestamp = this.#timestamp();
    return jsonAnswer(status, {
      error,
      error_description: `AADSTS${code}: ${message} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`,
      error_codes: [code],
      timestamp,
      trace_id: traceId,
      correlation_id: correlationId,
      error_uri: `${this.#origin}/error?code=${code}`,
    });
  }
}
