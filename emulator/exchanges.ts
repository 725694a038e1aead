/** One request on its way through the emulator: faults first, then the answer, then the request log. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Answer, send } from "./answers.ts";
import type { Clock } from "./clock.ts";
import type { Fault, FaultPlan, Surface } from "./faults.ts";

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
  readonly #faults: FaultPlan;
  readonly #clock: Clock;

  constructor(faults: FaultPlan, clock: Clock) {
    this.#faults = faults;
    this.#clock = clock;
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

  /** Answers a request, or what its fault makes of it. Resolves when that is done; for a hang, at once. */
  async run(
    req: IncomingMessage,
    res: ServerResponse,
    surface: Surface,
    responder: Responder,
  ): Promise<Outcome & { answer?: Answer }> {
    const fault = this.fault(req, surface);
    const done = await this.#act(fault, res, responder);
    this.note(req, surface, done);
    return done;
  }

  async #act(
    fault: Fault | undefined,
    res: ServerResponse,
    responder: Responder,
  ): Promise<Outcome & { answer?: Answer }> {
    if (fault && "hang" in fault) return { status: 0, isInjected: true };
    if (fault && "reset" in fault && fault.reset === "before") {
      res.socket?.destroy();
      return { status: 0, isInjected: true };
    }
    if (fault && "delayInMs" in fault) await this.#clock.sleep(fault.delayInMs);
    const answer =
      fault && "status" in fault ? injectedAnswer(fault, responder) : await responder.answer();
    if (fault && "reset" in fault) res.socket?.destroy();
    else send(res, answer);
    return { status: answer.status, isInjected: fault !== undefined, answer };
  }
}

/** Replaces the values of signing parameters by dots, in a URL or a text of URLs. */
export function withoutSignatures(url: string): string {
  return url.replace(SIGNATURES, "$1...");
}

function injectedAnswer(
  fault: { status: number; headers?: Record<string, string>; body?: unknown },
  responder: Responder,
): Answer {
  const usual = responder.errorBody(fault.status);
  const headers = { ...usual.headers, ...fault.headers };
  if (fault.body === undefined) return { ...usual, headers };
  const body = typeof fault.body === "string" ? fault.body : JSON.stringify(fault.body);
  return { status: fault.status, headers, body };
}
