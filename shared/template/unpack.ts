/** Customizers that bring the staged package into the build VM: check its SHA-256, unpack it, remove it. Pure. */
import type { OsType } from "../inputs.ts";

/** A package that waits in the staging storage account. */
export interface StagedArtifact {
  /** Plain URL of a private blob; the service reads it as the template's identity. */
  readonly url: string;
  readonly fileName: string;
  readonly sha256: string;
  /** Absolute folder on the build VM, without quotes of any kind. */
  readonly destination: string;
}

/** One entry of `properties.customize`, api-version 2025-10-01. */
export type Customizer = Readonly<Record<string, unknown>> & { readonly name: string };

/** The default destination of artifacts that are called `name`. */
export function defaultDestination(osType: OsType, name: string): string {
  return osType === "windows" ? `C:\\${name}` : `/tmp/${name}`;
}

/** The File customizer and the command that unpacks, in this order. */
export function unpackCustomizers(osType: OsType, artifact: StagedArtifact): Customizer[] {
  const isWindows = osType === "windows";
  // Source: image-builder-json: on Linux the File customizer may write to /tmp only.
  const packagePath = `${isWindows ? "C:\\Windows\\Temp\\" : "/tmp/"}${artifact.fileName}`;
  const upload = {
    type: "File",
    name: "copy-artifacts",
    sourceUri: artifact.url,
    destination: packagePath,
    sha256Checksum: artifact.sha256,
  };
  const unpack = isWindows
    ? {
        type: "PowerShell",
        name: "unpack-artifacts",
        inline: windowsCommands(artifact, packagePath),
      }
    : { type: "Shell", name: "unpack-artifacts", inline: linuxCommands(artifact, packagePath) };
  return [upload, unpack];
}

/** The user that runs commands on the build VM is not root, so folders elsewhere than /tmp take `sudo`. */
function linuxCommands({ destination, sha256 }: StagedArtifact, packagePath: string): string[] {
  return [
    `echo '${sha256}  ${packagePath}' | sha256sum --check --status || { echo 'The artifacts were damaged on their way.' >&2; exit 1; }`,
    `sudo mkdir -p '${destination}'`,
    `sudo tar -xzf '${packagePath}' -C '${destination}' --no-same-owner`,
    `rm -f '${packagePath}'`,
  ];
}

function windowsCommands({ destination, sha256 }: StagedArtifact, packagePath: string): string[] {
  return [
    "$ErrorActionPreference = 'Stop'",
    `if ((Get-FileHash -Algorithm SHA256 '${packagePath}').Hash -ne '${sha256}') { throw 'The artifacts were damaged on their way.' }`,
    `New-Item -ItemType Directory -Force -Path '${destination}' | Out-Null`,
    `Expand-Archive -Path '${packagePath}' -DestinationPath '${destination}' -Force`,
    `Remove-Item -Path '${packagePath}'`,
  ];
}
