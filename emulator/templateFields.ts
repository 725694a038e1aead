/**
 * The fields of an image template, as data. Source: imagebuilder.json, api-version 2025-10-01.
 *
 * A kind is `string`, `uri`, `boolean`, `integer` with a range, `A|B` for a choice, `map` for name-value strings, the name of
 * another table, or any of them with `[]`. A leading `!` marks a required field, `readOnly` one the service sets.
 */

/** Field name to kind. */
export type Fields = Readonly<Record<string, string>>;

/** Tables chosen by the value of a field: `source.type` and its kin. */
export interface Union {
  by: string;
  of: Readonly<Record<string, Fields>>;
}

const SCRIPT = {
  name: "string",
  scriptUri: "uri",
  sha256Checksum: "checksum",
  inline: "string[]",
};
const SHELL = { type: "!string", ...SCRIPT };
const POWER_SHELL = {
  type: "!string",
  ...SCRIPT,
  runElevated: "boolean",
  runAsSystem: "boolean",
  validExitCodes: "integer -2147483648..2147483647[]",
};
const FILE = {
  type: "!string",
  name: "string",
  sourceUri: "uri",
  sha256Checksum: "checksum",
  destination: "string",
};
const DISTRIBUTOR = { type: "!string", runOutputName: "!name", artifactTags: "map" };

/** Objects with one set of fields. */
export const TABLES: Readonly<Record<string, Fields>> = {
  ImageTemplate: {
    location: "!string",
    tags: "map",
    identity: "!Identity",
    properties: "!Properties",
    id: "readOnly",
    name: "readOnly",
    type: "readOnly",
    systemData: "readOnly",
  },
  Identity: {
    type: "!UserAssigned|None",
    userAssignedIdentities: "any",
    principalId: "readOnly",
    tenantId: "readOnly",
  },
  Properties: {
    source: "!Source",
    customize: "Customizer[]",
    optimize: "Optimize",
    validate: "Validate",
    distribute: "!Distributor[]",
    errorHandling: "ErrorHandling",
    buildTimeoutInMinutes: "integer 0..960",
    vmProfile: "VmProfile",
    additionalDataDisks: "DataDisk[]",
    stagingResourceGroup: "string",
    autoRun: "State",
    managedResourceTags: "map",
    provisioningState: "readOnly",
    provisioningError: "readOnly",
    lastRunStatus: "readOnly",
    exactStagingResourceGroup: "readOnly",
  },
  PlanInfo: { planName: "!string", planProduct: "!string", planPublisher: "!string" },
  Optimize: { vmBoot: "State", workload: "Workload" },
  State: { state: "Enabled|Disabled" },
  Workload: { state: "Enabled|Disabled", scriptUri: "uri", sha256Checksum: "checksum" },
  Validate: {
    continueDistributeOnFailure: "boolean",
    sourceValidationOnly: "boolean",
    inVMValidations: "Validator[]",
  },
  ErrorHandling: { onCustomizerError: "cleanup|abort", onValidationError: "cleanup|abort" },
  VmProfile: {
    vmSize: "string",
    osDiskSizeGB: "integer 0..32767",
    userAssignedIdentities: "string[]",
    vnetConfig: "VnetConfig",
  },
  VnetConfig: {
    subnetId: "string",
    containerInstanceSubnetId: "string",
    proxyVmSize: "string",
  },
  DataDisk: { sizeGB: "integer 0..32767" },
  TargetRegion: {
    name: "!string",
    replicaCount: "integer 1..100",
    storageAccountType: "Standard_LRS|Standard_ZRS|Premium_LRS",
  },
};

/** Objects whose fields depend on a discriminator. */
export const UNIONS: Readonly<Record<string, Union>> = {
  Source: {
    by: "type",
    of: {
      PlatformImage: {
        type: "!string",
        publisher: "!string",
        offer: "!string",
        sku: "!string",
        version: "!string",
        exactVersion: "readOnly",
        planInfo: "PlanInfo",
      },
      ManagedImage: { type: "!string", imageId: "!string" },
      SharedImageVersion: {
        type: "!string",
        imageVersionId: "!string",
        exactVersion: "readOnly",
      },
    },
  },
  Customizer: {
    by: "type",
    of: {
      Shell: SHELL,
      PowerShell: POWER_SHELL,
      File: FILE,
      WindowsRestart: {
        type: "!string",
        name: "string",
        restartCommand: "string",
        restartCheckCommand: "string",
        restartTimeout: "string",
      },
      WindowsUpdate: {
        type: "!string",
        name: "string",
        searchCriteria: "string",
        filters: "string[]",
        updateLimit: "integer 0..2147483647",
      },
    },
  },
  Validator: { by: "type", of: { Shell: SHELL, PowerShell: POWER_SHELL, File: FILE } },
  Distributor: {
    by: "type",
    of: {
      ManagedImage: { ...DISTRIBUTOR, imageId: "!string", location: "!string" },
      SharedImage: {
        ...DISTRIBUTOR,
        galleryImageId: "!string",
        targetRegions: "TargetRegion[]",
        replicationRegions: "string[]",
        excludeFromLatest: "boolean",
        storageAccountType: "Standard_LRS|Standard_ZRS|Premium_LRS",
        versioning: "Versioning",
        replicationMode: "Full|Shallow",
      },
      VHD: { ...DISTRIBUTOR, uri: "string" },
    },
  },
  Versioning: {
    by: "scheme",
    of: {
      Latest: { scheme: "!string", major: "integer -1..2147483647" },
      Source: { scheme: "!string" },
    },
  },
};
