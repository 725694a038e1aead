/** Which handler answers which ARM path. Paths and ids are compared without case. */
import type { Answer } from "../answers.ts";
import type { Principal } from "../entra.ts";

/** A request that found its route. */
export interface ArmRequest {
  method: string;
  /** Without query, slashes collapsed. */
  path: string;
  params: Readonly<Record<string, string>>;
  /** Without regard to case, `%24` read as `$`. */
  query: ReadonlyMap<string, string>;
  apiVersion: string;
  /** Parsed JSON; undefined without a body. */
  body: unknown;
  principal: Principal;
}

/** One method on one path pattern. */
export interface Route {
  method: string;
  /** Segments; `{name}` matches any one. */
  pattern: string;
  /** Answered without a token. */
  isAnonymous?: boolean;
  handle: (request: ArmRequest) => Answer | Promise<Answer>;
}

/** A route and the values of its `{name}` segments. */
export interface RouteMatch {
  route: Route;
  params: Record<string, string>;
}

/** The first route that fits, or undefined. */
export function findRoute(
  routes: readonly Route[],
  method: string,
  path: string,
): RouteMatch | undefined {
  for (const route of routes) {
    if (route.method !== method) continue;
    const params = matchPath(route.pattern, path);
    if (params) return { route, params };
  }
  return undefined;
}

function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = segmentsOf(pattern);
  const given = segmentsOf(path);
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, segment] of wanted.entries()) {
    const value = given[index] ?? "";
    if (segment.startsWith("{")) params[segment.slice(1, -1)] = decodeURIComponent(value);
    else if (segment.toLowerCase() !== value.toLowerCase()) return undefined;
  }
  return params;
}

function segmentsOf(path: string): string[] {
  return path.split("/").filter((segment) => segment !== "");
}

/** An answer straight from a resource provider: indented by one space. Source: recorded exchanges. */
export function resourceAnswer(
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): Answer {
  return {
    status,
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(value, null, 1),
  };
}

/** An answer of headers alone. */
export function emptyAnswer(status: number, headers: Record<string, string> = {}): Answer {
  return { status, headers };
}
