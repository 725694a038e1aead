/**
 * Every input and output of the product, once. DATA ONLY: `action.yml`, the inputs of `task/task.json` and the
 * README tables are rendered from here by `build.mjs`, and `inputs.ts` derives its types from here.
 */

/** A host that can run the product. */
export type HostName = "github" | "azure-pipelines" | "local";

/** How one input is declared. */
export interface InputDeclaration {
  /** `lines` is a multi-line text; `connection` is an Azure Resource Manager service connection. */
  readonly type: "string" | "lines" | "choice" | "connection";
  readonly group: keyof typeof inputGroups;
  readonly required?: boolean;
  /** Used when the user gives nothing; shown in every manifest. */
  readonly default?: string;
  readonly options?: readonly string[];
  /** Hosts that have this input; all of them when absent. */
  readonly hosts?: readonly HostName[];
  /** Short label for the pipeline editor. */
  readonly label: string;
  /** One or two sentences for every manifest and the README; `{name}` stands for an input in the host's spelling. */
  readonly description: string;
  /** A secret is masked before anything else happens. */
  readonly secret?: boolean;
}

/** Groups of inputs, in the order in which a reader meets them. */
export const inputGroups = {
  signIn: "Sign-in",
  template: "Image template",
  source: "Source",
  build: "What to build",
  distribution: "Distribution",
  machine: "Build VM",
  behaviour: "Behaviour",
} as const;

/** Every input, by its camelCase name (GitHub spells the same name in kebab-case). */
export const inputs = {
  azureSubscription: {
    type: "connection",
    group: "signIn",
    required: true,
    hosts: ["azure-pipelines"],
    label: "Azure service connection",
    description:
      "Azure Resource Manager service connection to sign in with: workload identity federation, or a service principal with a key.",
  },
  clientId: {
    type: "string",
    group: "signIn",
    hosts: ["github", "local"],
    label: "Client id",
    description:
      "Application (client) id of the app registration or user-assigned identity that signs in. On GitHub it signs in with the workflow's OIDC token unless {clientSecret} is given.",
  },
  tenantId: {
    type: "string",
    group: "signIn",
    hosts: ["github", "local"],
    label: "Tenant id",
    description: "Microsoft Entra tenant id of that application.",
  },
  subscriptionId: {
    type: "string",
    group: "signIn",
    hosts: ["github", "local"],
    label: "Subscription id",
    description: "Azure subscription that holds {resourceGroupName}.",
  },
  clientSecret: {
    type: "string",
    group: "signIn",
    hosts: ["github", "local"],
    secret: true,
    label: "Client secret",
    description: "Secret of the application, for tenants without federated credentials.",
  },
  resourceManagerEndpoint: {
    type: "string",
    group: "signIn",
    hosts: ["github", "local"],
    default: "https://management.azure.com/",
    label: "Azure Resource Manager endpoint",
    description:
      "Resource Manager URL of the cloud; any cloud other than the public one. Everything else about that cloud is read from its `/metadata/endpoints`.",
  },
  resourceGroupName: {
    type: "string",
    group: "template",
    required: true,
    label: "Resource group",
    description: "Existing resource group in which the image template is created.",
  },
  location: {
    type: "string",
    group: "template",
    label: "Location",
    description:
      "Azure region of the image template and the build VM, such as `westeurope`. The resource group's region when not given.",
  },
  managedIdentity: {
    type: "string",
    group: "template",
    required: true,
    label: "Managed identity",
    description:
      "User-assigned identity that Azure VM Image Builder works with: its name in the same resource group, or its resource id.",
  },
  templateName: {
    type: "string",
    group: "template",
    label: "Image template name",
    description:
      "Name for the image template. When not given, a unique one is made from the run id, the attempt and 8 random characters.",
  },
  sourceImage: {
    type: "string",
    group: "source",
    required: true,
    label: "Source image",
    description:
      "Image to start from: a marketplace image as `publisher:offer:sku:version`, or the resource id of a gallery image version. The version may be `latest`; it is resolved to a number before the build.",
  },
  osType: {
    type: "choice",
    group: "source",
    options: ["auto", "linux", "windows"],
    default: "auto",
    label: "Operating system",
    description: "Operating system of the source image; `auto` reads it from the source.",
  },
  artifactsPath: {
    type: "string",
    group: "build",
    label: "Artifacts path",
    description:
      "Folder or file to bake into the image, relative to the repository. `.git` and hidden files are left out. The packed size may be up to 20 MB.",
  },
  artifactsDestination: {
    type: "string",
    group: "build",
    label: "Artifacts destination",
    description:
      "Absolute folder on the build VM where the artifacts are unpacked. `/tmp/<folder>` on Linux and `C:\\<folder>` on Windows when not given.",
  },
  script: {
    type: "lines",
    group: "build",
    label: "Script",
    description:
      "Commands that run on the build VM after the artifacts are unpacked: Shell on Linux, PowerShell on Windows. They are stored in the image template, so they must not hold secrets.",
  },
  storageAccountName: {
    type: "string",
    group: "build",
    label: "Staging storage account",
    description:
      "Storage account that the artifacts travel through: its name in the same resource group, its resource id, or its blob endpoint URL. Needed with {artifactsPath}.",
  },
  storageContainerName: {
    type: "string",
    group: "build",
    default: "image-builder",
    label: "Staging container",
    description: "Blob container in that account; it is created when it does not exist.",
  },
  galleryImageId: {
    type: "string",
    group: "distribution",
    required: true,
    label: "Gallery image definition",
    description: "Resource id of the image definition that receives the new image version.",
  },
  targetRegions: {
    type: "lines",
    group: "distribution",
    label: "Target regions",
    description:
      "Regions to replicate to, one per line or separated by commas, each `region`, `region=replicas` or `region=replicas=storage type`, such as `westeurope=2=Standard_ZRS`. The region of the image definition must be among them and is the default.",
  },
  imageVersion: {
    type: "string",
    group: "distribution",
    label: "Image version",
    description:
      "Version number to make, such as `1.4.0`; it must not exist yet. The service chooses a number when not given.",
  },
  imageTags: {
    type: "lines",
    group: "distribution",
    label: "Image tags",
    description:
      "Tags for the image version, one `name=value` per line. Tags with the run URL, the repository and the commit are always added.",
  },
  vmSize: {
    type: "string",
    group: "machine",
    label: "VM size",
    description:
      "Size of the build VM, such as `Standard_D2s_v5`. The service's default when not given.",
  },
  osDiskSizeInGb: {
    type: "string",
    group: "machine",
    label: "OS disk size in GB",
    description: "Size of the OS disk; it can only be larger than the source's.",
  },
  subnetId: {
    type: "string",
    group: "machine",
    label: "Subnet",
    description:
      "Resource id of the subnet to build in. The service makes its own network when not given.",
  },
  buildTimeoutInMinutes: {
    type: "string",
    group: "machine",
    default: "0",
    label: "Build timeout in minutes",
    description:
      "How long the service lets a build run: 6 to 960, or 0 for the service's default of 240.",
  },
  cleanUp: {
    type: "choice",
    group: "behaviour",
    options: ["always", "on-success", "never"],
    default: "always",
    label: "Clean up",
    description:
      "When to delete the image template and the staged artifacts at the end. A build that is cancelled is always stopped.",
  },
} as const satisfies Record<string, InputDeclaration>;

/** How one output is declared. */
export interface OutputDeclaration {
  readonly description: string;
}

/** Every output, by its camelCase name (GitHub spells the same name in kebab-case). */
export const outputs = {
  imageId: { description: "Resource id of the new image version." },
  imageVersion: { description: "Version number of the new image version." },
  imageIds: { description: "Resource ids of everything that was made, as a JSON array." },
  runOutputs: {
    description:
      "Every run output as a JSON array of objects with `name`, `artifactId` and `provisioningState`.",
  },
  templateId: { description: "Resource id of the image template." },
  templateName: { description: "Name of the image template." },
  runStatus: {
    description: "How the run ended: `Succeeded`, `PartiallySucceeded`, `Failed` or `Canceled`.",
  },
  sourceVersion: { description: "Exact version of the source image that was used." },
} as const satisfies Record<string, OutputDeclaration>;

/** Name of an input, in camelCase. */
export type InputName = keyof typeof inputs;
/** Name of an output, in camelCase. */
export type OutputName = keyof typeof outputs;

/** The GitHub spelling of a camelCase name: `osDiskSizeInGb` becomes `os-disk-size-in-gb`. */
export function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
