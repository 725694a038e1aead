/** Reads JSON by the tables of fields: what an api-version knows is kept, the rest refused or dropped. Pure. */
import { badValue, missingField, unknownField } from "./armErrors.ts";
import { isObject, type JsonObject, stringOf } from "./json.ts";
import { type Fields, TABLES, UNIONS, type Union } from "./templateFields.ts";

/** From this api-version on unknown fields and wrong case are refused. Source: image-builder-api-update-release-notes.md, May 2024. */
const STRICT_SINCE = "2024-02-01";

/** Form of the names of image templates, run outputs and triggers. Source: imagebuilder.json, api-version 2025-10-01. */
export const NAME = /^[A-Za-z0-9-_.]{1,64}$/;

interface Place {
  path: string;
  apiVersion: string;
}

interface Field {
  kind: string;
  isRequired: boolean;
  since: string;
}

/**
 * The known fields of an object, without those that the service sets.
 * @param table its name, which begins the paths in messages
 * @throws {ArmError} 400 in the service's words for the first thing wrong
 */
export function keepKnownFields(value: JsonObject, table: string, apiVersion: string): JsonObject {
  return keepFields(value, TABLES[table] ?? {}, { path: table, apiVersion });
}

/** What an answer under an api-version shows: fields that are newer are left out, unknown ones stay. */
export function visibleFields(value: JsonObject, table: string, apiVersion: string): JsonObject {
  return showFields(value, TABLES[table] ?? {}, apiVersion);
}

function fieldOf(text: string): Field {
  const [kind = "", since = ""] = text.split(" since ");
  return { kind: kind.replace("!", ""), isRequired: kind.startsWith("!"), since };
}

function fieldsAt(fields: Fields, apiVersion: string): Array<[string, Field]> {
  return Object.entries(fields)
    .map(([name, text]): [string, Field] => [name, fieldOf(text)])
    .filter(([, { since }]) => since <= apiVersion);
}

function isStrict({ apiVersion }: Place): boolean {
  return apiVersion >= STRICT_SINCE;
}

function keepFields(value: JsonObject, fields: Fields, place: Place): JsonObject {
  const known = fieldsAt(fields, place.apiVersion);
  const given = isStrict(place) ? value : inKnownCase(value, known);
  const unknown = Object.keys(given).find((name) => !known.some(([other]) => other === name));
  if (unknown !== undefined && isStrict(place)) {
    throw unknownField(place.path, unknown, place.apiVersion);
  }
  const kept: JsonObject = {};
  for (const [name, field] of known) {
    const item = given[name];
    const isMissing = item === undefined || item === null || item === "";
    if (field.isRequired && isMissing) throw missingField(place.path, name);
    if (field.kind === "readOnly" || item === undefined || item === null) continue;
    kept[name] = keepValue(item, field.kind, name, place);
  }
  return kept;
}

/** Earlier api-versions were forgiving about case. */
function inKnownCase(value: JsonObject, known: ReadonlyArray<[string, Field]>): JsonObject {
  const names = new Map(known.map(([name]) => [name.toLowerCase(), name]));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [names.get(name.toLowerCase()) ?? name, item]),
  );
}

function keepValue(value: unknown, kind: string, name: string, place: Place): unknown {
  if (kind.endsWith("[]")) return keepItems(value, kind.slice(0, -2), name, place);
  const inside = { ...place, path: `${place.path}.${name}` };
  const union = UNIONS[kind];
  const table = TABLES[kind];
  if (union || table) {
    if (!isObject(value)) throw badValue(place.path, name, value);
    return union ? keepChoice(value, union, inside) : keepFields(value, table ?? {}, inside);
  }
  const kept = plainValue(value, kind, place);
  if (kept === undefined) throw badValue(place.path, name, value);
  return kept;
}

function keepItems(value: unknown, kind: string, name: string, place: Place): unknown[] {
  if (!Array.isArray(value)) throw badValue(place.path, name, value);
  return value.map((item, index) => keepValue(item, kind, `${name}[${index}]`, place));
}

function keepChoice(value: JsonObject, union: Union, place: Place): JsonObject {
  const by = isStrict(place)
    ? union.by
    : (Object.keys(value).find((name) => name.toLowerCase() === union.by) ?? union.by);
  if (value[by] === undefined) throw missingField(place.path, union.by);
  const known = Object.keys(union.of).filter((choice) => {
    const { since } = fieldOf(union.of[choice]?.[union.by] ?? "");
    return since <= place.apiVersion;
  });
  const choice = choiceOf(stringOf(value[by]), known, place);
  const fields = choice === undefined ? undefined : union.of[choice];
  if (!fields) throw badValue(place.path, union.by, value[by]);
  return keepFields({ ...value, [by]: choice }, fields, place);
}

function choiceOf(given: string, known: readonly string[], place: Place): string | undefined {
  if (isStrict(place)) return known.find((choice) => choice === given);
  return known.find((choice) => choice.toLowerCase() === given.toLowerCase());
}

/** The value as it is kept; undefined when it is not of the kind. */
function plainValue(value: unknown, kind: string, place: Place): unknown {
  if (kind.includes("|")) {
    const known = kind.split("|").flatMap((text) => {
      const [choice = "", since = ""] = text.split("@");
      return since <= place.apiVersion ? [choice] : [];
    });
    return choiceOf(stringOf(value), known, place);
  }
  return isPlainValue(value, kind) ? value : undefined;
}

function isPlainValue(value: unknown, kind: string): boolean {
  if (kind === "any") return true;
  if (kind === "boolean") return typeof value === "boolean";
  if (kind === "map") return isObject(value) && Object.values(value).every(isString);
  if (kind.startsWith("integer")) return isInRange(value, kind.slice("integer ".length));
  if (!isString(value)) return false;
  return kind === "string" || (TEXT_FORMS[kind]?.test(value) ?? false);
}

const TEXT_FORMS: Readonly<Record<string, RegExp>> = {
  uri: /^(https?:\/\/[^/\s]+\/\S+)?$/i,
  name: NAME,
  // Source: image-builder-json.md, "sha256Checksum": lower-case hex of the file.
  checksum: /^([0-9a-f]{64})?$/,
  // Source: image-builder-json.md, "restartTimeout": magnitude and unit, 5m or 2h.
  duration: /^(\d+[smh])?$/,
};

function isString(value: unknown): value is string {
  return typeof value === "string";
}

function isInRange(value: unknown, range: string): boolean {
  const [low, high] = range.split("..").map(Number);
  const isWhole = typeof value === "number" && Number.isInteger(value);
  return isWhole && value >= (low ?? 0) && value <= (high ?? 0);
}

function showFields(value: JsonObject, fields: Fields, apiVersion: string): JsonObject {
  const shown = Object.entries(value).flatMap(([name, item]): Array<[string, unknown]> => {
    const { kind, since } = fieldOf(fields[name] ?? "any");
    return since > apiVersion ? [] : [[name, showValue(item, kind, apiVersion)]];
  });
  return Object.fromEntries(shown);
}

function showValue(value: unknown, kind: string, apiVersion: string): unknown {
  if (Array.isArray(value)) {
    return value.map((item) => showValue(item, kind.replace("[]", ""), apiVersion));
  }
  const union = UNIONS[kind];
  const fields = isObject(value) && union ? union.of[stringOf(value[union.by])] : TABLES[kind];
  return isObject(value) && fields ? showFields(value, fields, apiVersion) : value;
}
