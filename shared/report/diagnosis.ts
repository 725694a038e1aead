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

// Source: line forms of customization.log in image-builder-troubleshoot and the packer azure plugin. A line is
// `[<id>] PACKER OUT ==> azure-arm: text` (Packer's steps and what scripts print), or
// `[<id>] PACKER ERR 2020/04/30 23:38:58 text` (debug); newer ones leave OUT and ERR away and mark the former with `ui:`.
const LINE =
  /^(?:\[[^\]]+\] )?PACKER(?: (?:OUT|ERR))?(?: \d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d)?(?: ui:)?(?: (.*))?$/;
const PRINTED = /^(?:==>|-->)? *azure-arm: ?(.*)$/;
const STARTING = /\(telemetry\) Starting provisioner/i;
const ERRORED = /^Build 'azure-arm' errored.*?: (.*)$/;
const PACKERS_OWN =
  /^(?:Provisioning with |Provisioning step had errors|Deleting |The resource group was not )/;

/**
 * Reads `customization.log`.
 * @param customizerCount how many customizers the template has; a later provisioner is the service's own.
 * @returns undefined when no customizer of the template failed.
 */
export function diagnose(log: string, customizerCount: number): Diagnosis | undefined {
  let customizerIndex = -1;
  let printed: string[] = [];
  for (const raw of log.split("\n")) {
    const line = LINE.exec(raw.trimEnd())?.[1] ?? "";
    // What a script prints carries the builder's name, so it cannot pass for one of Packer's own lines.
    const text = PRINTED.exec(line)?.[1];
    const verdict = ERRORED.exec(line)?.[1];
    if (text !== undefined) {
      if (text.trim() !== "" && !PACKERS_OWN.test(text)) printed.push(text);
    } else if (STARTING.test(line)) {
      customizerIndex++;
      printed = [];
    } else if (verdict !== undefined) {
      const isOurs = customizerIndex >= 0 && customizerIndex < customizerCount;
      return isOurs
        ? { customizerIndex, lastLines: printed.slice(-LAST_LINES), verdict }
        : undefined;
    }
  }
  return undefined;
}
