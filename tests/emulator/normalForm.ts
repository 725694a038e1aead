/** Brings an answer into a form in which two answers to the same question are equal: names, ids and times become marks. Pure. */

/** A field and what it says, `properties.source.type` to `PlatformImage`. */
export type Fields = Map<string, string>;

/** Every leaf of a body; an empty object or array is a leaf. Array items are numbered. */
export function fieldsOf(value: unknown, path = ""): Fields {
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0) {
    return new Map([[path, typeof value === "string" ? normal(value) : JSON.stringify(value)]]);
  }
  const entries = Object.entries(value).flatMap(([key, item]) => {
    const name = key.startsWith("/") ? `<${normal(key)}>` : key;
    const isId = typeof item === "string" && /^[0-9a-f-]{36}$/i.test(item);
    const isName = (key === "name" && !isId) || path.endsWith("replicationRegions");
    return [...fieldsOf(isName ? "<name>" : item, path ? `${path}.${name}` : name)];
  });
  return new Map(entries);
}

const GUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
const UPPER_GUID = /[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}/g;

/** Keeps what a client can tell apart: letter case of segments and of ids, the number of fraction digits. */
export function normal(text: string): string {
  return text
    .replace(/^https:\/\/[^/]+/, "<origin>")
    .replace(/[?&](\w[\w-]*)=[^&\s"]*/g, "&$1=…")
    .replace(/^[A-Z]+:\d{8}T\d{6}Z:/, "<REGION>:<time>:")
    .replace(/0001-01-01T00:00:00Z/g, "<never>")
    .replace(
      /\d{4}-\d\d-\d\dT[\d:]+(\.\d+)?Z/g,
      (_, fraction = ".") => `<time.${fraction.length - 1}>`,
    )
    .replace(
      /(\/(?:subscriptions|resource[gG]roups|userAssignedIdentities|galleries|images|versions|imageTemplates|triggers|runOutputs|storageAccounts|locations)\/)(IT_)?(?!providers)[^/&\s"]+/g,
      "$1$2<name>",
    )
    .replace(/packerlogs\/[^/\s]+/, "packerlogs/<name>")
    .replace(new RegExp(GUID, "g"), "<guid>")
    .replace(UPPER_GUID, "<GUID>")
    .replace(/<(?:rg|sub|sa|template)>/g, "<name>");
}

/** One field that two answers disagree on. */
export interface Difference {
  field: string;
  service: string;
  emulator: string;
}

const ABSENT = "absent";

/** All fields that are not the same on both sides. */
export function differences(service: Fields, emulator: Fields): Difference[] {
  const fields = [...new Set([...service.keys(), ...emulator.keys()])];
  return fields
    .map((field) => ({
      field,
      service: service.get(field) ?? ABSENT,
      emulator: emulator.get(field) ?? ABSENT,
    }))
    .filter((found) => found.service !== found.emulator);
}
