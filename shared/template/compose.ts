/** Composes the image template that is sent, from checked inputs and what Azure said about them. Pure. */
import type { ImageTemplateBody } from "../azure/imageTemplate.ts";
import type { Provenance } from "../host.ts";
import type { Inputs, OsType, TargetRegion } from "../inputs.ts";
import { type Customizer, type StagedArtifact, unpackCustomizers } from "./unpack.ts";

/** What had to be asked before a template can be written. */
export interface Resolved {
  readonly location: string;
  readonly identityId: string;
  readonly osType: OsType;
  /** `properties.source`, with an exact version. */
  readonly source: Readonly<Record<string, unknown>>;
  readonly targetRegions: readonly TargetRegion[];
}

/** Which run makes the template; kept as tags so that a leftover can be traced and found. */
export interface RunMark {
  readonly runId: string;
  /** Unique per build, so that a template whose create request lost its answer is known again. */
  readonly buildId: string;
  readonly provenance: Provenance;
  /** After this moment the template is a leftover, whatever happened to its run. */
  readonly expiresAt: Date;
}

/** The only distributor has this run output name. */
export const RUN_OUTPUT_NAME = "image";

/** Name of the customizer that holds the user's inline script. */
const SCRIPT_NAME = "script";

/** Writes an `ImageTemplate`, api-version 2025-10-01. */
export function composeTemplate(
  inputs: Inputs,
  resolved: Resolved,
  artifact: StagedArtifact | undefined,
  mark: RunMark,
): ImageTemplateBody {
  const customize = customizers(inputs.script, resolved.osType, artifact);
  const vmProfile = composeVmProfile(inputs);
  return {
    location: resolved.location,
    tags: {
      ...provenanceTags(mark.provenance),
      runId: mark.runId,
      buildId: mark.buildId,
      expiresAt: mark.expiresAt.toISOString(),
    },
    identity: { type: "UserAssigned", userAssignedIdentities: { [resolved.identityId]: {} } },
    properties: {
      source: resolved.source,
      ...(customize.length > 0 && { customize }),
      distribute: [galleryDistributor(inputs, resolved, mark.provenance)],
      buildTimeoutInMinutes: inputs.buildTimeoutInMinutes,
      ...(Object.keys(vmProfile).length > 0 && { vmProfile }),
    },
  };
}

function provenanceTags({ runUrl, repository, commit }: Provenance): Record<string, string> {
  const tags = { createdBy: "azure-vm-image-builder", runUrl, repository, commit };
  const known = Object.entries(tags).filter(([, value]) => value !== undefined && value !== "");
  return Object.fromEntries(known.map(([name, value = ""]) => [name, value.slice(0, 256)]));
}

function customizers(
  script: string,
  osType: OsType,
  artifact: StagedArtifact | undefined,
): Customizer[] {
  const unpack = artifact ? unpackCustomizers(osType, artifact) : [];
  if (script.trim() === "") return unpack;
  const type = osType === "windows" ? "PowerShell" : "Shell";
  const lines = script.replace(/\r\n/g, "\n").replace(/\n+$/, "").split("\n");
  const inline = osType === "linux" && lines[0]?.startsWith("#!") ? withInterpreter(lines) : lines;
  return [...unpack, { type, name: SCRIPT_NAME, inline }];
}

// The service runs inline commands by `/bin/sh -e`, which would read a first line such as `#!/bin/bash` as a comment.
function withInterpreter(lines: readonly string[]): string[] {
  const file = "/tmp/azure-vm-image-builder-script";
  const end = "END_OF_AZURE_VM_IMAGE_BUILDER_SCRIPT";
  return [`cat > ${file} <<'${end}'`, ...lines, end, `chmod 700 ${file}`, file, `rm -f ${file}`];
}

function galleryDistributor(inputs: Inputs, resolved: Resolved, provenance: Provenance) {
  const { id } = inputs.imageDefinition;
  return {
    type: "SharedImage",
    runOutputName: RUN_OUTPUT_NAME,
    galleryImageId: inputs.imageVersion === "" ? id : `${id}/versions/${inputs.imageVersion}`,
    targetRegions: resolved.targetRegions,
    artifactTags: withUserTags(provenanceTags(provenance), inputs.imageTags),
  };
}

/** Tag names differ by more than their case, so a user's tag takes the place of ours whatever its case. */
function withUserTags(ours: Inputs["imageTags"], users: Inputs["imageTags"]): Inputs["imageTags"] {
  const taken = new Set(Object.keys(users).map((name) => name.toLowerCase()));
  const kept = Object.entries(ours).filter(([name]) => !taken.has(name.toLowerCase()));
  return { ...Object.fromEntries(kept), ...users };
}

function composeVmProfile({ vmSize, osDiskSizeInGb, subnetId }: Inputs): Record<string, unknown> {
  return {
    ...(vmSize !== "" && { vmSize }),
    ...(osDiskSizeInGb > 0 && { osDiskSizeGB: osDiskSizeInGb }),
    ...(subnetId !== "" && { vnetConfig: { subnetId } }),
  };
}
