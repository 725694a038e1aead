/** How a run fails, in the service's words. Source: image-builder-troubleshoot.md; Azure/azure-powershell issue 24244. */
import { randomUUID } from "node:crypto";
import type { BlobAddress } from "./blobStore.ts";
import { HOSTILE_LINES } from "./customizers.ts";
import type { Distribution } from "./distribution.ts";
import { CreationError } from "./templateSource.ts";
import { BuildTimeout } from "./timeline.ts";

/** Ends a run as Failed: the message becomes `lastRunStatus.message`, with the code it is its operation's error. */
export class RunFailure extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** What the message has to point to. */
export interface PackerFailureFacts {
  /** Id of the stagingResourceGroup. */
  staging: string;
  log: BlobAddress;
  operationId: string;
  isHostile: boolean;
}

/** A customizer failed. */
export function packerFailure(facts: PackerFailureFacts): RunFailure {
  const { account, container, blob } = facts.log;
  const location = `${facts.staging}/providers/Microsoft.Storage/storageAccounts/${account}/blobServices/default/containers/${container}/${blob}`;
  const message = `During the image build a failure has occurred. Packer build logs are at location ${location}. Please navigate to this location using portal or other tools to download logs for identifying which build/customization step failed. Use this operationId ${facts.operationId} to search packer logs. For more troubleshooting steps go to https://aka.ms/azvmimagebuilderts.`;
  const text = facts.isHostile ? `${message}\n${HOSTILE_LINES.join("\n")}` : message;
  return new RunFailure("PackerBuildFailed", text);
}

/** At least one image could not be distributed. */
export function distributionFailure({ errors, imageCount }: Distribution): RunFailure {
  const message = `Deployment failed. Correlation ID: ${randomUUID()}. Failed in distributing ${errors.length} images out of total ${imageCount}: {${errors.join(" ")}}`;
  return new RunFailure("ImageDistributeFailed", message);
}

/** Whatever ended a build, as the failure that the service reports. */
export function runFailureFrom(error: unknown): RunFailure {
  if (error instanceof RunFailure) return error;
  if (error instanceof CreationError) return buildFailure(error.message);
  const cause =
    error instanceof BuildTimeout
      ? "Timeout waiting for microservice to complete: 'context deadline exceeded'"
      : `Internal error occurred. This is a generic error: ${String(error)}`;
  return buildFailure(`Failed while waiting for packerizer: ${cause}`);
}

function buildFailure(cause: string): RunFailure {
  const message = `Deployment failed. Correlation ID: ${randomUUID()}. Failed in building/customizing image: ${cause}`;
  return new RunFailure("ImageBuildFailed", message);
}
