/** Raw text to typed inputs: every rule about one input, and about inputs that go together. */
import { realpath, stat } from "node:fs/promises";
import path from "node:path";
import { type ArtifactPlan, hasHiddenPart, isInside, planArtifacts } from "./artifacts/walk.ts";
import type { InputName } from "./contract.ts";
import { ArtifactError, InputError } from "./errors.ts";
import { type Choice, collectAll, Form, idForm } from "./form.ts";
import type { Host } from "./host.ts";
import { parseResourceId, type ResourceId, regionName } from "./resourceId.ts";

/** Operating system of an image. */
export type OsType = Exclude<Choice<"osType">, "auto">;
/** When the image template and the staged artifacts are deleted. */
export type CleanUpPolicy = Choice<"cleanUp">;

/** Where the image starts from. `version` may be `latest`. */
export type Source =
  | { kind: "platform"; publisher: string; offer: string; sku: string; version: string }
  | { kind: "gallery"; definition: ResourceId; version: string };

/** A resource given by its name in the image template's resource group, or by its id. */
export type NameOrId = { kind: "name"; name: string } | { kind: "id"; id: ResourceId };

/** The storage account that artifacts travel through; the URL is its blob endpoint, without a slash at its end. */
export type StagingAccount = NameOrId | { kind: "endpoint"; url: string };

/** A region to replicate to, in the words of `TargetRegion`, api-version 2025-10-01. */
export interface TargetRegion {
  readonly name: string;
  readonly replicaCount?: number;
  readonly storageAccountType?: string;
}

/** Artifacts to bake in, and the way they travel. */
export interface Artifacts {
  readonly plan: ArtifactPlan;
  /** Empty when the user named none. */
  readonly destination: string;
  readonly account: StagingAccount;
  readonly containerName: string;
}

/** What the user asked for, checked as far as that is possible without asking Azure. Empty text: not given. */
export type Inputs = Awaited<ReturnType<typeof readInputs>>;

/**
 * Reads and checks every input.
 * @throws {InputError} holding every mistake, each with the input's name on this host, its value and what is allowed.
 */
export function readInputs(host: Host) {
  const form = new Form(host);
  return collectAll({
    signIn: () => host.signIn(),
    resourceGroupName: () => form.match("resourceGroupName", ...RESOURCE_GROUP_NAME),
    location: () => regionName(form.optionalMatch("location", ...LOCATION)),
    identity: () => readIdentity(form),
    templateName: () => form.optionalMatch("templateName", ...TEMPLATE_NAME),
    source: () => readSource(form),
    osType: () => form.choice("osType"),
    artifacts: () => readArtifacts(form, host),
    script: () => form.text("script"),
    imageDefinition: () => form.id("galleryImageId", IMAGE_DEFINITION),
    imageVersion: () => readImageVersion(form),
    targetRegions: () => readTargetRegions(form),
    imageTags: () => readImageTags(form),
    vmSize: () => form.optionalMatch("vmSize", ...VM_SIZE),
    osDiskSizeInGb: () => form.integer("osDiskSizeInGb", 0, MAX_OS_DISK_SIZE_IN_GB),
    subnetId: () => (form.text("subnetId") === "" ? "" : form.id("subnetId", SUBNET).id),
    buildTimeoutInMinutes: () => readBuildTimeout(form),
    cleanUp: () => form.choice("cleanUp"),
  });
}

// Azure's naming rules. Source: resource name rules of Azure Resource Manager; ImageTemplateName pattern,
// api-version 2025-10-01.
const RESOURCE_GROUP_NAME = [/^[-\w.()]{0,89}[-\w()]$/, "the name of a resource group"] as const;
const LOCATION = [/^[A-Za-z0-9 ]+$/, "an Azure region such as westeurope"] as const;
const TEMPLATE_NAME = [
  /^(?!\.+$)[A-Za-z0-9-_.]{1,64}$/,
  "1 to 64 letters, digits, hyphens, underscores or dots",
] as const;
const IMAGE_VERSION = [
  /^(?:0|[1-9]\d{0,9})(?:\.(?:0|[1-9]\d{0,9})){2}$/,
  "three numbers with dots between them, such as 1.4.0",
] as const;
const VM_SIZE = [/^[A-Za-z0-9_-]+$/, "a VM size such as Standard_D2s_v5"] as const;
const CONTAINER_NAME = [
  /^(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/,
  "3 to 63 lower-case letters, digits and single hyphens",
] as const;
const IDENTITY_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{2,127}$/;
const STORAGE_ACCOUNT_NAME = /^[a-z0-9]{3,24}$/;

const IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities";
const STORAGE_ACCOUNT = "Microsoft.Storage/storageAccounts";
const SUBNET = "Microsoft.Network/virtualNetworks/subnets";
const IMAGE_DEFINITION = "Microsoft.Compute/galleries/images";
const IMAGE_VERSION_OF_GALLERY = `${IMAGE_DEFINITION}/versions`;

// Source: OS disks of Azure VMs, up to 4,095 GB.
const MAX_OS_DISK_SIZE_IN_GB = 4095;

function readNameOrId(form: Form, name: InputName, pattern: RegExp, type: string): NameOrId {
  const text = form.text(name);
  const id = parseResourceId(text, type);
  if (id) return { kind: "id", id };
  if (pattern.test(text)) return { kind: "name", name: text };
  throw form.wrong(name, `its name in the resource group, or ${idForm(type)}`);
}

function readIdentity(form: Form): NameOrId {
  return readNameOrId(form, "managedIdentity", IDENTITY_NAME, IDENTITY);
}

function readSource(form: Form): Source {
  const text = form.text("sourceImage");
  const urn = /^([\w.-]+):([\w.-]+):([\w.-]+):(latest|\d+(?:\.\d+)*)$/i.exec(text);
  if (urn) {
    const [, publisher = "", offer = "", sku = "", version = ""] = urn;
    return { kind: "platform", publisher, offer, sku, version: version.toLowerCase() };
  }
  const id = parseResourceId(text, IMAGE_VERSION_OF_GALLERY);
  const version = id?.names[2]?.toLowerCase() ?? "";
  const definition = parseResourceId(text.replace(/\/versions\/[^/]*\/?$/i, ""), IMAGE_DEFINITION);
  if (id && definition && (version === "latest" || IMAGE_VERSION[0].test(version))) {
    return { kind: "gallery", definition, version };
  }
  throw form.wrong(
    "sourceImage",
    `publisher:offer:sku:version or ${idForm(IMAGE_VERSION_OF_GALLERY)}, the version being a number or latest`,
  );
}

// Source: gallery image versions are three 32-bit numbers.
const MAX_VERSION_PART = 2 ** 31 - 1;

function readImageVersion(form: Form): string {
  const version = form.optionalMatch("imageVersion", ...IMAGE_VERSION);
  if (version.split(".").every((part) => Number(part) <= MAX_VERSION_PART)) return version;
  throw form.wrong("imageVersion", `three numbers up to ${MAX_VERSION_PART}`);
}

/** Each entry is `region`, `region=replicas` or `region=replicas=storage type`, as `az sig image-version create` takes them. */
function readTargetRegions(form: Form): TargetRegion[] {
  const entries = form
    .text("targetRegions")
    .split(/[\n,]/)
    .map((entry) => entry.trim());
  const regions = entries
    .filter((entry) => entry !== "")
    .map((entry) => readTargetRegion(form, entry));
  const names = regions.map((region) => region.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice) throw form.wrong("targetRegions", "every region once", twice);
  return regions;
}

// Source: SharedImageStorageAccountType and TargetRegion.replicaCount, api-version 2025-10-01.
const STORAGE_ACCOUNT_TYPES = ["Standard_LRS", "Standard_ZRS", "Premium_LRS"];

function readTargetRegion(form: Form, entry: string): TargetRegion {
  const [name = "", count, storage, ...rest] = entry.split("=").map((part) => part.trim());
  const type = STORAGE_ACCOUNT_TYPES.find((each) => each.toLowerCase() === storage?.toLowerCase());
  const isCountGood = count === undefined || /^[1-9]\d{0,2}$/.test(count);
  if (
    !LOCATION[0].test(name) ||
    !isCountGood ||
    rest.length > 0 ||
    (storage !== undefined && !type)
  ) {
    throw form.wrong(
      "targetRegions",
      `region, region=replicas or region=replicas=storage type, with at least 1 replica and one of ${STORAGE_ACCOUNT_TYPES.join(", ")}`,
      entry,
    );
  }
  return {
    name: regionName(name),
    ...(count !== undefined && { replicaCount: Number(count) }),
    ...(type !== undefined && { storageAccountType: type }),
  };
}

// Source: tag limits of Azure Resource Manager: 50 tags, names up to 512, values up to 256 characters.
const MAX_IMAGE_TAGS = 40;

function readImageTags(form: Form): Record<string, string> {
  const lines = form
    .text("imageTags")
    .split("\n")
    .map((line) => line.trim());
  const tags = lines.filter((line) => line !== "").map((line) => readTag(form, line));
  if (tags.length > MAX_IMAGE_TAGS) throw form.wrong("imageTags", `at most ${MAX_IMAGE_TAGS} tags`);
  return Object.fromEntries(tags);
}

function readTag(form: Form, line: string): [string, string] {
  const match = /^([^=<>%&\\?/]{1,512})=(.{0,256})$/.exec(line);
  if (!match) {
    throw form.wrong(
      "imageTags",
      "one name=value per line, the name without < > % & \\ ? / and the value up to 256 characters",
      line,
    );
  }
  return [(match[1] ?? "").trim(), (match[2] ?? "").trim()];
}

// Source: buildTimeoutInMinutes, api-version 2025-10-01 (0 to 960, 0 means 240). With 1 to 5 the service's own
// token expires during the build, as its troubleshooting page says.
function readBuildTimeout(form: Form): number {
  const text = form.text("buildTimeoutInMinutes");
  const value = Number(text);
  if (/^\d+$/.test(text) && (value === 0 || (value >= 6 && value <= 960))) return value;
  const hours = /^(\d+)\s*h/i.exec(text)?.[1];
  const example = hours ? `; for ${hours} hours write ${Number(hours) * 60}` : "";
  throw form.wrong("buildTimeoutInMinutes", `0 or a whole number from 6 to 960${example}`);
}

async function readArtifacts(form: Form, host: Host): Promise<Artifacts | undefined> {
  // What is given is checked, even where nothing uses it.
  const { plan, account, ...rest } = await collectAll({
    plan: () => readArtifactsPath(form, host),
    destination: () => form.optionalMatch("artifactsDestination", ...DESTINATION),
    account: () => readStagingAccount(form),
    containerName: () => form.match("storageContainerName", ...CONTAINER_NAME),
  });
  return plan && account ? { plan, account, ...rest } : undefined;
}

// Quotes (PowerShell takes curly ones too) and line ends would break out of the commands that unpack on the build VM.
const DESTINATION = [
  /^(?:\/|[A-Za-z]:\\)[^'"`$\u2018-\u201f\p{Cc}]*$/u,
  "an absolute folder such as /opt/web-server or C:\\web-server, without quotes",
] as const;

async function readArtifactsPath(form: Form, host: Host): Promise<ArtifactPlan | undefined> {
  if (form.text("artifactsPath") === "") return undefined;
  const folder = path.resolve(host.workspace, form.text("artifactsPath"));
  const facts = await stat(folder).catch(() => undefined);
  if (!facts?.isDirectory() && !facts?.isFile()) {
    throw form.wrong(
      "artifactsPath",
      `a folder or file that exists; a relative path starts at "${host.workspace}"`,
    );
  }
  const real = await realpath(folder);
  const home = await realpath(host.homeFolder).catch(() => host.homeFolder);
  if (isInside(real, home) || path.parse(real).root === real) {
    throw form.wrong("artifactsPath", "a folder of the repository, not the root or home folder");
  }
  if (isHidden(host.workspace, folder)) {
    throw form.wrong(
      "artifactsPath",
      "a folder or file that is not hidden; hidden ones are never packed",
    );
  }
  try {
    const plan = await planArtifacts(folder, host.signal);
    if (plan.fileCount > 0) return plan;
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error;
    throw form.wrong("artifactsPath", `a folder that can be packed. ${error.details.join(" ")}`);
  }
  throw form.wrong("artifactsPath", "a folder with at least one file that is not hidden");
}

/** True when a part of the path is hidden: below the workspace, or the last one elsewhere. */
function isHidden(workspace: string, folder: string): boolean {
  const below = isInside(workspace, folder)
    ? path.relative(workspace, folder)
    : path.basename(folder);
  return hasHiddenPart(below);
}

function readStagingAccount(form: Form): StagingAccount | undefined {
  const text = form.text("storageAccountName");
  if (text === "") {
    if (form.text("artifactsPath") === "") return undefined;
    throw new InputError([
      `Input '${form.host.inputLabel("storageAccountName")}' is missing; artifacts travel through a storage account. Create one with: az storage account create --name <name> --resource-group ${form.text("resourceGroupName")} --allow-shared-key-access false --allow-blob-public-access false`,
    ]);
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // Nothing but scheme, host and path: a query may be a signature, and a password may stand before the host.
  if (url?.protocol === "https:" && url.href === url.origin + url.pathname && !/[?#]/.test(text)) {
    return { kind: "endpoint", url: url.href.replace(/\/+$/, "") };
  }
  return readNameOrId(form, "storageAccountName", STORAGE_ACCOUNT_NAME, STORAGE_ACCOUNT);
}
