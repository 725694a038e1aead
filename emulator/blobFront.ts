/** The blob endpoint: checks our tokens and roles, applies faults, then passes the request on to Azurite. */

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import { createServer, request as httpsRequest, type Server } from "node:https";
import { type Answer, bearerToken, send } from "./answers.ts";
import type { Certificates } from "./certificates.ts";
import type { Cloud } from "./cloud.ts";
import { type Exchanges, type Outcome, wireAnswer } from "./exchanges.ts";
import { actOn, type WireAnswer } from "./faultActions.ts";
import type { Fault } from "./faultRules.ts";
import { stringOf } from "./json.ts";
import { azuriteToken, type Tokens } from "./tokens.ts";

/** What stands behind the blob endpoint. */
export interface BlobFrontParts {
  cloud: Cloud;
  tokens: Tokens;
  exchanges: Exchanges;
  azuritePort: number;
  certificates: Certificates;
}

/** A server that does not listen yet. The parts may be made later, but before the first request. */
export function makeBlobFront(certificates: Certificates, parts: () => BlobFrontParts): Server {
  const { certificate: cert, key } = certificates;
  return createServer({ cert, key }, (req, res) => {
    // A client that goes away in the middle of an upload is its own business.
    serve(req, res, parts).catch(() => res.destroy());
  });
}

async function serve(
  req: IncomingMessage,
  res: ServerResponse,
  given: () => BlobFrontParts,
): Promise<void> {
  const parts = given();
  const fault = parts.exchanges.fault(req, "blob");
  const outcome = await act(fault, req, res, parts);
  parts.exchanges.note(req, "blob", { ...outcome, isInjected: fault !== undefined });
}

async function act(
  fault: Fault | undefined,
  req: IncomingMessage,
  res: ServerResponse,
  parts: BlobFrontParts,
): Promise<Pick<Outcome, "status">> {
  if (fault && !("delayInMs" in fault)) return actFaulty(fault, req, res, parts);
  if (fault) await parts.cloud.clock.sleep(fault.delayInMs);
  const refusal = refusalFor(req, parts);
  if (!refusal) return pass(req, res, parts);
  req.resume();
  send(res, refusal);
  return { status: refusal.status };
}

/** A blob whose request or answer is to be broken is held whole in memory; all others are streamed. */
async function actFaulty(
  fault: Fault,
  req: IncomingMessage,
  res: ServerResponse,
  parts: BlobFrontParts,
): Promise<Pick<Outcome, "status">> {
  let content: Promise<Buffer> | undefined;
  return actOn(fault, {
    req,
    res,
    clock: parts.cloud.clock,
    connections: parts.exchanges.connections,
    answer: async () => {
      content ??= contentOf(req);
      const refusal = refusalFor(req, parts);
      return refusal ? wireAnswer(refusal) : forward(req, await content, parts);
    },
    errorAnswer: (status) => {
      const message = "The server failed as it was told to.";
      return wireAnswer(blobError(status, "ServerBusy", message));
    },
  });
}

async function contentOf(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function forward(
  req: IncomingMessage,
  content: Buffer,
  parts: BlobFrontParts,
): Promise<WireAnswer> {
  const call = callAzurite(req, parts);
  const [response] = (await once(call.end(content), "response")) as [IncomingMessage];
  const body = await contentOf(response);
  return { status: response.statusCode ?? 0, headers: response.headers, body };
}

/** Why the request may not reach the blobs, in the storage service's words; undefined when it may. */
function refusalFor(req: IncomingMessage, { cloud, tokens }: BlobFrontParts): Answer | undefined {
  const bearer = bearerToken(req);
  if (!bearer) {
    const isSigned = new URL(req.url ?? "/", "https://localhost").searchParams.has("sig");
    return isSigned ? undefined : unauthenticated(cloud);
  }
  const verdict = tokens.check(bearer);
  const audience = stringOf(verdict.claims["aud"]);
  const isForStorage = audience === "https://storage.azure.com" || audience.includes(".blob.");
  if (!verdict.valid || !isForStorage) {
    const detail = verdict.valid
      ? `Audience ${audience} is not valid.`
      : "Lifetime or signature validation failed.";
    return blobError(
      401,
      "InvalidAuthenticationInfo",
      `Server failed to authenticate the request. ${detail}`,
    );
  }
  return mayAccess(req, cloud, stringOf(verdict.claims["oid"]))
    ? undefined
    : blobError(
        403,
        "AuthorizationPermissionMismatch",
        "This request is not authorized to perform this operation using this permission.",
      );
}

function mayAccess(req: IncomingMessage, { roles, seeds }: Cloud, objectId: string): boolean {
  const account = (req.url ?? "").split("/")[1]?.split("?")[0];
  const isRead = req.method === "GET" || req.method === "HEAD";
  const isPipeline = objectId === seeds.principalObjectId;
  // An action of its own: the key signs for whatever its holder may do.
  if (/[?&]comp=userdelegationkey(&|$)/i.test(req.url ?? "")) {
    return isPipeline && roles.has("Storage Blob Delegator");
  }
  if (account === seeds.storageAccount) {
    return isPipeline
      ? roles.has("Storage Blob Data Contributor")
      : isRead && roles.has("Storage Blob Data Reader");
  }
  return isPipeline ? isRead && roles.has("Log Reader") : isRead;
}

function unauthenticated({ seeds }: Cloud): Answer {
  const answer = blobError(
    401,
    "NoAuthenticationInformation",
    "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
  );
  answer.headers["WWW-Authenticate"] =
    `Bearer authorization_uri=https://login.microsoftonline.com/${seeds.tenantId}/oauth2/authorize resource_id=https://storage.azure.com`;
  return answer;
}

function blobError(status: number, code: string, message: string): Answer {
  const requestId = randomUUID();
  return {
    status,
    headers: {
      "Content-Type": "application/xml",
      "x-ms-error-code": code,
      "x-ms-request-id": requestId,
    },
    body: `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${message}\nRequestId:${requestId}</Message></Error>`,
  };
}

function callAzurite(req: IncomingMessage, parts: BlobFrontParts): ClientRequest {
  const { seeds } = parts.cloud;
  const headers = { ...req.headers };
  if (bearerToken(req)) {
    headers.authorization = `Bearer ${azuriteToken(seeds.tenantId, seeds.principalObjectId)}`;
  }
  return httpsRequest({
    host: "127.0.0.1",
    port: parts.azuritePort,
    method: req.method,
    path: req.url,
    headers,
    ca: parts.certificates.ca,
  });
}

function pass(
  req: IncomingMessage,
  res: ServerResponse,
  parts: BlobFrontParts,
): Promise<Pick<Outcome, "status">> {
  return new Promise((resolve, reject) => {
    const call = callAzurite(req, parts);
    call.once("error", reject);
    req.once("close", () => {
      if (!req.complete) call.destroy(new Error("The client went away."));
    });
    call.once("response", (response) => {
      const status = response.statusCode ?? 0;
      res.writeHead(status, response.headers);
      response.pipe(res);
      response.once("error", () => res.destroy());
      resolve({ status });
    });
    req.pipe(call);
  });
}
