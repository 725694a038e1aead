/**
 * The https port: ARM, the token authority, both OIDC endpoints and managed identity, told apart by path.
 *
 * Not emulated: storage accounts, identities, networks and role assignments cannot be made, galleries and images are not
 * changed by PATCH, and there are no policies, locks, quotas, private networking, or throttling other than by the fault plan.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import { type Answer, bearerToken, jsonAnswer, readBody } from "./answers.ts";
import type { ArmFront } from "./arm/front.ts";
import type { Certificates } from "./certificates.ts";
import type { Exchanges, Responder } from "./exchanges.ts";
import type { Surface } from "./faultRules.ts";
import {
  githubToken,
  type HostRequest,
  managedIdentityToken,
  pipelinesToken,
  type TokenSources,
} from "./oidc.ts";
import type { Recording } from "./recording.ts";

/** Paths outside ARM and Entra. */
export const PATHS = {
  github: "/oidc/github/token",
  pipelines: "/oidc/pipelines/token",
  managedIdentity: "/msi/token",
};

/** What stands behind the port. */
export interface ServerParts {
  arm: ArmFront;
  sources: TokenSources;
  exchanges: Exchanges;
  recording: Recording | undefined;
  /** Whether the scenario makes answers that the service's documents do not allow. */
  isUnlikeTheService: () => boolean;
}

/** A server that does not listen yet. The parts may be made later, but before the first request. */
export function makeServer(certificates: Certificates, parts: () => ServerParts): Server {
  const { certificate: cert, key } = certificates;
  return createServer({ cert, key }, (req, res) => {
    serve(req, res, parts).catch((error: unknown) => {
      // Either the client went away in the middle of its request, or the emulator has a defect.
      if (!req.destroyed || req.complete) console.error("emulator:", error);
      res.destroy();
    });
  });
}

async function serve(
  req: IncomingMessage,
  res: ServerResponse,
  given: () => ServerParts,
): Promise<void> {
  const parts = given();
  const surface = surfaceOf(req.url ?? "");
  const received = { body: "" };
  const responder: Responder = {
    receive: async () => {
      received.body = await readBody(req);
    },
    ...answersFor(surface, req, received, parts),
  };
  const done = await parts.exchanges.run(req, res, surface, responder);
  if (surface !== "arm" || !done.answer) return;
  parts.recording?.add({
    req,
    requestBody: received.body,
    answer: done.answer,
    origin: parts.sources.origin,
    isInjected: done.isInjected || parts.isUnlikeTheService(),
  });
}

function surfaceOf(url: string): Surface {
  const path = url.split("?")[0]?.replace(/\/{2,}/g, "/") ?? "";
  if (path.startsWith("/oidc/")) return "oidc";
  if (path.startsWith("/msi/")) return "msi";
  const isEntra = /\/(oauth2|\.well-known|discovery)\//i.test(path) && !path.startsWith("/subs");
  return isEntra ? "entra" : "arm";
}

/** @param received filled once the request is read */
function answersFor(
  surface: Surface,
  req: IncomingMessage,
  received: { body: string },
  { arm, sources }: ServerParts,
): Omit<Responder, "receive"> {
  if (surface === "arm") {
    return {
      answer: () => arm.answer(armCall(req, received.body)),
      errorBody: (status) => arm.injected(status),
    };
  }
  return {
    answer: async () => tokenAnswer(surface, req, received.body, sources),
    errorBody: (status) => jsonAnswer(status, { error: "temporarily_unavailable" }),
  };
}

function armCall(req: IncomingMessage, body: string) {
  const correlationId = req.headers["x-ms-correlation-request-id"];
  return {
    method: req.method ?? "GET",
    url: req.url ?? "/",
    bearer: bearerToken(req),
    body,
    correlationId: typeof correlationId === "string" ? correlationId : undefined,
  };
}

function tokenAnswer(
  surface: Surface,
  req: IncomingMessage,
  body: string,
  sources: TokenSources,
): Answer {
  const url = new URL(req.url ?? "/", sources.origin);
  const form = new URLSearchParams(body);
  const method = req.method ?? "GET";
  if (surface === "entra") return sources.entra.answer(method, url.pathname, form);
  const request: HostRequest = {
    method,
    query: url.searchParams,
    bearer: bearerToken(req),
    form,
    headers: req.headers,
  };
  if (url.pathname === PATHS.github) return githubToken(request, sources);
  if (url.pathname === PATHS.pipelines) return pipelinesToken(request, sources);
  if (url.pathname === PATHS.managedIdentity) return managedIdentityToken(request, sources);
  return jsonAnswer(404, { message: `The emulator has no ${method} ${url.pathname}.` });
}
