/** The fault plan: which requests go wrong, and how. Pure: it decides, the servers act. */
import { isObject } from "./json.ts";

/** The parts of the emulated cloud, as rules and the request log name them. */
export const SURFACES = ["arm", "entra", "oidc", "msi", "blob"] as const;
/** One of the surfaces. */
export type Surface = (typeof SURFACES)[number];

/** What to do to a request: answer it, break it, delay it, or leave it. */
export type Fault =
  | { status: number; headers?: Record<string, string>; body?: unknown }
  /** `after`: the service does what it was asked, then the connection breaks instead of the answer. */
  | { reset: "before" | "after" }
  | { delayInMs: number }
  | { hang: true };

/** Which requests to hit, and how. */
export interface FaultRule {
  method?: string;
  /** Regular expression, without case, on the path without its query. */
  path: string;
  /** Regular expression on the query string. */
  query?: string;
  surface?: Surface;
  /**
   * The first matching request to hit, counted from 1.
   * @default 1
   */
  from?: number;
  /**
   * How many to hit.
   * @default 1
   */
  count?: number;
  do: Fault;
}

/** What rules look at. */
export interface RequestFacts {
  surface: Surface;
  method: string;
  path: string;
  query: string;
}

interface PlannedRule {
  rule: FaultRule;
  path: RegExp;
  query: RegExp;
  matched: number;
}

/** Rules and how often each has matched. */
export class FaultPlan {
  #rules: PlannedRule[] = [];

  add(rules: readonly FaultRule[]): void {
    this.#rules.push(...rules.map(plan));
  }

  clear(): void {
    this.#rules = [];
  }

  /** The fault for this request, if any. Every matching rule counts it, the first one in its window hits it. */
  take(request: RequestFacts): Fault | undefined {
    const matching = this.#rules.filter((planned) => matches(planned, request));
    for (const planned of matching) planned.matched += 1;
    return matching.find(isInWindow)?.rule.do;
  }
}

/** @throws {Error} when it is not a fault rule, with a sentence that says why */
export function parseFaultRules(value: unknown): FaultRule[] {
  const rules = Array.isArray(value) ? value : [value];
  for (const rule of rules) {
    if (!isObject(rule) || typeof rule["path"] !== "string" || !isObject(rule["do"])) {
      throw new Error('A fault rule is {"path": "regular expression", "do": {…}}.');
    }
    const kinds = Object.keys(rule["do"]).filter((key) => FAULT_KINDS.includes(key));
    if (kinds.length !== 1) throw new Error(`"do" needs one of ${FAULT_KINDS.join(", ")}.`);
  }
  return rules as FaultRule[];
}

const FAULT_KINDS = ["status", "reset", "delayInMs", "hang"];

function plan(rule: FaultRule): PlannedRule {
  return {
    rule,
    path: new RegExp(rule.path, "i"),
    query: new RegExp(rule.query ?? "", "i"),
    matched: 0,
  };
}

function matches({ rule, path, query }: PlannedRule, request: RequestFacts): boolean {
  return (
    (rule.method ?? request.method).toUpperCase() === request.method.toUpperCase() &&
    (rule.surface ?? request.surface) === request.surface &&
    path.test(request.path) &&
    query.test(request.query)
  );
}

function isInWindow({ rule, matched }: PlannedRule): boolean {
  const from = rule.from ?? 1;
  return matched >= from && matched < from + (rule.count ?? 1);
}
