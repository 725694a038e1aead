/** Reading inputs one by one, each mistake in the same words, all mistakes together. */
import { type InputDeclaration, type InputName, inputs } from "./contract.ts";
import { InputError } from "./errors.ts";
import type { Host } from "./host.ts";
import { parseResourceId, type ResourceId } from "./resourceId.ts";

/** One of the options that the contract lists for an input. */
export type Choice<Name extends InputName> = (typeof inputs)[Name] extends {
  options: readonly (infer Option)[];
}
  ? Option
  : never;

/**
 * Runs every reader and collects what they complain about.
 * @throws {InputError} holding the problems of all of them; any other error as it is.
 */
export async function collectAll<T extends Record<string, () => unknown>>(
  readers: T,
): Promise<{ [Name in keyof T]: Awaited<ReturnType<T[Name]>> }> {
  const values: Record<string, unknown> = {};
  const read = async ([name, reader]: [string, () => unknown]): Promise<readonly string[]> => {
    try {
      values[name] = await reader();
      return [];
    } catch (error) {
      if (error instanceof InputError) return error.problems;
      throw error;
    }
  };
  const problems = (await Promise.all(Object.entries(readers).map(read))).flat();
  if (problems.length > 0) throw new InputError(problems);
  return values as { [Name in keyof T]: Awaited<ReturnType<T[Name]>> };
}

/** A mistake in one input, in the words that every such message has. */
export function wrongInput(label: string, value: string, expected: string): InputError {
  const safe = withoutSecrets(value);
  const shown = safe.length > 120 ? `${safe.slice(0, 120)}…` : safe;
  return new InputError([
    value === ""
      ? `Input '${label}' is missing; expected ${expected}.`
      : `Input '${label}' is "${shown}"; expected ${expected}.`,
  ]);
}

/** A value as a message may show it: signatures, account keys and passwords have been pasted into inputs before. */
function withoutSecrets(value: string): string {
  return value
    .replace(/\?.*$/s, "?…")
    .replace(/\b(\w*(?:key|signature|secret|password|token)\s*=)[^;&\s]*/gi, "$1…")
    .replace(/\/\/[^/@\s]*@/g, "//…@");
}

/** Reads inputs of one host one by one; each reader throws an InputError of its own. */
export class Form {
  readonly host: Host;

  constructor(host: Host) {
    this.host = host;
  }

  text(name: InputName): string {
    const declaration: InputDeclaration = inputs[name];
    return this.host.readInput(name) || (declaration.default ?? "");
  }

  wrong(name: InputName, expected: string, value = this.text(name)): InputError {
    return wrongInput(this.host.inputLabel(name), value, expected);
  }

  match(name: InputName, pattern: RegExp, expected: string): string {
    const text = this.text(name);
    if (!pattern.test(text)) throw this.wrong(name, expected);
    return text;
  }

  optionalMatch(name: InputName, pattern: RegExp, expected: string): string {
    return this.text(name) === "" ? "" : this.match(name, pattern, expected);
  }

  id(name: InputName, type: string): ResourceId {
    const id = parseResourceId(this.text(name), type);
    if (!id) throw this.wrong(name, idForm(type));
    return id;
  }

  /** Zero when not given. */
  integer(name: InputName, from: number, to: number): number {
    const text = this.text(name) || "0";
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < from || value > to) {
      throw this.wrong(name, `a whole number from ${from} to ${to}`);
    }
    return value;
  }

  choice<Name extends InputName>(name: Name): Choice<Name> {
    const options = (inputs[name] as InputDeclaration).options ?? [];
    const found = options.find((option) => option === this.text(name).toLowerCase());
    if (found === undefined) throw this.wrong(name, `one of ${options.join(", ")}`);
    return found as Choice<Name>;
  }
}

const GUID = [
  /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
  "an id such as 11111111-2222-3333-4444-555555555555",
] as const;

/** Sign-in settings of the hosts without service connections. */
export interface ApplicationSignIn {
  readonly clientId: string;
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly resourceManagerEndpoint: string;
  readonly resourceManagerEndpointLabel: string;
}

/**
 * Reads which application signs in, of which tenant, for which subscription, in which cloud.
 * @throws {InputError}
 */
export async function applicationSignIn(host: Host): Promise<ApplicationSignIn> {
  const form = new Form(host);
  const ids = await collectAll({
    clientId: () => form.match("clientId", ...GUID),
    tenantId: () => form.match("tenantId", ...GUID),
    subscriptionId: () => form.match("subscriptionId", ...GUID),
  });
  return {
    ...ids,
    resourceManagerEndpoint: form.text("resourceManagerEndpoint"),
    resourceManagerEndpointLabel: host.inputLabel("resourceManagerEndpoint"),
  };
}

/** What an id of a resource type looks like, for messages. */
export function idForm(type: string): string {
  const [provider, ...collections] = type.split("/");
  const tail = collections.map((collection) => `/${collection}/<name>`).join("");
  return `/subscriptions/<id>/resourceGroups/<name>/providers/${provider}${tail}`;
}
