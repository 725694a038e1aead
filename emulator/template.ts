/** An image template as the emulator keeps it, and as the service shows it. Pure. */
import { serviceTime } from "./clock.ts";
import { type JsonObject, objectOf, objectsOf, stringOf } from "./json.ts";
import type { Operation } from "./operations.ts";
import { segmentAfter } from "./resourceIds.ts";
import type { StagingResourceGroup } from "./stagingResourceGroups.ts";

/** Those of the service that the emulator passes through. */
export type ProvisioningState = "Creating" | "Updating" | "Succeeded" | "Failed" | "Deleting";

/** Why a creation failed, as GET shows it. */
export interface ProvisioningError {
  provisioningErrorCode: string;
  message: string;
}

/** `lastRunStatus` before it is written for the wire. */
export interface RunStatus {
  startedAtInMs: number;
  endedAtInMs?: number;
  runState: string;
  runSubState?: string;
  message: string;
}

/** Starts a run when there is a newer source image. */
export interface Trigger {
  name: string;
  provisioningState: "Creating" | "Succeeded" | "Deleting";
  /** In ms since the epoch; known once it is active. */
  activeSinceInMs?: number;
}

/** What a distributor made. */
export interface RunOutput {
  name: string;
  /** Absent for a VHD, which has `artifactUri`. */
  artifactId?: string;
  artifactUri?: string;
}

/** Everything known of an image template. */
export interface Template {
  id: string;
  name: string;
  location: string;
  tags: JsonObject;
  /** Empty when an update removed it. */
  identityId: string;
  /** Known once the creation succeeded. */
  identity?: { principalId: string; clientId: string };
  /** As submitted, known fields only. */
  properties: JsonObject;
  /** Known once the creation succeeded. */
  exactVersion?: string;
  osType: string;
  provisioningState: ProvisioningState;
  provisioningError?: ProvisioningError;
  staging?: StagingResourceGroup;
  /** What customizers and validators name, by URI. Known once the creation succeeded. */
  files?: Map<string, Buffer>;
  lastRunStatus?: RunStatus;
  runOutputs: RunOutput[];
  triggers: Trigger[];
  deletion?: Operation;
}

/** In the spelling of the request that created it. */
export function groupNameOf(template: Template): string {
  return segmentAfter(template.id, "resourceGroups");
}

/** The service writes `/resourcegroups/` in the ids of its own resources. Source: recorded exchanges. */
export function wireId(id: string): string {
  return id.replace(/\/resourceGroups\//i, "/resourcegroups/");
}

const TYPE = "Microsoft.VirtualMachineImages/imageTemplates";

/** Shape and order of fields as recorded from the service, api-version 2022-07-01. */
export function templateBody(template: Template): JsonObject {
  return {
    properties: propertiesBody(template),
    identity: identityBody(template),
    tags: template.tags,
    location: template.location,
    id: wireId(template.id),
    name: template.name,
    type: TYPE,
  };
}

function identityBody({ identityId, identity }: Template): JsonObject {
  if (!identityId) return { type: "None" };
  return { type: "UserAssigned", userAssignedIdentities: { [identityId]: identity ?? {} } };
}

function propertiesBody(template: Template): JsonObject {
  const { source, customize, optimize, validate, distribute, errorHandling, ...others } =
    template.properties;
  const optional = { optimize, validate };
  const { buildTimeoutInMinutes, stagingResourceGroup, ...rest } = others;
  return withoutUndefined({
    source: sourceBody(objectOf(source), template.exactVersion),
    ...(customize === undefined ? {} : { customize: objectsOf(customize).map(sorted) }),
    ...optional,
    distribute: objectsOf(distribute).map(distributorBody),
    errorHandling,
    provisioningState: template.provisioningState,
    provisioningError: template.provisioningError,
    lastRunStatus: template.lastRunStatus && runStatusBody(template.lastRunStatus),
    buildTimeoutInMinutes: buildTimeoutInMinutes ?? 0,
    ...rest,
    stagingResourceGroup: stagingResourceGroup ?? "",
    exactStagingResourceGroup: template.staging?.id ?? "",
  });
}

/** A gallery version shows its number, a managed image has none. */
function sourceBody(source: JsonObject, exactVersion: string | undefined): JsonObject {
  if (source["type"] === "ManagedImage") return sorted(source);
  const given = stringOf(source["version"]) || stringOf(source["imageVersionId"]);
  const asGiven =
    source["type"] === "PlatformImage" ? given : given.slice(given.lastIndexOf("/") + 1);
  return sorted({ ...source, exactVersion: exactVersion ?? asGiven });
}

function distributorBody(distributor: JsonObject): JsonObject {
  if (distributor["type"] !== "SharedImage") return sorted(distributor);
  return sorted({ excludeFromLatest: false, versioning: null, ...distributor });
}

const NEVER = "0001-01-01T00:00:00Z";

/** Source: recorded fragments of lastRunStatus: the zero time while running, no sub state at the end. */
export function runStatusBody(status: RunStatus): JsonObject {
  return {
    startTime: serviceTime(status.startedAtInMs),
    endTime: status.endedAtInMs === undefined ? NEVER : serviceTime(status.endedAtInMs),
    runState: status.runState,
    ...(status.runSubState === undefined ? {} : { runSubState: status.runSubState }),
    message: status.message,
  };
}

/** Shape as recorded from the service, api-version 2022-02-14. */
export function runOutputBody(template: Template, output: RunOutput): JsonObject {
  return {
    properties: {
      ...(output.artifactId === undefined ? {} : { artifactId: output.artifactId }),
      ...(output.artifactUri === undefined ? {} : { artifactUri: output.artifactUri }),
      provisioningState: "Succeeded",
    },
    id: `${wireId(template.id)}/runOutputs/${output.name}`,
    name: output.name,
    type: `${TYPE}/runOutputs`,
  };
}

/** Shape as recorded from the service, api-version 2022-07-01. */
export function triggerBody(template: Template, trigger: Trigger): JsonObject {
  const { name, provisioningState, activeSinceInMs } = trigger;
  const status = activeSinceInMs !== undefined && {
    status: { code: "Healthy", message: "Trigger is active", time: serviceTime(activeSinceInMs) },
  };
  return {
    properties: { kind: "SourceImage", provisioningState, ...status },
    id: `${wireId(template.id)}/triggers/${name}`,
    name,
    type: `${TYPE}/triggers`,
  };
}

function sorted(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function withoutUndefined(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined));
}
