/** Customizers that bring the staged package into the build VM: check its SHA-256, unpack it, remove it. Pure. */
import type { OsType } from "../inputs.ts";

/** A package on its way into a build VM. */
export interface Delivery {
  readonly fileName: string;
  readonly sha256: string;
  /** Absolute folder on the build VM, without quotes of any kind. */
  readonly destination: string;
}

/** A package that waits in the staging storage account, and the route it takes from there. */
export type StagedArtifact =
  /** The service itself copies the package: the plain URL of a private blob, which it reads as the template's identity. */
  | (Delivery & { readonly route: "file"; readonly url: string })
  /** The build VM downloads the package by a script that is staged as well. */
  | {
      readonly route: "download";
      readonly scriptUrl: string;
      readonly scriptSha256: string;
    };

/** How a build VM may read the package: as one of its own identities, or by a signed link. */
export type Download = { readonly url: string } & (
  | { readonly identityId: string }
  | { readonly signature: string }
);

/** One entry of `properties.customize`, api-version 2025-10-01. */
export type Customizer = Readonly<Record<string, unknown>> & { readonly name: string };

const UNPACK_NAME = "unpack-artifacts";

/** The default destination of artifacts that are called `name`. */
export function defaultDestination(osType: OsType, name: string): string {
  return osType === "windows" ? `C:\\${name}` : `/tmp/${name}`;
}

/** What stands first in the template, in this order. */
export function unpackCustomizers(osType: OsType, artifact: StagedArtifact): Customizer[] {
  const type = osType === "windows" ? "PowerShell" : "Shell";
  if (artifact.route === "download") {
    const { scriptUrl: scriptUri, scriptSha256: sha256Checksum } = artifact;
    return [{ type, name: UNPACK_NAME, scriptUri, sha256Checksum }];
  }
  const copy = {
    type: "File",
    name: "copy-artifacts",
    sourceUri: artifact.url,
    destination: packagePath(osType, artifact),
    sha256Checksum: artifact.sha256,
  };
  const inline = osType === "windows" ? windowsUnpack(artifact) : linuxUnpack(artifact);
  return [copy, { type, name: UNPACK_NAME, inline }];
}

// Source: image-builder-json: on Linux the File customizer may write to /tmp only.
function packagePath(osType: OsType, { fileName }: Delivery): string {
  return osType === "windows" ? `C:\\Windows\\Temp\\${fileName}` : `/tmp/${fileName}`;
}

/** The user that runs commands on the build VM is not root, so folders elsewhere than /tmp take `sudo`. */
function linuxUnpack(delivery: Delivery): string[] {
  const { destination, sha256 } = delivery;
  const file = packagePath("linux", delivery);
  return [
    `echo '${sha256}  ${file}' | sha256sum --check --status || { echo 'The artifacts were damaged on their way.' >&2; exit 1; }`,
    `sudo mkdir -p '${destination}'`,
    `sudo tar -xzf '${file}' -C '${destination}' --no-same-owner`,
    `rm -f '${file}'`,
  ];
}

function windowsUnpack(delivery: Delivery): string[] {
  const { destination, sha256 } = delivery;
  const file = packagePath("windows", delivery);
  return [
    "$ErrorActionPreference = 'Stop'",
    `if ((Get-FileHash -Algorithm SHA256 '${file}').Hash -ne '${sha256}') { throw 'The artifacts were damaged on their way.' }`,
    `New-Item -ItemType Directory -Force -Path '${destination}' | Out-Null`,
    `Expand-Archive -Path '${file}' -DestinationPath '${destination}' -Force`,
    `Remove-Item -Path '${file}'`,
  ];
}

/** The script that downloads and unpacks. It may hold a signature: it lives in a private blob, never in the template. */
export function downloadScript(osType: OsType, delivery: Delivery, download: Download): string {
  const lines =
    osType === "windows"
      ? [...windowsDownload(delivery, download), ...windowsUnpack(delivery)]
      : [...linuxDownload(delivery, download), ...linuxUnpack(delivery)];
  return `${lines.join(osType === "windows" ? "\r\n" : "\n")}\n`;
}

// Source: managed identities on Azure VMs, api-version 2018-02-01: a token by HTTP, for one identity by its resource id.
const IDENTITY_URL =
  "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fstorage.azure.com%2F&msi_res_id=";
// The first version of the storage service that takes such tokens is older; this one every cloud has.
const STORAGE_VERSION = "2020-10-02";

function linuxDownload(delivery: Delivery, download: Download): string[] {
  const file = packagePath("linux", delivery);
  const fetch = "curl --fail --silent --show-error --location --retry 5 --retry-connrefused";
  const begin = ["#!/bin/sh", "set -eu"];
  if ("signature" in download) {
    return [...begin, `${fetch} --output '${file}' '${download.url}?${download.signature}'`];
  }
  // The token travels by standard input: a command line can be read by every process of the VM.
  return [
    ...begin,
    `token=$(${fetch} --header Metadata:true '${IDENTITY_URL}${encodeURIComponent(download.identityId)}' | sed -n 's/.*"access_token" *: *"\\([^"]*\\)".*/\\1/p')`,
    `printf 'header = "Authorization: Bearer %s"\\n' "$token" | ${fetch} --config - --header x-ms-version:${STORAGE_VERSION} --output '${file}' '${download.url}'`,
  ];
}

function windowsDownload(delivery: Delivery, download: Download): string[] {
  const file = packagePath("windows", delivery);
  const begin = [
    "$ErrorActionPreference = 'Stop'",
    "$ProgressPreference = 'SilentlyContinue'",
    "[Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12",
  ];
  const get = "Invoke-WebRequest -UseBasicParsing";
  if ("signature" in download) {
    return [...begin, `${get} -OutFile '${file}' -Uri '${download.url}?${download.signature}'`];
  }
  return [
    ...begin,
    `$token = (Invoke-RestMethod -Headers @{ Metadata = 'true' } -Uri '${IDENTITY_URL}${encodeURIComponent(download.identityId)}').access_token`,
    `${get} -OutFile '${file}' -Uri '${download.url}' -Headers @{ Authorization = "Bearer $token"; 'x-ms-version' = '${STORAGE_VERSION}' }`,
  ];
}
