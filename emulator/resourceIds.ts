/** ARM resource ids. The service answers with `/resourcegroups/` where it was asked `/resourceGroups/`: compare without case. */

/** The form under which an id is stored and compared. */
export function idKey(id: string): string {
  return id
    .replace(/\/{2,}/g, "/")
    .replace(/\/$/, "")
    .toLowerCase();
}

/** Ids differ in case without differing. */
export function isSameId(a: string, b: string): boolean {
  return idKey(a) === idKey(b);
}

/** The name of the resource. */
export function lastSegment(id: string): string {
  return id.slice(id.lastIndexOf("/") + 1);
}

/** The id without its last segment. */
export function parentId(id: string): string {
  return id.slice(0, id.lastIndexOf("/"));
}

/** The segment after `name`, compared without case: `segmentAfter(id, "resourceGroups")`. */
export function segmentAfter(id: string, name: string): string {
  const segments = id.split("/");
  const index = segments.findIndex((segment) => segment.toLowerCase() === name.toLowerCase());
  return index < 0 ? "" : (segments[index + 1] ?? "");
}

/** `West US 2` and `westus2` are the same region. */
export function regionKey(name: string): string {
  return name.replaceAll(" ", "").toLowerCase();
}
