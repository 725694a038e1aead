/** Rules of an image template as data: what breaks each, and what stands beside it and does not. */

/** The properties of an image template, or some of them. */
export type Properties = Record<string, unknown>;

/** A customizer or validator that is whole. */
export const SHELL = { type: "Shell", inline: ["true"] };
const POWER_SHELL = { type: "PowerShell", inline: ["exit 0"] };
const VHD = { type: "VHD", runOutputName: "out" };
const GALLERY =
  "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/c/images/i";
const IMAGE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/i";
const NETWORK =
  "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/n/subnets";
/** An id of the right form. */
export const IDENTITY =
  "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/u";
/** A gallery distributor that is whole, but names no region. */
export const SHARED_IMAGE = { type: "SharedImage", runOutputName: "out", galleryImageId: GALLERY };

/** One customizer, changed. */
export const customize = (changes: Properties, base: Properties = SHELL) => ({
  customize: [{ ...base, ...changes }],
});
const distribute = (changes: Properties, base: Properties = SHARED_IMAGE) => ({
  distribute: [{ ...base, ...changes }],
});
const network = (vnetConfig: Properties) => ({ vmProfile: { vnetConfig } });
const regions = (...targetRegions: unknown[]) => distribute({ targetRegions });
/** A version of a gallery as source. */
export const gallerySource = (version: string) => ({
  source: { type: "SharedImageVersion", imageVersionId: `${GALLERY}/versions/${version}` },
});
const platform = (changes: Properties) => ({
  source: {
    type: "PlatformImage",
    publisher: "p",
    offer: "o",
    sku: "s",
    version: "latest",
    ...changes,
  },
});
const plan = { planName: "a", planProduct: "b", planPublisher: "c" };

/** Title, refused, message, accepted. */
export const RULES: ReadonlyArray<readonly [string, Properties, string, Properties]> = [
  ["a source needs a type", { source: {} }, "Missing field 'type'", platform({})],
  [
    "a source type is one of three",
    platform({ type: "Iso" }),
    "'type' has a bad value: 'Iso'",
    platform({}),
  ],
  [
    "a platform image needs a version",
    platform({ version: "" }),
    "Missing field 'version'",
    platform({}),
  ],
  [
    "a purchase plan is whole",
    platform({ planInfo: { planName: "a" } }),
    "Missing field 'planProduct'",
    platform({ planInfo: plan }),
  ],
  [
    "a managed image source is an id",
    { source: { type: "ManagedImage", imageId: "image" } },
    "'imageId' has a bad value",
    { source: { type: "ManagedImage", imageId: IMAGE } },
  ],
  [
    "a gallery source names a version",
    gallerySource("newest"),
    "'imageVersionId' has a bad value",
    gallerySource("latest"),
  ],
  [
    "a customizer type is known",
    customize({ type: "Bash" }),
    "'type' has a bad value: 'Bash'",
    customize({}),
  ],
  [
    "a script is inline or a URI",
    customize({ scriptUri: "https://example.com/a.sh" }),
    "Exactly one",
    { customize: [{ type: "Shell", scriptUri: "https://example.com/a.sh" }] },
  ],
  ["a script is there", customize({ inline: [] }), "Exactly one", customize({})],
  ["inline is a list", customize({ inline: "true" }), "'inline' has a bad value", customize({})],
  [
    "a script URI is one",
    customize({ inline: [], scriptUri: "a.sh" }),
    "'scriptUri' has a bad value",
    customize({}),
  ],
  [
    "a checksum is lower-case hex",
    customize({ sha256Checksum: "AB".repeat(32) }),
    "'sha256Checksum' has a bad value",
    customize({ sha256Checksum: "ab".repeat(32) }),
  ],
  [
    "a file has a destination",
    customize({ type: "File", sourceUri: "https://example.com/a" }, {}),
    "Missing field 'destination'",
    customize({ type: "File", sourceUri: "https://example.com/a", destination: "/tmp/a" }, {}),
  ],
  [
    "runAsSystem goes with runElevated",
    customize({ runAsSystem: true }, POWER_SHELL),
    "'runAsSystem' has a bad value",
    customize({ runAsSystem: true, runElevated: true }, POWER_SHELL),
  ],
  [
    "exit codes are numbers",
    customize({ validExitCodes: ["0"] }, POWER_SHELL),
    "'validExitCodes[0]' has a bad value",
    customize({ validExitCodes: [0, 3010] }, POWER_SHELL),
  ],
  [
    "a restart timeout has a unit",
    customize({ type: "WindowsRestart", restartTimeout: "10 minutes" }, {}),
    "'restartTimeout' has a bad value",
    customize({ type: "WindowsRestart", restartTimeout: "10m" }, {}),
  ],
  [
    "an update limit is not negative",
    customize({ type: "WindowsUpdate", updateLimit: -1 }, {}),
    "'updateLimit' has a bad value",
    customize({ type: "WindowsUpdate", updateLimit: 0 }, {}),
  ],
  [
    "a validator is Shell, PowerShell or File",
    { validate: { inVMValidations: [{ type: "WindowsRestart" }] } },
    "'type' has a bad value",
    { validate: { inVMValidations: [SHELL] } },
  ],
  [
    "a validator's script is one of two",
    { validate: { inVMValidations: [{ type: "Shell" }] } },
    "validate.inVMValidations[0]': Exactly one",
    { validate: { inVMValidations: [POWER_SHELL] } },
  ],
  ["there is a distributor", { distribute: [] }, "Missing field 'distribute'", distribute({}, VHD)],
  [
    "a distributor type is known",
    distribute({ type: "Disk" }),
    "'type' has a bad value",
    distribute({}),
  ],
  [
    "a run output has a name",
    distribute({ runOutputName: "" }),
    "Missing field 'runOutputName'",
    distribute({}),
  ],
  [
    "a run output name has a form",
    distribute({ runOutputName: "a b" }),
    "'runOutputName' has a bad value: 'a b'",
    distribute({ runOutputName: "a-b_c.D1" }),
  ],
  [
    "a run output name has at most 64 characters",
    distribute({ runOutputName: "a".repeat(65) }),
    "'runOutputName' has a bad value",
    distribute({ runOutputName: "a".repeat(64) }),
  ],
  [
    "run output names differ",
    { distribute: [VHD, { ...VHD, runOutputName: "OUT" }] },
    "'runOutputName' has a bad value",
    { distribute: [VHD, { ...VHD, runOutputName: "other" }] },
  ],
  [
    "artifact tags are texts",
    distribute({ artifactTags: { a: 1 } }),
    "'artifactTags' has",
    distribute({ artifactTags: { a: "1" } }),
  ],
  [
    "a managed image has a location",
    distribute({ imageId: IMAGE }, { ...VHD, type: "ManagedImage" }),
    "Missing field 'location'",
    distribute({ imageId: IMAGE, location: "westeurope" }, { ...VHD, type: "ManagedImage" }),
  ],
  [
    "a gallery image id is that of a definition or version",
    distribute({ galleryImageId: `${GALLERY}/versions/1.0` }),
    "'galleryImageId' has a bad value",
    distribute({ galleryImageId: `${GALLERY}/versions/1.0.0` }),
  ],
  [
    "regions are named in one way",
    distribute({ targetRegions: [{ name: "westeurope" }], replicationRegions: ["westeurope"] }),
    "'replicationRegions' has a bad value",
    distribute({ replicationRegions: ["westeurope"] }),
  ],
  [
    "a storage account type goes with replicationRegions",
    distribute({ storageAccountType: "Standard_ZRS", targetRegions: [{ name: "westeurope" }] }),
    "'storageAccountType' has a bad value",
    distribute({ storageAccountType: "Standard_ZRS", replicationRegions: ["westeurope"] }),
  ],
  [
    "a region has a name",
    regions({ replicaCount: 1 }),
    "Missing field 'name'",
    regions({ name: "westeurope" }),
  ],
  [
    "a region is named once",
    regions({ name: "westeurope" }, { name: "West Europe" }),
    "'targetRegions' has a bad value",
    regions({ name: "westeurope" }, { name: "northeurope" }),
  ],
  [
    "there is at least one replica",
    regions({ name: "westeurope", replicaCount: 0 }),
    "'replicaCount' has a bad value",
    regions({ name: "westeurope", replicaCount: 2 }),
  ],
  [
    "a region's storage is known",
    regions({ name: "westeurope", storageAccountType: "Ultra" }),
    "'storageAccountType' has a bad value",
    regions({ name: "westeurope", storageAccountType: "Premium_LRS" }),
  ],
  [
    "a versioning scheme is Latest or Source",
    distribute({ versioning: { scheme: "Newest" } }),
    "'scheme' has a bad value",
    distribute({ versioning: { scheme: "Source" } }),
  ],
  [
    "a major version is not below -1",
    distribute({ versioning: { scheme: "Latest", major: -2 } }),
    "'major' has a bad value",
    distribute({ versioning: { scheme: "Latest", major: -1 } }),
  ],
  [
    "a major version goes with Latest",
    distribute({ versioning: { scheme: "Source", major: 1 } }),
    'unknown field "major"',
    distribute({ versioning: { scheme: "Latest", major: 1 } }),
  ],
  [
    "a replication mode is Full or Shallow",
    distribute({ replicationMode: "Half" }),
    "'replicationMode' has a bad value",
    distribute({ replicationMode: "Shallow" }),
  ],
  [
    "a VHD goes to a URI",
    distribute({ uri: "vhds/a" }, VHD),
    "'uri' has a bad value",
    distribute({ uri: "" }, VHD),
  ],
  [
    "a timeout is at most 960",
    { buildTimeoutInMinutes: 961 },
    "bad value: '961'",
    { buildTimeoutInMinutes: 960 },
  ],
  [
    "a timeout is not negative",
    { buildTimeoutInMinutes: -1 },
    "bad value: '-1'",
    { buildTimeoutInMinutes: 0 },
  ],
  [
    "a timeout is whole minutes",
    { buildTimeoutInMinutes: 1.5 },
    "bad value: '1.5'",
    { buildTimeoutInMinutes: 6 },
  ],
  [
    "a disk size is not negative",
    { vmProfile: { osDiskSizeGB: -1 } },
    "'osDiskSizeGB' has",
    { vmProfile: { osDiskSizeGB: 0 } },
  ],
  [
    "the VM's identities are ids",
    { vmProfile: { userAssignedIdentities: ["id"] } },
    "'userAssignedIdentities' has a bad value: 'id'",
    { vmProfile: { userAssignedIdentities: [IDENTITY] } },
  ],
  [
    "a subnet is an id",
    network({ subnetId: "build" }),
    "'subnetId' has a bad value",
    network({ subnetId: `${NETWORK}/build` }),
  ],
  [
    "a container subnet goes with a build subnet",
    network({ containerInstanceSubnetId: `${NETWORK}/containers` }),
    "Missing field 'subnetId'",
    network({ containerInstanceSubnetId: `${NETWORK}/containers`, subnetId: `${NETWORK}/build` }),
  ],
  [
    "a container subnet excludes a proxy VM",
    network({
      containerInstanceSubnetId: `${NETWORK}/containers`,
      subnetId: `${NETWORK}/build`,
      proxyVmSize: "Standard_A1_v2",
    }),
    "'proxyVmSize' has a bad value",
    network({ subnetId: `${NETWORK}/build`, proxyVmSize: "Standard_A1_v2" }),
  ],
  [
    "a container subnet is another one",
    network({ containerInstanceSubnetId: `${NETWORK}/BUILD`, subnetId: `${NETWORK}/build` }),
    "'containerInstanceSubnetId' has a bad value",
    network({ containerInstanceSubnetId: `${NETWORK}/other`, subnetId: `${NETWORK}/build` }),
  ],
  [
    "a container subnet is of the same network",
    network({
      containerInstanceSubnetId: `${NETWORK.replace("/n/", "/m/")}/containers`,
      subnetId: `${NETWORK}/build`,
    }),
    "'containerInstanceSubnetId' has a bad value",
    network({ containerInstanceSubnetId: `${NETWORK}/containers`, subnetId: `${NETWORK}/build` }),
  ],
  [
    "stagingResourceGroup is a whole id",
    { stagingResourceGroup: "rg-staging" },
    "'stagingResourceGroup' has a bad value",
    { stagingResourceGroup: "/subscriptions/s/resourceGroups/rg-staging" },
  ],
  [
    "autoRun is on or off",
    { autoRun: { state: "On" } },
    "'state' has a bad value",
    { autoRun: { state: "Disabled" } },
  ],
  [
    "errors are cleaned up or not",
    { errorHandling: { onCustomizerError: "ignore" } },
    "'onCustomizerError' has a bad value",
    { errorHandling: { onCustomizerError: "abort", onValidationError: "cleanup" } },
  ],
  [
    "tags of managed resources are texts",
    { managedResourceTags: { a: true } },
    "'managedResourceTags' has a bad value",
    { managedResourceTags: { a: "true" } },
  ],
];

/**
 * Field, an api-version before, the first that has it, properties that use it. Those before that drop the field are ones
 * whose documents are not at hand, so that the recorded requests can all be held against a document.
 */
export const SINCE: ReadonlyArray<readonly [string, string, string, Properties]> = [
  [
    "userAssignedIdentities",
    "2020-02-14",
    "2021-10-01",
    { vmProfile: { userAssignedIdentities: [] } },
  ],
  ["proxyVmSize", "2020-02-14", "2021-10-01", network({ proxyVmSize: "Standard_A1_v2" })],
  ["validate", "2021-10-01", "2022-02-14", { validate: { inVMValidations: [SHELL] } }],
  ["stagingResourceGroup", "2021-10-01", "2022-02-14", { stagingResourceGroup: "" }],
  ["optimize", "2021-10-01", "2022-07-01", { optimize: { vmBoot: { state: "Enabled" } } }],
  ["errorHandling", "2021-10-01", "2023-07-01", { errorHandling: { onCustomizerError: "abort" } }],
  ["autoRun", "2023-07-01", "2024-02-01", { autoRun: { state: "Disabled" } }],
  ["managedResourceTags", "2023-07-01", "2024-02-01", { managedResourceTags: { a: "b" } }],
  ["additionalDataDisks", "2024-02-01", "2025-10-01", { additionalDataDisks: [{ sizeGB: 1 }] }],
  ["workload", "2024-02-01", "2025-10-01", { optimize: { workload: { state: "Disabled" } } }],
  ["replicationMode", "2024-02-01", "2025-10-01", distribute({ replicationMode: "Full" })],
];
