/** What the end of a run and the post step share: cancel, wait, delete. Works from saved state alone, never throws. */
import type { ArmClient, AzureContext } from "./azure/arm.ts";
import { type ImageTemplate, ImageTemplateClient } from "./azure/imageTemplate.ts";
import { deleteBlob } from "./azure/stagingStorage.ts";
import { ArmError, describe } from "./errors.ts";
import type { Host } from "./host.ts";
import type { CleanUpPolicy } from "./inputs.ts";
import { pollUntil } from "./poll.ts";
import { outcomeOf } from "./runStatus.ts";

/** What a step owns in Azure; kept where the post step finds it, before each request that makes something. */
export interface OwnedBuild {
  readonly templateId: string;
  /** The template's tag `buildId`: one with another is somebody else's, whatever its name. */
  readonly buildId: string;
  /** Plain URL of the staged package; empty when nothing was staged. */
  readonly blobUrl: string;
  readonly cleanUp: CleanUpPolicy;
  /** True from the moment before the run is asked for. */
  readonly isRunRequested: boolean;
  /** True once the image versions are there. */
  readonly isSuccessful: boolean;
}

/** What a clean-up works with. */
export interface CleanUpContext {
  readonly host: Host;
  readonly azure: AzureContext;
  readonly arm: ArmClient;
  /** Ends the clean-up; not the host's own signal, which may have fired already. */
  readonly signal: AbortSignal;
}

/** Something that stays in Azure, and why. */
export interface Leftover {
  readonly id: string;
  readonly reason: string;
  /** True when the user's clean-up policy says so. */
  readonly isIntended: boolean;
}

const STATE_KEY = "build";

/** Keeps what a step owns, for the post step. */
export function saveOwnedBuild(host: Host, build: OwnedBuild | undefined): void {
  host.saveState(STATE_KEY, build ? JSON.stringify(build) : "");
}

/** What an earlier process of this step owned; undefined when that is nothing. */
export function savedOwnedBuild(host: Host): OwnedBuild | undefined {
  const text = host.savedState(STATE_KEY);
  return text === "" ? undefined : (JSON.parse(text) as OwnedBuild);
}

/** Stops a run that is still on, then deletes what the policy says. Whatever stays in Azure is returned. */
export async function cleanUp(context: CleanUpContext, build: OwnedBuild): Promise<Leftover[]> {
  const template = new OwnedTemplate(context, build);
  const blobs = build.blobUrl === "" ? [] : [build.blobUrl];
  if (!mayDelete(build)) {
    const reason = `the clean-up policy is ${build.cleanUp}`;
    const stopped = await attempt(context, build.templateId, () => stopRun(context, template));
    const templates = (await template.mayBeThere()) ? [build.templateId] : [];
    return [
      ...stopped,
      ...[...templates, ...blobs].map((id) => ({ id, reason, isIntended: true })),
    ];
  }
  const left = await Promise.all([
    ...blobs.map((url) =>
      attempt(context, url, () => deleteBlob(context.azure, url, context.signal)),
    ),
    attempt(context, build.templateId, () => takeDown(context, template)),
  ]);
  return left.flat();
}

function mayDelete({ cleanUp, isSuccessful }: OwnedBuild): boolean {
  return cleanUp === "always" || (cleanUp === "on-success" && isSuccessful);
}

async function attempt(
  { signal }: CleanUpContext,
  id: string,
  act: () => Promise<unknown>,
): Promise<Leftover[]> {
  try {
    await act();
    return [];
  } catch (error) {
    const { title, details } = describe(error);
    const reason = signal.aborted
      ? "no time was left to wait for it"
      : [title, ...details].join(" ");
    return [{ id, reason, isIntended: false }];
  }
}

/** The template of a build, looked at with its owner's eyes. */
class OwnedTemplate {
  readonly client: ImageTemplateClient;
  readonly isRunRequested: boolean;
  readonly #buildId: string;
  readonly #signal: AbortSignal;

  constructor(
    { arm, signal }: CleanUpContext,
    { templateId, buildId, isRunRequested }: OwnedBuild,
  ) {
    this.client = new ImageTemplateClient(arm, templateId);
    this.isRunRequested = isRunRequested;
    this.#buildId = buildId;
    this.#signal = signal;
  }

  /** Undefined when there is none, or only somebody else's of the same name. */
  async get(): Promise<ImageTemplate | undefined> {
    const found = await this.client.get(this.#signal);
    return found?.tags?.["buildId"] === this.#buildId ? found : undefined;
  }

  /** False only when there certainly is none. */
  async mayBeThere(): Promise<boolean> {
    try {
      return (await this.get()) !== undefined;
    } catch {
      return true;
    }
  }
}

// How long a run that was asked for may take to show.
const INVISIBLE_LIMIT_IN_MS = 60_000;

/** Cancels a run that is on, or that was asked for and shows only now. The service ends it some minutes later. */
async function stopRun(context: CleanUpContext, template: OwnedTemplate): Promise<void> {
  const { azure, signal } = context;
  const limit = { limitInMs: INVISIBLE_LIMIT_IN_MS, waitingFor: "the run to stop" };
  await pollUntil({ clock: azure.clock, signal, ...limit }, async () => {
    const found = await template.get();
    const status = found?.properties.lastRunStatus;
    if (!found || (!status && !template.isRunRequested)) return true;
    if (status?.runState !== "Running") return status ? true : undefined;
    await cancelRun(context, template.client);
    return undefined;
  });
}

const CANCEL_TRIES = 3;
const CANCEL_PAUSE_IN_MS = 400;

/** A cancel may be sent again, so it is; the pauses fit into the seconds that a host leaves. */
async function cancelRun(
  { host, azure, signal }: CleanUpContext,
  template: ImageTemplateClient,
): Promise<void> {
  host.log("info", "Cancelling the run.");
  for (let tries = 1; ; tries++) {
    try {
      return await template.cancel(signal);
    } catch (error) {
      if (isBusyRefusal(error)) return;
      if (tries === CANCEL_TRIES) throw error;
      await azure.clock.sleep(CANCEL_PAUSE_IN_MS * tries, signal);
    }
  }
}

/**
 * Deletes the template and waits until it is gone. The service refuses that while a template is created or runs, and
 * a run whose request was on its way when the step was stopped can show late: so look, act, and look again.
 */
async function takeDown(context: CleanUpContext, template: OwnedTemplate): Promise<void> {
  const { azure, host, signal } = context;
  let isSeen = false;
  const limit = {
    limitInMs: Number.POSITIVE_INFINITY,
    waitingFor: "the image template to be gone",
  };
  await pollUntil({ clock: azure.clock, signal, ...limit }, async () => {
    const found = await template.get();
    if (!found) return true;
    isSeen = true;
    const isRunning = found.properties.lastRunStatus?.runState === "Running";
    if (isRunning) await cancelRun(context, template.client);
    else if (isAtRest(found)) await deleteIfAllowed(template.client, signal);
    return undefined;
  });
  if (isSeen) host.log("info", "The image template is deleted.");
}

async function deleteIfAllowed(template: ImageTemplateClient, signal: AbortSignal): Promise<void> {
  try {
    await template.delete(signal);
  } catch (error) {
    if (!isBusyRefusal(error)) throw error;
  }
}

// Source: "Operation … is not allowed in provisioning state … or run state: running", status 405 or 409.
function isBusyRefusal(error: unknown): boolean {
  return error instanceof ArmError && [405, 409].includes(error.statusCode);
}

function isAtRest({ properties }: ImageTemplate): boolean {
  const { provisioningState, lastRunStatus } = properties;
  const isBusy = ["Creating", "Updating", "Deleting"].includes(provisioningState);
  return !isBusy && (lastRunStatus === undefined || outcomeOf(lastRunStatus) !== undefined);
}
