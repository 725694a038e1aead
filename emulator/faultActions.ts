/** Does to a connection what a fault says. Knows neither ARM nor blobs: both servers hand it the true answer. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Server, Socket } from "node:net";
import type { Clock } from "./clock.ts";
import type { Ending, Fault } from "./faultRules.ts";

/** An answer as it would go over the wire. */
export interface WireAnswer {
  status: number;
  headers: OutgoingHttpHeaders;
  body: Buffer;
}

/** A request that has a fault, and what would have been answered without it. */
export interface FaultyExchange {
  req: IncomingMessage;
  res: ServerResponse;
  clock: Clock;
  connections: Connections;
  /** Reads the request and has it answered; may be called twice. */
  answer: () => Promise<WireAnswer>;
  /** What an injected failure looks like that says nothing of itself. */
  errorAnswer: (status: number) => WireAnswer;
}

/** What came of a request that nobody answered. */
const NO_ANSWER: WireAnswer = { status: 0, headers: {}, body: Buffer.alloc(0) };

/**
 * Resolves when all that will be sent is sent, with the answer that was made of the request whether or not the
 * client got it whole; status 0 is none.
 */
export async function actOn(fault: Fault, exchange: FaultyExchange): Promise<WireAnswer> {
  if ("status" in fault) return sendWhole(exchange, injectedAnswer(fault, exchange));
  if ("stopReadingAtPercent" in fault) return stopReading(fault, exchange);
  if ("hang" in fault && fault.hang !== "mid-body") return NO_ANSWER;
  if ("reset" in fault && fault.reset === "before") return end(exchange, "reset");
  if ("fin" in fault && fault.fin === "before") return end(exchange, "fin");
  if ("delayInMs" in fault) await exchange.clock.sleep(fault.delayInMs);
  return breakAnswer(fault, exchange, await exchange.answer());
}

async function breakAnswer(
  fault: Fault,
  exchange: FaultyExchange,
  answer: WireAnswer,
): Promise<WireAnswer> {
  // The service did its work, so the log shows what it answered.
  if ("reset" in fault) return end(exchange, "reset", answer);
  if ("fin" in fault) return end(exchange, "fin", answer);
  if ("hang" in fault) return sendPart(exchange, answer, 50, "hang");
  if ("truncateAtPercent" in fault) {
    return sendPart(exchange, answer, fault.truncateAtPercent, fault.ending ?? "fin");
  }
  if ("duplicate" in fault) return sendWhole(exchange, await exchange.answer());
  if ("bytesPerSecond" in fault) return sendSlowly(exchange, answer, fault.bytesPerSecond);
  if (!("contentType" in fault)) return sendWhole(exchange, answer);
  const headers = { ...withoutHeader(answer.headers, "content-type") };
  return sendWhole(exchange, {
    ...answer,
    headers: { ...headers, "Content-Type": fault.contentType },
  });
}

function sendWhole({ res }: FaultyExchange, answer: WireAnswer): WireAnswer {
  writeHead(res, answer, answer.body.length);
  res.end(answer.body);
  return answer;
}

async function sendPart(
  exchange: FaultyExchange,
  answer: WireAnswer,
  percent: number,
  ending: Ending,
): Promise<WireAnswer> {
  const part = answer.body.subarray(0, Math.floor((answer.body.length * percent) / 100));
  const { res } = exchange;
  writeHead(res, answer, ending === "end" ? part.length : answer.body.length);
  if (ending === "end") {
    res.end(part);
    return answer;
  }
  res.flushHeaders();
  await written(res, part);
  return ending === "hang" ? answer : end(exchange, ending, answer);
}

const PIECES_PER_SECOND = 4;

async function sendSlowly(
  { res, clock }: FaultyExchange,
  answer: WireAnswer,
  bytesPerSecond: number,
): Promise<WireAnswer> {
  const size = Math.max(1, Math.floor(bytesPerSecond / PIECES_PER_SECOND));
  writeHead(res, answer, answer.body.length);
  for (let at = 0; at < answer.body.length && !res.destroyed; at += size) {
    await written(res, answer.body.subarray(at, at + size));
    await clock.sleep((1000 * size) / bytesPerSecond);
  }
  res.end();
  return answer;
}

async function stopReading(
  fault: { stopReadingAtPercent: number; ending?: Ending },
  exchange: FaultyExchange,
): Promise<WireAnswer> {
  const { req } = exchange;
  const total = Number(req.headers["content-length"] ?? 0);
  await readBytes(req, Math.floor((total * fault.stopReadingAtPercent) / 100));
  return end(exchange, fault.ending ?? "hang");
}

/** Stops the stream after so many bytes, at the next chunk. */
function readBytes(req: IncomingMessage, wantedInBytes: number): Promise<void> {
  if (wantedInBytes === 0) return Promise.resolve();
  return new Promise((resolve) => {
    let readInBytes = 0;
    const done = () => {
      req.off("data", read);
      req.pause();
      resolve();
    };
    const read = (chunk: Buffer) => {
      readInBytes += chunk.length;
      if (readInBytes >= wantedInBytes) done();
    };
    req.on("data", read);
    req.once("end", done);
    req.once("close", done);
  });
}

function end({ req, connections }: FaultyExchange, how: Ending, made = NO_ANSWER): WireAnswer {
  if (how === "reset") connections.reset(req.socket);
  else if (how === "fin") req.socket.end();
  return made;
}

function writeHead(res: ServerResponse, { status, headers }: WireAnswer, length: number): void {
  // A 204 must carry neither a body nor its length.
  const sized = status === 204 ? {} : { "Content-Length": String(length) };
  const others = withoutHeader(withoutHeader(headers, "content-length"), "transfer-encoding");
  res.writeHead(status, { ...others, ...sized });
}

function withoutHeader(headers: OutgoingHttpHeaders, name: string): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([key]) => key.toLowerCase() !== name));
}

function written(res: ServerResponse, chunk: Buffer): Promise<void> {
  return new Promise((resolve) => res.write(chunk, () => resolve()));
}

function injectedAnswer(
  fault: { status: number; headers?: Record<string, string>; body?: unknown },
  { errorAnswer }: FaultyExchange,
): WireAnswer {
  const usual = errorAnswer(fault.status);
  const answer = { ...usual, headers: { ...usual.headers, ...fault.headers } };
  if (fault.body === undefined) return answer;
  const body = typeof fault.body === "string" ? fault.body : JSON.stringify(fault.body);
  return { ...answer, body: Buffer.from(body) };
}

/** The TCP connections below a TLS server: only they can be reset. */
export class Connections {
  readonly #byRemotePort = new Map<number, Socket>();

  watch(server: Server): void {
    server.on("connection", (socket: Socket) => {
      const port = socket.remotePort ?? 0;
      this.#byRemotePort.set(port, socket);
      socket.once("close", () => this.#byRemotePort.delete(port));
    });
  }

  /** @param socket the TLS side of a watched connection */
  reset(socket: Socket): void {
    const raw = this.#byRemotePort.get(socket.remotePort ?? 0);
    if (raw) raw.resetAndDestroy();
    socket.destroy();
  }
}
