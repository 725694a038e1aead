import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, test } from "@jest/globals";
import type { InputName } from "../../shared/contract.ts";
import { InputError } from "../../shared/errors.ts";
import { type Inputs, readInputs } from "../../shared/inputs.ts";
import { DEFINITION_ID, fakeHost, GROUP_ID } from "./fakes.ts";

const workspace = mkdtempSync(path.join(os.tmpdir(), "inputs-"));
mkdirSync(path.join(workspace, "site"));
mkdirSync(path.join(workspace, "empty/.git"), { recursive: true });
writeFileSync(path.join(workspace, "site/index.html"), "hello");
mkdirSync(path.join(workspace, "linked"));
writeFileSync(path.join(workspace, "linked/.env"), "SECRET=1");
symlinkSync(".env", path.join(workspace, "linked/env"));

type Given = Partial<Record<InputName, string>>;

function read(given: Given): Promise<Inputs> {
  return readInputs(fakeHost(given, { workspace, homeFolder: os.homedir() }));
}

async function problemsOf(given: Given): Promise<readonly string[]> {
  try {
    await read(given);
  } catch (error) {
    if (error instanceof InputError) return error.problems;
    throw error;
  }
  return [];
}

const staged = { storageAccountName: "staging" };

describe("wrong inputs are refused with name, value and what is allowed", () => {
  const cases: [Given, RegExp][] = [
    [
      { buildTimeoutInMinutes: "4h" },
      /'build-timeout-in-minutes' is "4h"; expected 0 or a whole number from 6 to 960; for 4 hours write 240/,
    ],
    [{ buildTimeoutInMinutes: "1" }, /is "1"; expected 0 or .* 6 to 960/],
    [{ buildTimeoutInMinutes: "5" }, /is "5"/],
    [{ buildTimeoutInMinutes: "961" }, /is "961"/],
    [{ buildTimeoutInMinutes: "-6" }, /is "-6"/],
    [{ buildTimeoutInMinutes: "6.5" }, /is "6.5"/],
    [
      { sourceImage: "ubuntu" },
      /'source-image' is "ubuntu"; expected publisher:offer:sku:version or \/subscriptions/,
    ],
    [{ sourceImage: "a:b:c" }, /'source-image'/],
    [{ sourceImage: "a:b:c:newest" }, /'source-image'/],
    [{ sourceImage: DEFINITION_ID }, /'source-image'/],
    [{ sourceImage: `${DEFINITION_ID}/versions/1.2` }, /'source-image'/],
    [{ sourceImage: "" }, /'source-image' is missing/],
    [{ galleryImageId: "my-image" }, /'gallery-image-id' is "my-image"; expected \/subscriptions/],
    [{ galleryImageId: `${DEFINITION_ID}/versions/1.0.0` }, /'gallery-image-id'/],
    [{ galleryImageId: "" }, /'gallery-image-id' is missing/],
    [
      { managedIdentity: "a/b" },
      /'managed-identity' is "a\/b"; expected its name .*, or \/subscriptions/,
    ],
    [{ managedIdentity: "" }, /'managed-identity' is missing/],
    [{ subnetId: "default" }, /'subnet-id' is "default"; expected .*virtualNetworks/],
    [{ resourceGroupName: "bad." }, /'resource-group-name' is "bad."/],
    [{ resourceGroupName: "" }, /'resource-group-name' is missing/],
    [{ location: "west-europe" }, /'location' is "west-europe"/],
    [{ templateName: "a b" }, /'template-name' is "a b"; expected 1 to 64/],
    [{ templateName: "x".repeat(65) }, /'template-name'/],
    [{ imageVersion: "v1.0.0" }, /'image-version' is "v1.0.0"; expected three numbers/],
    [{ imageVersion: "1.0" }, /'image-version'/],
    [{ imageVersion: "1.0.01" }, /'image-version'/],
    [{ imageVersion: "1.0.2147483648" }, /'image-version' .*2147483647/],
    [{ osType: "macos" }, /'os-type' is "macos"; expected one of auto, linux, windows/],
    [
      { cleanUp: "sometimes" },
      /'clean-up' is "sometimes"; expected one of always, on-success, never/,
    ],
    [{ targetRegions: "westeurope=0" }, /'target-regions' is "westeurope=0"/],
    [{ targetRegions: "westeurope=1=Fast" }, /'target-regions' .*Standard_ZRS/],
    [
      { targetRegions: "westeurope, West Europe=2" },
      /'target-regions' is "westeurope"; expected every region once/,
    ],
    [{ imageTags: "team" }, /'image-tags' is "team"; expected one name=value per line/],
    [{ imageTags: `a=${"x".repeat(257)}` }, /'image-tags'/],
    [{ osDiskSizeInGb: "big" }, /'os-disk-size-in-gb' is "big"; expected a whole number/],
    [{ osDiskSizeInGb: "5000" }, /'os-disk-size-in-gb'/],
    [{ vmSize: "D2 v5" }, /'vm-size'/],
    [
      { ...staged, artifactsPath: "nowhere" },
      /'artifacts-path' is "nowhere"; expected a folder or file that exists/,
    ],
    [{ ...staged, artifactsPath: "empty" }, /'artifacts-path' is "empty"; .*at least one file/],
    [{ ...staged, artifactsPath: "/" }, /'artifacts-path' is "\/"; .*not the root or home folder/],
    [{ ...staged, artifactsPath: os.homedir() }, /'artifacts-path' .*not the root or home folder/],
    [{ artifactsPath: "site" }, /'storage-account-name' is missing; .*az storage account create/],
    [{ ...staged, artifactsPath: "empty/.git" }, /'artifacts-path' is "empty\/.git"; .*not hidden/],
    [
      { ...staged, artifactsPath: "linked" },
      /'artifacts-path' .*"env" is a link to something hidden/,
    ],
    [{ artifactsDestination: "relative" }, /'artifacts-destination' is "relative"/],
    [
      { ...staged, artifactsPath: "site", artifactsDestination: "C:\\a\u2019b" },
      /'artifacts-destination'/,
    ],
    [{ storageAccountName: "!!!" }, /'storage-account-name' is "!!!"/],
    [{ targetRegions: "westeurope=2=" }, /'target-regions' is "westeurope=2="/],
    [{ templateName: ".." }, /'template-name' is ".."/],
    [
      { artifactsPath: "site", storageAccountName: "https://a.blob.example/?" },
      /'storage-account-name'/,
    ],
    [
      { artifactsPath: "site", storageAccountName: "https://a.blob.example/#x" },
      /'storage-account-name'/,
    ],
    [{ artifactsPath: "site", storageAccountName: "UPPER" }, /'storage-account-name' is "UPPER"/],
    [
      { artifactsPath: "site", storageAccountName: "http://a.blob.example/" },
      /'storage-account-name'/,
    ],
    [
      { ...staged, artifactsPath: "site", storageContainerName: "a--b" },
      /'storage-container-name'/,
    ],
    [
      { ...staged, artifactsPath: "site", artifactsDestination: "opt/x" },
      /'artifacts-destination'/,
    ],
    [
      { ...staged, artifactsPath: "site", artifactsDestination: "/opt/$(x)" },
      /'artifacts-destination'/,
    ],
    [
      { ...staged, artifactsPath: "site", artifactsDestination: "/opt/a'b" },
      /'artifacts-destination'/,
    ],
  ];

  test.each(cases)("%j", async (given, expected) => {
    const problems = await problemsOf(given);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(expected);
  });
});

test("all mistakes come together, in the order of the contract", async () => {
  const problems = await problemsOf({
    sourceImage: "x",
    cleanUp: "y",
    imageVersion: "z",
    osType: "w",
  });
  expect(problems.map((text) => /'([^']+)'/.exec(text)?.[1])).toEqual([
    "source-image",
    "os-type",
    "image-version",
    "clean-up",
  ]);
});

describe("a secret that was pasted into an input is not repeated", () => {
  test.each([
    "https://a.blob.example/?sv=1&sig=SECRET",
    "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=SECRET==;EndpointSuffix=x",
    "https://me:SECRET@a.blob.example/",
    "https://:SECRET@a.blob.example/",
  ])("%s", async (storageAccountName) => {
    const [problem] = await problemsOf({ artifactsPath: "site", storageAccountName });
    expect(problem).toContain("'storage-account-name'");
    expect(problem).not.toContain("SECRET");
  });
});

describe("right inputs are understood", () => {
  test("defaults", async () => {
    expect(await read({})).toMatchObject({
      buildTimeoutInMinutes: 0,
      cleanUp: "always",
      osType: "auto",
      artifacts: undefined,
      targetRegions: [],
      imageTags: {},
      identity: { kind: "name", name: "id-image-builder" },
    });
  });

  test("a platform image and a gallery image version are told apart by their form", async () => {
    expect((await read({})).source).toEqual({
      kind: "platform",
      publisher: "Canonical",
      offer: "ubuntu-24_04-lts",
      sku: "server",
      version: "latest",
    });
    const { source } = await read({ sourceImage: `${DEFINITION_ID}/versions/LATEST` });
    expect(source).toMatchObject({
      kind: "gallery",
      version: "latest",
      definition: { id: DEFINITION_ID },
    });
  });

  test("regions, tags, sizes", async () => {
    const inputs = await read({
      targetRegions: "West Europe=2=standard_zrs, northeurope\nuksouth=3",
      imageTags: "team=web\nurl=https://example.org/?a=b,c:d\n",
      osDiskSizeInGb: "64",
      buildTimeoutInMinutes: "960",
      imageVersion: "1.4.0",
    });
    expect(inputs.targetRegions).toEqual([
      { name: "westeurope", replicaCount: 2, storageAccountType: "Standard_ZRS" },
      { name: "northeurope" },
      { name: "uksouth", replicaCount: 3 },
    ]);
    expect(inputs.imageTags).toEqual({ team: "web", url: "https://example.org/?a=b,c:d" });
    expect(inputs).toMatchObject({ osDiskSizeInGb: 64, buildTimeoutInMinutes: 960 });
  });

  test.each([
    ["staging", { kind: "name", name: "staging" }],
    ["https://staging.blob.example/", { kind: "endpoint", url: "https://staging.blob.example" }],
    [`${GROUP_ID}/providers/Microsoft.Storage/storageAccounts/staging`, { kind: "id" }],
  ])("the staging account %s", async (storageAccountName, account) => {
    const { artifacts } = await read({ artifactsPath: "site", storageAccountName });
    expect(artifacts).toMatchObject({
      account,
      containerName: "image-builder",
      plan: { fileCount: 1 },
    });
  });
});
