/** Plain HTTP answers, and reading request bodies. */
import type { IncomingMessage, ServerResponse } from "node:http";

const LARGEST_BODY_IN_BYTES = 8 * 1024 * 1024;

/** What goes back to a client, whole. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  /** Absent for an answer without a body. */
  body?: string;
}

/** Compact JSON with a charset, as front ends write lists. */
export function jsonAnswer(
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): Answer {
  return {
    status,
    headers: { "Content-Type": "application/json; charset=utf-8", ...headers },
    body: JSON.stringify(value),
  };
}

/** Writes an answer and ends the response. */
export function send(res: ServerResponse, answer: Answer): void {
  const body = answer.body ?? "";
  // A 204 must carry neither a body nor its length.
  const length = answer.status === 204 ? {} : { "Content-Length": String(Buffer.byteLength(body)) };
  res.writeHead(answer.status, { ...answer.headers, ...length });
  res.end(body);
}

/** @throws {Error} when the body is larger than anything the service takes */
export async function readBody(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeInBytes = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    sizeInBytes += chunk.length;
    if (sizeInBytes > LARGEST_BODY_IN_BYTES) throw new Error("The request body is too large.");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** The token of an `Authorization: Bearer` header, or undefined. */
export function bearerToken(req: IncomingMessage): string | undefined {
  return /^Bearer +(\S+)$/i.exec(req.headers.authorization ?? "")?.[1];
}
