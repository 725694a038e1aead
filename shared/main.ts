/** The composition root: inputs, clients, the build, its outputs. The only place that decides success or failure. */
import { type AzureContext, createArmClient, createHttpClient, userAgent } from "./azure/arm.ts";
import { findCloud } from "./azure/cloud.ts";
import { signInFailed } from "./azure/failures.ts";
import { type BuildRecord, buildImage, newRecord } from "./buildImage.ts";
import { cleanUp, type Leftover, savedOwnedBuild, saveOwnedBuild } from "./cleanUp.ts";
import { type Clock, systemClock } from "./clock.ts";
import { inputs as contract, type InputName } from "./contract.ts";
import { AccessError, CanceledError, describe } from "./errors.ts";
import type { Credential, Host, SignIn } from "./host.ts";
import { readInputs } from "./inputs.ts";
import type { BuildContext } from "./plan.ts";
import { summaryMarkdown } from "./report/summary.ts";
import { phaseDurations } from "./runStatus.ts";
import { spokenPackage } from "./stage.ts";

// Deleting an image template takes a minute or two; more is an outage.
const CLEAN_UP_LIMIT_IN_MS = 10 * 60_000;
// What is left after a second request to stop: enough to say what stays behind.
const HURRY_IN_MS = 1_000;
// Hosts give a post step some minutes in all.
const POST_LIMIT_IN_MS = 3 * 60_000;

/** Runs the step. Never throws: a failure is told to the host, once. */
export async function main(host: Host, clock: Clock = systemClock): Promise<void> {
  const record = newRecord();
  try {
    maskSecrets(host);
    const inputs = await readInputs(host);
    const azure = await connect(host, clock, inputs.signIn, host.signal);
    const context = { host, azure, arm: createArmClient(azure), inputs };
    await buildAndCleanUp(context, record);
  } catch (error) {
    if (host.signal.aborted && record.owned) host.setOutput("runStatus", "Canceled");
    host.fail(describe(host.signal.aborted ? canceled(record) : error));
  }
}

/** Ends what the main process of this step began and could not end itself. Does nothing when there is nothing. */
export async function post(host: Host, clock: Clock = systemClock): Promise<void> {
  try {
    const build = savedOwnedBuild(host);
    if (!build) return;
    maskSecrets(host);
    const limit = clock.deadline(POST_LIMIT_IN_MS, host.signal);
    try {
      const azure = await connect(host, clock, await host.signIn(), limit.signal);
      const context = { host, azure, arm: createArmClient(azure), signal: limit.signal };
      reportLeftovers(host, await host.group("Clean up", () => cleanUp(context, build)));
    } finally {
      limit.end();
    }
  } catch (error) {
    const { title, details } = describe(error);
    host.log("warning", ["The clean-up did not work.", title, ...details].join(" "));
  }
}

async function buildAndCleanUp(context: BuildContext, record: BuildRecord): Promise<void> {
  const { host } = context;
  try {
    await buildImage(context, record);
  } finally {
    await finish(context, record);
    await writeSummary(host, record, context.azure.clock.now());
  }
}

/** The clean-up of the main process, in a time of its own: enough of it, or what the host leaves after a stop. */
async function finish(context: BuildContext, record: BuildRecord): Promise<void> {
  const { host, azure } = context;
  const { owned } = record;
  if (!owned) return;
  const limit = azure.clock.deadline(CLEAN_UP_LIMIT_IN_MS);
  const shorten = (): void => limit.shorten(host.stopGraceInMs);
  if (host.signal.aborted) shorten();
  host.signal.addEventListener("abort", shorten, { once: true });
  const hurry = (): void => limit.shorten(HURRY_IN_MS);
  host.hurry.addEventListener("abort", hurry, { once: true });
  const left = await host.group("Clean up", () =>
    cleanUp({ ...context, signal: limit.signal }, owned),
  );
  host.signal.removeEventListener("abort", shorten);
  host.hurry.removeEventListener("abort", hurry);
  limit.end();
  if (host.signal.aborted && host.hasPostStep) {
    // It looks once more whatever happened: a request that was on its way may have made something since.
    host.log("info", "The post step goes on with the clean-up.");
    return;
  }
  reportLeftovers(host, left);
  saveOwnedBuild(host, undefined);
}

/** Finds the cloud and signs in to it, so that a wrong sign-in shows before anything else is tried. */
async function connect(
  host: Host,
  clock: Clock,
  signIn: SignIn,
  signal: AbortSignal,
): Promise<AzureContext> {
  const httpClient = createHttpClient(host);
  const endpoint = signIn.resourceManagerEndpoint;
  const label = signIn.resourceManagerEndpointLabel;
  const cloud = await findCloud({ endpoint, label, httpClient, clock, signal });
  const credential = guarded(host, signIn.credential(cloud));
  await credential.getToken(cloud.resourceManagerScope, { abortSignal: signal });
  return { cloud, credential, httpClient, clock, userAgent: userAgent(host) };
}

/** Masks every token, and makes one error of all the ways in which a credential fails. */
function guarded(host: Host, credential: Credential): Credential {
  return {
    async getToken(scopes, options) {
      try {
        const token = await credential.getToken(scopes, options);
        if (token) host.mask(token.token);
        return token;
      } catch (error) {
        if (error instanceof Error && error.name === "AbortError") throw error;
        throw error instanceof AccessError ? error : signInFailed(error);
      }
    },
  };
}

function maskSecrets(host: Host): void {
  for (const [name, declaration] of Object.entries(contract)) {
    if (!("secret" in declaration)) continue;
    const secret = host.readInput(name as InputName);
    if (secret !== "") host.mask(secret);
  }
}

function canceled({ owned }: BuildRecord): CanceledError {
  const details = owned ? [`Image template: ${owned.templateId}`] : ["Nothing had been made yet."];
  return new CanceledError("The step was cancelled, and its build with it.", { details });
}

function reportLeftovers(host: Host, left: readonly Leftover[]): void {
  if (left.length === 0) host.log("info", "Nothing is left behind.");
  for (const { id, reason, isIntended } of left) {
    host.log(isIntended ? "info" : "warning", `Left in Azure: ${id} (${reason})`);
  }
}

async function writeSummary(host: Host, record: BuildRecord, now: Date): Promise<void> {
  const { plan, packed, timeline, runOutputs } = record;
  if (!host.writeSummary || !plan || timeline.phases.length === 0) return;
  const markdown = summaryMarkdown({
    runStatus: timeline.outcome ?? "not finished",
    imageIds: runOutputs.map(({ artifactId }) => artifactId),
    sourceVersion: plan.sourceVersion,
    templateId: plan.templateId,
    ...(packed && { artifacts: spokenPackage(packed) }),
    phases: phaseDurations(timeline, now),
  });
  await host.writeSummary(markdown);
}
