/** The plan step: everything that can be found out and refused before anything is written or paid for. */
import { v4 as uuid } from "uuid";
import type { ArmClient, AzureContext } from "./azure/arm.ts";
import { type ImageDefinition, ImageReader } from "./azure/gallery.ts";
import { ImageTemplateClient } from "./azure/imageTemplate.ts";
import { blobEndpoint, isMissingIdentity, resourceGroupLocation } from "./azure/resources.ts";
import { InputError } from "./errors.ts";
import { collectAll } from "./form.ts";
import type { Host } from "./host.ts";
import type { Inputs, OsType, TargetRegion } from "./inputs.ts";
import { resourceId } from "./resourceId.ts";
import { type ResolvedSource, resolveSource } from "./source.ts";
import type { Resolved } from "./template/compose.ts";

/** What every step of a build works with. */
export interface BuildContext {
  readonly host: Host;
  readonly azure: AzureContext;
  readonly arm: ArmClient;
  readonly inputs: Inputs;
}

/** What the plan step found out; the later steps need nothing else from Azure. */
export interface Plan extends Resolved {
  readonly templateName: string;
  readonly templateId: string;
  readonly sourceVersion: string;
  /** Blob endpoint of the staging account; empty without artifacts. */
  readonly stagingEndpoint: string;
}

/**
 * Asks Azure about everything that the inputs name. Reads only.
 * @throws {InputError} holding every mistake that shows, {AccessError} for a right that is missing.
 */
export async function planBuild(context: BuildContext): Promise<Plan> {
  const { host, inputs } = context;
  const location = inputs.location || (await groupLocation(context));
  const templateName = inputs.templateName || uniqueTemplateName(host);
  const templateId = resourceId(
    inputs.signIn.subscriptionId,
    inputs.resourceGroupName,
    `Microsoft.VirtualMachineImages/imageTemplates/${templateName}`,
  );
  const subscriptionId = inputs.signIn.subscriptionId;
  const found = await collectAll({
    source: () => resolveSource({ ...context, subscriptionId, location }, inputs.source),
    definition: () => findDefinition(context),
    stagingEndpoint: () => findStagingEndpoint(context),
    template: () => requireFreeName(context, templateId),
    identity: () => requireIdentity(context),
  });
  const checked = await collectAll({
    osType: () => matchingOsType(context, found.source, found.definition),
    targetRegions: () => completeTargetRegions(context, found.definition),
  });
  return {
    templateName,
    templateId,
    location,
    identityId: identityId(inputs),
    source: found.source.wire,
    sourceVersion: found.source.version,
    stagingEndpoint: found.stagingEndpoint,
    ...checked,
  };
}

function problem({ host }: BuildContext, name: Parameters<Host["inputLabel"]>[0], text: string) {
  return new InputError([`Input '${host.inputLabel(name)}' ${text}.`]);
}

async function groupLocation(context: BuildContext): Promise<string> {
  const { arm, inputs, host } = context;
  const id = `/subscriptions/${inputs.signIn.subscriptionId}/resourceGroups/${inputs.resourceGroupName}`;
  const location = await resourceGroupLocation(arm, id, host.signal);
  if (location) return location;
  const name = `"${inputs.resourceGroupName}"`;
  const where = `subscription ${inputs.signIn.subscriptionId}`;
  throw problem(context, "resourceGroupName", `is ${name}, which does not exist in ${where}`);
}

/** Matrix legs and repeated steps share run id and attempt, so random characters tell them apart. */
function uniqueTemplateName(host: Host): string {
  return `aib-${host.runId.slice(0, 48)}-${uuid().slice(0, 8)}`;
}

function identityId({ identity, signIn, resourceGroupName }: Inputs): string {
  if (identity.kind === "id") return identity.id.id;
  const path = `Microsoft.ManagedIdentity/userAssignedIdentities/${identity.name}`;
  return resourceId(signIn.subscriptionId, resourceGroupName, path);
}

/** A name that is wrong would show only after the upload. Where the identity may not be read, the service decides. */
async function requireIdentity(context: BuildContext): Promise<void> {
  const { arm, inputs, host } = context;
  const id = identityId(inputs);
  if (!(await isMissingIdentity(arm, id, host.signal))) return;
  throw problem(context, "managedIdentity", `names "${id}", which does not exist`);
}

async function findDefinition(context: BuildContext): Promise<ImageDefinition> {
  const { azure, inputs, host } = context;
  const id = inputs.imageDefinition;
  const reader = new ImageReader(azure, id.subscriptionId);
  const definition = await reader.imageDefinition(id, host.signal);
  if (!definition) {
    const text = `names "${id.id}", which does not exist or may not be seen by whoever signs in`;
    throw problem(context, "galleryImageId", text);
  }
  if (inputs.imageVersion === "") return definition;
  if (await reader.imageVersion(id, inputs.imageVersion, host.signal)) {
    const text = `is "${inputs.imageVersion}", which exists already; a version is never overwritten`;
    throw problem(context, "imageVersion", text);
  }
  return definition;
}

async function findStagingEndpoint(context: BuildContext): Promise<string> {
  const { arm, azure, inputs, host } = context;
  if (!inputs.artifacts) return "";
  const { resourceGroupName, signIn } = inputs;
  const group = { subscriptionId: signIn.subscriptionId, resourceGroupName };
  const { account } = inputs.artifacts;
  const endpoint = await blobEndpoint(arm, azure.cloud, account, group, host.signal);
  if (endpoint) return endpoint;
  const text = `names a storage account that does not exist; a name is looked up in the resource group "${resourceGroupName}"`;
  throw problem(context, "storageAccountName", text);
}

/** An image template cannot be changed once it exists, so a name can be used once. */
async function requireFreeName(context: BuildContext, templateId: string): Promise<void> {
  const { arm, inputs, host } = context;
  if (inputs.templateName === "") return;
  const existing = await new ImageTemplateClient(arm, templateId).get(host.signal);
  if (!existing) return;
  const text = `is "${inputs.templateName}", and an image template of that name exists already. The service cannot change a template: delete it, choose another name, or leave the input out`;
  throw problem(context, "templateName", text);
}

function matchingOsType(
  context: BuildContext,
  source: ResolvedSource,
  definition: ImageDefinition,
): OsType {
  const { osType } = context.inputs;
  if (osType !== "auto" && osType !== source.osType) {
    throw problem(context, "osType", `is "${osType}", but the source image is ${source.osType}`);
  }
  if (source.osType !== definition.osType) {
    const text = `names an image definition for ${definition.osType}, but the source image is ${source.osType}`;
    throw problem(context, "galleryImageId", text);
  }
  const destination = context.inputs.artifacts?.destination ?? "";
  if (destination !== "" && destination.startsWith("/") !== (source.osType === "linux")) {
    const text = `is "${destination}", which is not an absolute folder on ${source.osType}`;
    throw problem(context, "artifactsDestination", text);
  }
  return source.osType;
}

// Source: image-builder-json: one of the regions must be the gallery's own.
function completeTargetRegions(
  context: BuildContext,
  { location }: ImageDefinition,
): readonly TargetRegion[] {
  const { targetRegions } = context.inputs;
  if (targetRegions.length === 0) return [{ name: location }];
  if (targetRegions.some((region) => region.name === location)) return targetRegions;
  const text = `must contain ${location}, the region of the image definition`;
  throw problem(context, "targetRegions", text);
}
