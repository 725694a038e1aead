/** What a customizer puts onto the build VM and runs there, as Packer does it. Pure. */
import { type JsonObject, stringOf, stringsOf } from "../json.ts";
import { lastSegment } from "../resourceIds.ts";

/** One script on its way. */
export interface Script {
  path: string;
  content: Buffer;
  /** One line of shell. */
  command: string;
}

// Source: Packer's shell provisioner, execute_command.
const VARIABLES = "PACKER_BUILDER_TYPE='azure-arm' PACKER_BUILD_NAME='azure-arm'";

/**
 * @param file content of `scriptUri`; undefined for inline commands
 * @param number makes the script's name unlike others
 */
export function shellScript(
  customizer: JsonObject,
  file: Buffer | undefined,
  number: number,
): Script {
  const path = file ? `/tmp/script_${number}.sh` : `/tmp/packer-shell${number}`;
  const text = file?.toString("latin1") ?? inlineText("#!/bin/sh -e", customizer);
  // Packer takes scripts for text and makes Windows line ends into Unix ones.
  const content = Buffer.from(text.replaceAll("\r\n", "\n"), file ? "latin1" : "utf8");
  return { path, content, command: `chmod +x ${path}; ${VARIABLES} ${path}` };
}

/** As `shellScript`, for a machine that has PowerShell. */
export function powerShellScript(
  customizer: JsonObject,
  file: Buffer | undefined,
  number: number,
): Script {
  const path = `/tmp/script-${number}.ps1`;
  const content = file ?? Buffer.from(inlineText("$ErrorActionPreference = 'Stop'", customizer));
  const command = `${VARIABLES} pwsh -NoLogo -NoProfile -NonInteractive -File ${path}`;
  return { path, content, command };
}

function inlineText(firstLine: string, customizer: JsonObject): string {
  return [firstLine, ...stringsOf(customizer["inline"]), ""].join("\n");
}

/**
 * Where a File customizer goes, or undefined when the service refuses the place: on Linux only below `/tmp`.
 * Source: image-builder-json.md, File customizer.
 */
export function fileDestination(customizer: JsonObject): string | undefined {
  const destination = stringOf(customizer["destination"]);
  const uri = stringOf(customizer["sourceUri"]).split("?")[0] ?? "";
  const path = destination.endsWith("/") ? destination + lastSegment(uri) : destination;
  const isBelowTmp = path.startsWith("/tmp/") && !path.split("/").includes("..");
  return isBelowTmp && !path.includes("\n") ? path : undefined;
}
