/** Finds in a build log which customizer failed and what it said last. Pure. */

/** What the log tells about a failed run. */
export interface Diagnosis {
  /** Position of the failed customizer in `properties.customize`, from 0. */
  readonly customizerIndex: number;
  /** The last lines that this customizer printed, without Packer's prefixes. */
  readonly lastLines: readonly string[];
  /** Packer's own word about the end, such as `Script exited with non-zero exit status: 3`. */
  readonly verdict: string;
}

const LAST_LINES = 15;

// Source: line forms of customization.log in image-builder-troubleshoot and the packer azure plugin.
const PREFIX =
  /^(?:\[[^\]]+\] )?PACKER(?: (OUT|ERR))?(?: \d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d)?(?: ui:)? ?(.*)$/;
const SOURCE_NAME = /^(?:==>|-->)? *azure-arm: ?/;
const STARTING = /\(telemetry\) Starting provisioner/i;
const ENDING = /\(telemetry\) ending/i;
const ERRORED = /Build 'azure-arm' errored[^:]*: ?(.*)$/;

/**
 * Reads `customization.log`.
 * @param customizerCount how many customizers the template has; a later provisioner is the service's own.
 * @returns undefined when no customizer of the template failed.
 */
export function diagnose(log: string, customizerCount: number): Diagnosis | undefined {
  let index = -1;
  let lines: string[] = [];
  for (const raw of log.split("\n")) {
    const line = withoutPrefix(raw.trimEnd());
    if (line === undefined) continue;
    const verdict = ERRORED.exec(line)?.[1];
    if (verdict !== undefined) {
      if (index < 0 || index >= customizerCount) return undefined;
      return { customizerIndex: index, lastLines: lines.slice(-LAST_LINES), verdict };
    }
    if (STARTING.test(line)) {
      index++;
      lines = [];
    } else if (!ENDING.test(line) && line.trim() !== "") {
      lines.push(line);
    }
  }
  return undefined;
}

/** The line as the script printed it; undefined for Packer's debug lines. */
function withoutPrefix(raw: string): string | undefined {
  const match = PREFIX.exec(raw);
  if (match?.[1] === "ERR") return undefined;
  return (match?.[2] ?? raw).replace(SOURCE_NAME, "");
}
