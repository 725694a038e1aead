/** The fault plan: which requests go wrong, and how. Pure: it decides, the servers act. */
import type { Fault, FaultRule, Surface } from "./faultRules.ts";

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
  setAtInMs: number;
  matched: number;
  hits: number;
  random: () => number;
}

/** How often a rule has matched and hit so far, for whoever wants to know whether it did its work. */
export interface FaultRuleState extends FaultRule {
  matched: number;
  hits: number;
}

/** Rules and how often each has matched. */
export class FaultPlan {
  #rules: PlannedRule[] = [];
  readonly #now: () => number;

  /** @param now the emulated clock in ms, which windows are measured on */
  constructor(now: () => number = () => 0) {
    this.#now = now;
  }

  add(rules: readonly FaultRule[]): void {
    this.#rules.push(...rules.map((rule) => plan(rule, this.#now())));
  }

  clear(): void {
    this.#rules = [];
  }

  list(): FaultRuleState[] {
    return this.#rules.map(({ rule, matched, hits }) => ({ ...rule, matched, hits }));
  }

  /** The fault for this request, if any. Every matching rule counts it, the first one whose turn it is hits it. */
  take(request: RequestFacts): Fault | undefined {
    const matching = this.#rules.filter((planned) => matches(planned, request));
    for (const planned of matching) planned.matched += 1;
    const hit = matching.find((planned) => this.#isItsTurn(planned));
    if (hit) hit.hits += 1;
    return hit?.rule.do;
  }

  #isItsTurn(planned: PlannedRule): boolean {
    return (
      isInCount(planned) &&
      isInWindow(planned, this.#now()) &&
      (planned.rule.rate === undefined || planned.random() < planned.rule.rate)
    );
  }
}

function plan(rule: FaultRule, now: number): PlannedRule {
  return {
    rule,
    path: new RegExp(rule.path, "i"),
    query: new RegExp(rule.query ?? "", "i"),
    setAtInMs: now,
    matched: 0,
    hits: 0,
    random: randomNumbers(rule.seed ?? 1),
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

function isInCount({ rule, matched }: PlannedRule): boolean {
  const from = rule.nth ?? rule.from ?? 1;
  const isOpenEnded = rule.rate !== undefined || rule.window !== undefined;
  const count = rule.nth ? 1 : (rule.count ?? (isOpenEnded ? Number.POSITIVE_INFINITY : 1));
  return matched >= from && matched < from + count;
}

function isInWindow({ rule, setAtInMs }: PlannedRule, now: number): boolean {
  if (!rule.window) return true;
  const elapsedInMs = now - setAtInMs;
  const { afterInMs = 0, forInMs = Number.POSITIVE_INFINITY } = rule.window;
  return elapsedInMs >= afterInMs && elapsedInMs < afterInMs + forInMs;
}

/** Mulberry32: the same seed makes the same faults at the same requests, so a failure can be repeated. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
