/** Numbers of gallery image versions. Pure. */

/** Major, minor, patch. */
export type VersionNumber = readonly [number, number, number];

/** Undefined unless it is three whole numbers joined by dots. */
export function parseVersion(text: string): VersionNumber | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)$/.exec(text);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3])] : undefined;
}

/** Negative when `a` is lower. */
export function compareVersions(a: VersionNumber, b: VersionNumber): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

/** By number, and as it was written: `24.04.1` keeps its zero. */
export function highestVersion(versions: readonly string[]): string | undefined {
  return versions
    .flatMap((text) => {
      const number = parseVersion(text);
      return number ? [{ text, number }] : [];
    })
    .sort((a, b) => compareVersions(a.number, b.number))
    .at(-1)?.text;
}

/**
 * The number after the highest existing one of a major version, or of all when `major` is -1.
 * Source: image-builder-json.md, "versioning", scheme Latest.
 */
export function nextVersion(existing: readonly string[], major: number): string {
  const candidates = major < 0 ? existing : existing.filter((v) => parseVersion(v)?.[0] === major);
  const highest = parseVersion(highestVersion(candidates) ?? "");
  if (!highest) return `${Math.max(0, major)}.0.1`;
  return `${highest[0]}.${highest[1]}.${highest[2] + 1}`;
}

/**
 * That of the source image, without leading zeros, which a gallery does not take. Taken already, or for a source without
 * a version, the patch number goes up: how the service goes on then is not documented.
 */
export function sourceVersion(existing: readonly string[], exactVersion: string): string {
  const [major, minor, patch] = parseVersion(exactVersion) ?? [0, 0, 1];
  let free = patch;
  while (existing.includes(`${major}.${minor}.${free}`)) free += 1;
  return `${major}.${minor}.${free}`;
}

/** Without `versioning` the service makes numbers such as 0.25342.22189, higher the later. */
export function automaticVersion(existing: readonly string[], atInMs: number): string {
  const days = Math.floor(atInMs / 86_400_000) + 5_000;
  let half = Math.floor((atInMs % 86_400_000) / 2_000);
  while (existing.includes(`0.${days}.${half}`)) half += 1;
  return `0.${days}.${half}`;
}
