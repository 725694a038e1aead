/** The ARM front door: token, api-version, routing, errors and the headers every answer has. */
import { randomUUID } from "node:crypto";
import type { Answer } from "../answers.ts";
import {
  ArmError,
  authenticationFailed,
  invalidApiVersion,
  invalidRequestContent,
  missingApiVersion,
  notEmulated,
  subscriptionNotFound,
} from "../armErrors.ts";
import type { Cloud } from "../cloud.ts";
import { audienceOf, type Principal } from "../entra.ts";
import { stringOf } from "../json.ts";
import type { Tokens } from "../tokens.ts";
import { findRoute, type Route, resourceAnswer } from "./routes.ts";

/** One request to ARM, freed from its connection. */
export interface ArmCall {
  method: string;
  /** As sent: path and query. */
  url: string;
  bearer: string | undefined;
  body: string;
  correlationId: string | undefined;
}

/** What the front door needs behind it. */
export interface ArmFrontOptions {
  cloud: Cloud;
  tokens: Tokens;
  routes: readonly Route[];
  origin: string;
}

// Later api-versions put errors inside "error". Source: image-builder-troubleshoot.md.
const LAST_BARE_ERRORS = "2020-02-14";

/** Answers every ARM request, refusals included. */
export class ArmFront {
  readonly #options: ArmFrontOptions;

  constructor(options: ArmFrontOptions) {
    this.#options = options;
  }

  async answer(call: ArmCall): Promise<Answer> {
    const url = new URL(call.url.replace(/\/{2,}/g, "/"), this.#options.origin);
    const query = new Map([...url.searchParams].map(([key, value]) => [key.toLowerCase(), value]));
    const apiVersion = query.get("api-version") ?? "";
    try {
      const answer = await this.#handle(call, url.pathname, query, apiVersion);
      return this.#withCommonHeaders(answer, call);
    } catch (error) {
      if (!(error instanceof ArmError)) throw error;
      return this.#withCommonHeaders(errorAnswer(error, url.pathname, apiVersion), call);
    }
  }

  /** The answer for a failure that a fault plan asks for without saying what it looks like. */
  injected(status: number): Answer {
    const error = new ArmError(
      status,
      "InternalServerError",
      "The server failed as it was told to.",
    );
    return errorAnswer(error, "", "");
  }

  async #handle(
    call: ArmCall,
    path: string,
    query: ReadonlyMap<string, string>,
    apiVersion: string,
  ): Promise<Answer> {
    const match = findRoute(this.#options.routes, call.method, path);
    if (match?.route.isAnonymous !== true) this.#checkToken(call.bearer);
    if (!match) throw notEmulated(call.method, path);
    checkApiVersion(apiVersion);
    this.#checkSubscription(match.params["subscription"]);
    return match.route.handle({
      method: call.method,
      path,
      params: match.params,
      query,
      apiVersion,
      body: parseBody(call.body),
      principal: this.#principalOf(call.bearer),
    });
  }

  #checkToken(bearer: string | undefined): void {
    const { tokens, origin, cloud } = this.#options;
    const authority = `${origin}/${cloud.seeds.tenantId}`;
    const refuse = (message: string) => authenticationFailed(message, authority);
    if (!bearer) throw refuse("Authentication failed. The 'Authorization' header is missing.");
    const verdict = tokens.check(bearer);
    if (!verdict.valid && verdict.reason === "expired") {
      throw refuse("The access token has expired.");
    }
    if (!verdict.valid) throw refuse("Authentication failed. The access token is invalid.");
    const audience = stringOf(verdict.claims["aud"]);
    const isForArm = audienceOf(audience, origin) && !/storage|\.blob\./.test(audience);
    if (!isForArm) throw refuse(`The access token is for the wrong audience '${audience}'.`);
  }

  #principalOf(bearer: string | undefined): Principal {
    const claims = bearer ? this.#options.tokens.check(bearer).claims : {};
    return { clientId: stringOf(claims["appid"]), objectId: stringOf(claims["oid"]) };
  }

  #checkSubscription(id: string | undefined): void {
    const ours = this.#options.cloud.seeds.subscriptionId;
    if (id !== undefined && id.toLowerCase() !== ours) throw subscriptionNotFound(id);
  }

  #withCommonHeaders(answer: Answer, call: ArmCall): Answer {
    const requestId = randomUUID();
    const correlationId = call.correlationId ?? randomUUID();
    const now = new Date(this.#options.cloud.clock.now());
    const compactTime = now.toISOString().replace(/[-:]|\.\d+/g, "");
    return {
      ...answer,
      headers: {
        "Cache-Control": "no-cache",
        Pragma: "no-cache",
        Expires: "-1",
        Date: now.toUTCString(),
        "x-ms-request-id": requestId,
        "x-ms-correlation-request-id": correlationId,
        "x-ms-routing-request-id": `WESTEUROPE:${compactTime}:${correlationId}`,
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        ...rateLimit(call.method),
        ...answer.headers,
      },
    };
  }
}

function checkApiVersion(version: string): void {
  if (!version) throw missingApiVersion();
  if (!/^\d{4}-\d{2}-\d{2}(-preview)?$/.test(version)) throw invalidApiVersion(version);
}

function parseBody(text: string): unknown {
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidRequestContent(String(error));
  }
}

function errorAnswer(error: ArmError, path: string, apiVersion: string): Answer {
  const isBare = /\/imageTemplates(\/|$)/i.test(path) && apiVersion === LAST_BARE_ERRORS;
  const body = isBare ? error.body : { error: error.body };
  return resourceAnswer(error.status, body, error.headers);
}

function rateLimit(method: string): Record<string, string> {
  const [bucket, left] =
    method === "GET" || method === "HEAD"
      ? ["reads", 249]
      : method === "DELETE"
        ? ["deletes", 199]
        : ["writes", 199];
  return { [`x-ms-ratelimit-remaining-subscription-${bucket}`]: String(left) };
}
