/** The submit step: puts the image template and waits until the service has taken everything it needs. */

import {
  type ImageTemplate,
  type ImageTemplateBody,
  type ImageTemplateClient,
  isSameTemplate,
} from "./azure/imageTemplate.ts";
import type { Clock } from "./clock.ts";
import { AccessError, ArmError, ImageBuildError } from "./errors.ts";
import type { Host } from "./host.ts";
import { pollUntil } from "./poll.ts";

// A create takes 10 to 30 seconds; the service copies scripts and files meanwhile.
const CREATE_LIMIT_IN_MS = 20 * 60_000;

/**
 * Creates the template and waits for its provisioning.
 * @throws {ImageBuildError} when the service refuses it after a look at its source, files and identity.
 */
export async function submitTemplate(
  host: Host,
  clock: Clock,
  template: ImageTemplateClient,
  body: ImageTemplateBody,
): Promise<void> {
  try {
    await template.create(body, host.signal);
  } catch (error) {
    await adopt(host, template, body, error);
  }
  const options = {
    clock,
    signal: host.signal,
    limitInMs: CREATE_LIMIT_IN_MS,
    waitingFor: `the image template "${template.id}" to be created`,
  };
  const created = await pollUntil(options, async () => {
    const read = await template.require(host.signal);
    return CREATE_OUTCOMES.includes(read.properties.provisioningState) ? read : undefined;
  });
  if (created.properties.provisioningState !== "Succeeded") throw createFailure(created);
}

/** A create whose answer was lost is refused when it is repeated; the template that is there is ours then. */
async function adopt(
  host: Host,
  template: ImageTemplateClient,
  body: ImageTemplateBody,
  error: unknown,
): Promise<void> {
  const isConflict = error instanceof ArmError && error.statusCode === 409;
  const existing = isConflict ? await template.get(host.signal) : undefined;
  if (!existing || !isSameTemplate(existing, body)) throw error;
  host.log("info", "The answer to the create request was lost; the image template is there.");
}

// Source: provisioningState, api-version 2025-10-01.
const CREATE_OUTCOMES = ["Succeeded", "Failed", "Canceled"];

function createFailure({ id, properties }: ImageTemplate): AccessError | ImageBuildError {
  const { provisioningErrorCode = "", message = "" } = properties.provisioningError ?? {};
  const title = `The service could not create the image template "${id.split("/").at(-1)}".`;
  const details = [`${provisioningErrorCode}: ${message}`];
  const unread = /Not authorized to access the resource: (\S+?)\.? Please/.exec(message)?.[1];
  if (!unread) return new ImageBuildError(title, { details });
  const hint = unread.startsWith("https:")
    ? "Grant the managed identity the role Storage Blob Data Reader on the staging container or its account. A new grant can take some minutes to work."
    : `Grant the managed identity a role that may use "${unread}"; see docs/permissions.md.`;
  return new AccessError(title, { details, hint });
}
