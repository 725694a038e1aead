/**
 * The fields of an image template by api-version, as data. Sources: imagebuilder.json of api-versions 2022-02-14, 2022-07-01,
 * 2024-02-01 and 2025-10-01; image-builder-api-update-release-notes.md for those in between.
 *
 * A kind is `string`, `uri`, `boolean`, `integer` with a range, `A|B` for a choice, `map` for name-value strings, the name of
 * another table, or any of them with `[]`. A leading `!` marks a required field, `readOnly` one the service sets. `since`
 * names the first api-version that has the field, `@` the first that has a choice; without it every version does.
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
const STORAGE_ACCOUNT_TYPE = "Standard_LRS|Standard_ZRS|Premium_LRS@2022-07-01";

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
  /** What PATCH takes. */
  ImageTemplateUpdateParameters: {
    identity: "Identity",
    tags: "map",
    properties: "UpdateProperties since 2023-07-01",
  },
  UpdateProperties: { distribute: "Distributor[]", vmProfile: "VmProfile since 2024-02-01" },
  Identity: {
    type: "!UserAssigned|None",
    userAssignedIdentities: "any",
    principalId: "readOnly",
    tenantId: "readOnly",
  },
  Properties: {
    source: "!Source",
    customize: "Customizer[]",
    optimize: "Optimize since 2022-07-01",
    validate: "Validate since 2022-02-14",
    distribute: "!Distributor[]",
    errorHandling: "ErrorHandling since 2023-07-01",
    buildTimeoutInMinutes: "integer 0..960",
    vmProfile: "VmProfile",
    additionalDataDisks: "DataDisk[] since 2025-10-01",
    stagingResourceGroup: "string since 2022-02-14",
    autoRun: "State since 2024-02-01",
    managedResourceTags: "map since 2024-02-01",
    provisioningState: "readOnly",
    provisioningError: "readOnly",
    lastRunStatus: "readOnly",
    exactStagingResourceGroup: "readOnly since 2022-02-14",
  },
  PlanInfo: { planName: "!string", planProduct: "!string", planPublisher: "!string" },
  Optimize: { vmBoot: "State", workload: "Workload since 2025-10-01" },
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
    userAssignedIdentities: "string[] since 2021-10-01",
    vnetConfig: "VnetConfig",
  },
  VnetConfig: {
    subnetId: "string",
    containerInstanceSubnetId: "string since 2024-02-01",
    proxyVmSize: "string since 2021-10-01",
  },
  DataDisk: { sizeGB: "integer 0..32767" },
  TargetRegion: {
    name: "!string",
    replicaCount: "integer 1..100",
    storageAccountType: STORAGE_ACCOUNT_TYPE,
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
        exactVersion: "readOnly since 2021-10-01",
        planInfo: "PlanInfo",
      },
      ManagedImage: { type: "!string", imageId: "!string" },
      SharedImageVersion: {
        type: "!string",
        imageVersionId: "!string",
        exactVersion: "readOnly since 2022-07-01",
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
        restartTimeout: "duration",
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
  Validator: {
    by: "type",
    of: {
      Shell: SHELL,
      PowerShell: POWER_SHELL,
      File: { ...FILE, type: "!string since 2022-07-01" },
    },
  },
  Distributor: {
    by: "type",
    of: {
      ManagedImage: { ...DISTRIBUTOR, imageId: "!string", location: "!string" },
      SharedImage: {
        ...DISTRIBUTOR,
        galleryImageId: "!string",
        targetRegions: "TargetRegion[] since 2022-07-01",
        replicationRegions: "string[]",
        excludeFromLatest: "boolean",
        storageAccountType: STORAGE_ACCOUNT_TYPE,
        versioning: "Versioning since 2022-07-01",
        replicationMode: "Full|Shallow since 2025-10-01",
      },
      VHD: { ...DISTRIBUTOR, uri: "uri since 2022-07-01" },
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
