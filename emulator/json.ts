/** Reading JSON of unknown shape without casts all over the place. */

/** A JSON object of unknown fields. */
export type JsonObject = Record<string, unknown>;

/** Arrays and null are not objects here. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value when it is an object, else an empty one. */
export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

/** The objects of an array; empty when it is no array. */
export function objectsOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** The strings of an array; empty when it is no array. */
export function stringsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** The value when it is a string, else an empty one. */
export function stringOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
