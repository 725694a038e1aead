/** The use case: plan, stage, submit, run, watch, collect. `main.ts` cleans up behind it, whatever happens here. */
import { rm } from "node:fs/promises";
import { v4 as uuid } from "uuid";
import {
  type ImageTemplateBody,
  ImageTemplateClient,
  type RunOutput,
} from "./azure/imageTemplate.ts";
import { blobUrl } from "./azure/stagingStorage.ts";
import { type OwnedBuild, saveOwnedBuild } from "./cleanUp.ts";
import { collectRunOutputs, presentRunOutputs } from "./collect.ts";
import { AccessError } from "./errors.ts";
import type { Host } from "./host.ts";
import { type BuildContext, type Plan, planBuild } from "./plan.ts";
import { runFailure } from "./report/failure.ts";
import { startRun } from "./run.ts";
import { NOT_STARTED, type RunTimeline } from "./runStatus.ts";
import { type LocalPackage, packLocally, stagePackage, stagingPlace } from "./stage.ts";
import { submitTemplate } from "./submit.ts";
import { composeTemplate, RUN_OUTPUT_NAME, type RunMark } from "./template/compose.ts";
import type { StagedArtifact } from "./template/unpack.ts";
import { watchRun } from "./watch.ts";

/** What is known of a build so far, for whoever cleans up and reports after a failure too. */
export interface BuildRecord {
  /** Tells this build from every other one, also of the same run. */
  readonly buildId: string;
  owned?: OwnedBuild;
  plan?: Plan;
  packed?: LocalPackage;
  timeline: RunTimeline;
  runOutputs: readonly RunOutput[];
}

/** The record of a build that has not begun. */
export function newRecord(): BuildRecord {
  return { buildId: uuid(), timeline: NOT_STARTED, runOutputs: [] };
}

/**
 * Builds an image version and keeps what it learns in `record`.
 * @throws an error of `errors.ts` when there is no complete image version at the end.
 */
export async function buildImage(context: BuildContext, record: BuildRecord): Promise<void> {
  try {
    await planToCollect(context, record);
  } finally {
    if (record.packed) await rm(record.packed.folder, { recursive: true, force: true });
  }
}

async function planToCollect(context: BuildContext, record: BuildRecord): Promise<void> {
  const { host, azure, inputs } = context;
  const plan = await host.group("Plan", () => makePlan(context, record));
  const staged = await host.group("Stage", () => stage(context, record, plan));
  const template = new ImageTemplateClient(context.arm, plan.templateId);
  const body = composeTemplate(inputs, plan, staged, mark(context, record));
  await host.group("Submit", () => submit(context, record, template, body));
  await host.group("Run", () => start(context, record, template));
  host.log("info", "Watching the run.");
  const end = await watchRun(host, azure.clock, template, inputs.buildTimeoutInMinutes);
  record.timeline = end.timeline;
  host.setOutput("runStatus", end.timeline.outcome ?? "");
  if (end.timeline.outcome !== "Succeeded") {
    record.runOutputs = await presentRunOutputs(host, template);
    setImageOutputs(host, record.runOutputs);
    throw await runFailure(context, body, end);
  }
  await host.group("Collect", () => collect(context, record, template));
}

async function makePlan(context: BuildContext, record: BuildRecord): Promise<Plan> {
  const { host, inputs } = context;
  const plan = await planBuild(context);
  record.plan = plan;
  host.setOutput("sourceVersion", plan.sourceVersion);
  host.log("info", `Source version: ${plan.sourceVersion} (${plan.osType})`);
  host.log("info", `Image template: ${plan.templateId} in ${plan.location}`);
  host.log("info", `Image definition: ${inputs.imageDefinition.id}`);
  const regions = plan.targetRegions.map((region) => region.name).join(", ");
  host.log("info", `Target regions: ${regions}`);
  if (inputs.artifacts) record.packed = await packLocally(host, inputs.artifacts, plan.osType);
  return plan;
}

async function stage(
  context: BuildContext,
  record: BuildRecord,
  plan: Plan,
): Promise<StagedArtifact | undefined> {
  const { host, inputs } = context;
  const { packed } = record;
  if (!inputs.artifacts || !packed) {
    host.log("info", "No artifacts.");
    return undefined;
  }
  const place = stagingPlace(host, plan, inputs.artifacts, packed);
  own(context, record, { templateId: plan.templateId, blobUrl: blobUrl(place) });
  try {
    return await stagePackage(context, place, inputs.artifacts, packed, plan.osType);
  } catch (error) {
    // A refused upload has made nothing that could be left behind.
    if (error instanceof AccessError) disown(context, record);
    throw error;
  }
}

async function submit(
  context: BuildContext,
  record: BuildRecord,
  template: ImageTemplateClient,
  body: ImageTemplateBody,
): Promise<void> {
  const { host, azure } = context;
  own(context, record, { templateId: template.id });
  host.setOutput("templateId", template.id);
  host.setOutput("templateName", template.id.split("/").at(-1) ?? "");
  await submitTemplate(host, azure.clock, template, body);
  host.log("info", "The image template is created.");
}

async function start(
  context: BuildContext,
  record: BuildRecord,
  template: ImageTemplateClient,
): Promise<void> {
  own(context, record, { isRunRequested: true });
  await startRun(context.host, context.azure.clock, template);
}

/** Before the request that makes something, so that the post step finds it even if this process is killed next. */
function own({ host, inputs }: BuildContext, record: BuildRecord, news: Partial<OwnedBuild>): void {
  const { buildId } = record;
  const nothing = { templateId: "", blobUrl: "", isRunRequested: false, isSuccessful: false };
  record.owned = { ...nothing, buildId, cleanUp: inputs.cleanUp, ...record.owned, ...news };
  saveOwnedBuild(host, record.owned);
}

function disown({ host }: BuildContext, record: BuildRecord): void {
  delete record.owned;
  saveOwnedBuild(host, undefined);
}

async function collect(
  context: BuildContext,
  record: BuildRecord,
  template: ImageTemplateClient,
): Promise<void> {
  const { host, azure } = context;
  const names = [RUN_OUTPUT_NAME];
  record.runOutputs = await collectRunOutputs(host, azure.clock, template, names);
  setImageOutputs(host, record.runOutputs);
  own(context, record, { isSuccessful: true });
  for (const { artifactId } of record.runOutputs) host.log("info", `Image version: ${artifactId}`);
}

/** The image of the first distributor has outputs of its own; all of them are in the lists. */
function setImageOutputs(host: Host, runOutputs: readonly RunOutput[]): void {
  const first = runOutputs.find(({ name }) => name === RUN_OUTPUT_NAME);
  if (first) {
    host.setOutput("imageId", first.artifactId);
    host.setOutput("imageVersion", first.artifactId.split("/").at(-1) ?? "");
  }
  host.setOutput("imageIds", JSON.stringify(runOutputs.map(({ artifactId }) => artifactId)));
  host.setOutput("runOutputs", JSON.stringify(runOutputs));
}

// A day after the longest build that the service allows (960 minutes), nobody waits for it any more.
const LIFE_IN_MS = (960 + 24 * 60) * 60_000;

function mark({ host, azure }: BuildContext, { buildId }: BuildRecord): RunMark {
  const expiresAt = new Date(azure.clock.now().getTime() + LIFE_IN_MS);
  return { runId: host.runId, buildId, provenance: host.provenance, expiresAt };
}
