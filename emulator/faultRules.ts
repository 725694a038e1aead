/** What a fault rule can say, and the check of rules that come from outside. Pure. */
import { isObject, type JsonObject } from "./json.ts";

/** The parts of the emulated cloud, as rules and the request log name them. */
export const SURFACES = ["arm", "entra", "oidc", "msi", "blob"] as const;
/** One of the surfaces. */
export type Surface = (typeof SURFACES)[number];

/** How a connection goes on after a part of a message: orderly end (FIN), reset (RST), silence, or as if nothing were amiss. */
export type Ending = "fin" | "reset" | "hang" | "end";

/** `before`: nothing reaches the service. `after`: it does what it was asked, then the answer is lost. */
export type Moment = "before" | "after";

/** What to do to a request. Each rule has exactly one of these. */
export type Fault =
  /** Answered so, without the service. A `body` that is no text is sent as JSON. */
  | { status: number; headers?: Record<string, string>; body?: unknown }
  /** RST. */
  | { reset: Moment }
  /** FIN: an orderly end of the connection without an answer. */
  | { fin: Moment }
  /** By the emulated clock, before the service sees the request. */
  | { delayInMs: number }
  /** Silence. True is `before-headers`; `mid-body` sends the headers and half of the body. */
  | { hang: true | "before-headers" | "mid-body" }
  /** This share of the true answer's body, in percent; `end` gives it a length that fits, so it looks whole. */
  | { truncateAtPercent: number; ending?: Ending }
  /** Reads this share of the request's body, in percent, and never answers; the service gets nothing. */
  | { stopReadingAtPercent: number; ending?: Exclude<Ending, "end"> }
  /** The service gets the request twice, the client its second answer. */
  | { duplicate: true }
  /** The true answer under another content type. */
  | { contentType: string }
  /** The true answer in small pieces, at this speed by the emulated clock. */
  | { bytesPerSecond: number };

/** Which requests to hit, and how. */
export interface FaultRule {
  method?: string;
  /** Regular expression, without case, on the path without its query. */
  path: string;
  /** Regular expression on the query string. */
  query?: string;
  surface?: Surface;
  /** Only this matching request, counted from 1. */
  nth?: number;
  /**
   * The first matching request to hit, counted from 1.
   * @default 1
   */
  from?: number;
  /**
   * How many to hit.
   * @default 1; no end with `rate` or `window`
   */
  count?: number;
  /** Hits this share of the requests, from 0 to 1. */
  rate?: number;
  /**
   * The same seed hits the same requests.
   * @default 1
   */
  seed?: number;
  /** Emulated time since the rule was set. */
  window?: { afterInMs?: number; forInMs?: number };
  do: Fault;
}

type Check = (value: unknown) => boolean;

const isNumber: Check = (value) => typeof value === "number" && value >= 0;
const isPercent: Check = (value) => isNumber(value) && Number(value) <= 100;
const isOneOf =
  (...allowed: unknown[]): Check =>
  (value) =>
    allowed.includes(value);

const KINDS: Readonly<Record<string, Check>> = {
  status: (value) => Number.isInteger(value) && Number(value) >= 200 && Number(value) <= 599,
  reset: isOneOf("before", "after"),
  fin: isOneOf("before", "after"),
  delayInMs: isNumber,
  hang: isOneOf(true, "before-headers", "mid-body"),
  truncateAtPercent: isPercent,
  stopReadingAtPercent: isPercent,
  duplicate: isOneOf(true),
  contentType: (value) => typeof value === "string",
  bytesPerSecond: (value) => isNumber(value) && value !== 0,
};

const OPTIONS: Readonly<Record<string, Check>> = {
  method: (value) => typeof value === "string",
  path: isExpression,
  query: isExpression,
  surface: isOneOf(...SURFACES),
  nth: isNumber,
  from: isNumber,
  count: isNumber,
  rate: (value) => isNumber(value) && Number(value) <= 1,
  seed: isNumber,
  window: (value) => isObject(value) && Object.values(value).every(isNumber),
  do: isObject,
};

/** @throws {Error} when it is not a fault rule, with a sentence that says why */
export function parseFaultRules(value: unknown): FaultRule[] {
  const rules = Array.isArray(value) ? value : [value];
  for (const rule of rules) checkRule(rule);
  return rules as FaultRule[];
}

function checkRule(rule: unknown): void {
  if (!isObject(rule) || typeof rule["path"] !== "string" || !isObject(rule["do"])) {
    throw new Error('A fault rule is {"path": "regular expression", "do": {…}}.');
  }
  for (const [name, value] of Object.entries(rule)) {
    const check = OPTIONS[name];
    if (!check) {
      throw new Error(`A fault rule has no "${name}"; it has ${Object.keys(OPTIONS).join(", ")}.`);
    }
    if (!check(value)) throw new Error(`"${name}" of a fault rule cannot be ${asText(value)}.`);
  }
  checkFault(rule["do"]);
}

function checkFault(fault: JsonObject): void {
  const names = Object.keys(KINDS);
  const kinds = Object.keys(fault).filter((key) => names.includes(key));
  const [kind] = kinds;
  if (!kind || kinds.length !== 1) throw new Error(`"do" needs one of ${names.join(", ")}.`);
  if (!KINDS[kind]?.(fault[kind])) {
    throw new Error(`"${kind}" of a fault cannot be ${asText(fault[kind])}.`);
  }
  if (!["fin", "reset", "hang", "end", undefined].includes(fault["ending"] as string | undefined)) {
    throw new Error('"ending" is one of fin, reset, hang, end.');
  }
}

function isExpression(value: unknown): boolean {
  if (typeof value !== "string") return false;
  try {
    return Boolean(new RegExp(value));
  } catch {
    return false;
  }
}

function asText(value: unknown): string {
  return JSON.stringify(value) ?? "undefined";
}
