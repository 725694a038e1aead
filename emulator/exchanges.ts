/** One request on its way through the emulator: faults first, then the answer, then the request log. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Answer, send } from "./answers.ts";
import type { Clock } from "./clock.ts";
import { actOn, type Connections, type WireAnswer } from "./faultActions.ts";
import type { Fault, Surface } from "./faultRules.ts";
import type { FaultPlan } from "./faults.ts";

/** A signature of an operation URL or of a SAS, which belongs in no log. */
const SIGNATURES = /([?&](?:sig|s|c|h)=)[^&"\s]*/g;

/** An entry of the request log; `at` is by the emulated clock. */
export interface LoggedRequest {
  at: string;
  surface: Surface;
  method: string;
  path: string;
  /** 0 when the connection was broken instead of an answer. */
  status: number;
  injected?: true;
}

/** How to answer a request when no fault prevents it. */
export interface Responder {
  /** Reads the request; not called when a fault stops the reading. */
  receive: () => Promise<void>;
  /** What the service answers. Must not touch the response. */
  answer: () => Promise<Answer>;
  /** The body of an injected failure that names none. */
  errorBody: (status: number) => Answer;
}

/** What came of a request; status 0 is a broken connection. */
export interface Outcome {
  status: number;
  isInjected: boolean;
}

/** Applies faults and keeps the request log. */
export class Exchanges {
  readonly log: LoggedRequest[] = [];
  readonly connections: Connections;
  readonly #faults: FaultPlan;
  readonly #clock: Clock;

  constructor(deps: { faults: FaultPlan; clock: Clock; connections: Connections }) {
    this.connections = deps.connections;
    this.#faults = deps.faults;
    this.#clock = deps.clock;
  }

  /** The fault for a request, counted now. */
  fault(req: IncomingMessage, surface: Surface): Fault | undefined {
    const [path = "", query = ""] = (req.url ?? "").split("?", 2);
    return this.#faults.take({
      surface,
      method: req.method ?? "GET",
      path: path.replace(/\/{2,}/g, "/"),
      query,
    });
  }

  note(req: IncomingMessage, surface: Surface, outcome: Outcome): void {
    this.log.push({
      at: new Date(this.#clock.now()).toISOString(),
      surface,
      method: req.method ?? "GET",
      path: withoutSignatures(req.url ?? ""),
      status: outcome.status,
      ...(outcome.isInjected ? { injected: true } : {}),
    });
  }

  /** Answers a request, or does to it what its fault says. Resolves when that is done; for a hang, at once. */
  async run(
    req: IncomingMessage,
    res: ServerResponse,
    surface: Surface,
    responder: Responder,
  ): Promise<Outcome & { answer?: Answer }> {
    const fault = this.fault(req, surface);
    if (!fault || !("stopReadingAtPercent" in fault)) await responder.receive();
    const answer = fault ? await this.#act(fault, req, res, responder) : await responder.answer();
    if (!fault) send(res, answer);
    const done = { status: answer.status, isInjected: fault !== undefined };
    this.note(req, surface, done);
    return answer.status === 0 ? done : { ...done, answer };
  }

  async #act(
    fault: Fault,
    req: IncomingMessage,
    res: ServerResponse,
    responder: Responder,
  ): Promise<Answer> {
    const sent = await actOn(fault, {
      req,
      res,
      clock: this.#clock,
      connections: this.connections,
      answer: async () => wireAnswer(await responder.answer()),
      errorAnswer: (status) => wireAnswer(responder.errorBody(status)),
    });
    const headers = Object.entries(sent.headers).map(([name, value]) => [name, String(value)]);
    return {
      status: sent.status,
      headers: Object.fromEntries(headers),
      body: sent.body.toString("utf8"),
    };
  }
}

/** A text answer as the bytes that a fault can cut. */
export function wireAnswer({ status, headers, body }: Answer): WireAnswer {
  return { status, headers, body: Buffer.from(body ?? "") };
}

/** Replaces the values of signing parameters by dots, in a URL or a text of URLs. */
export function withoutSignatures(url: string): string {
  return url.replace(SIGNATURES, "$1...");
}
