/** The Azure SDKs drive what the product itself does not ask for: updates, triggers, galleries and images. */
import { readFileSync } from "node:fs";
import { ComputeManagementClient } from "@azure/arm-compute";
import { ImageBuilderClient, type ImageTemplate } from "@azure/arm-imagebuilder";
import { ClientSecretCredential } from "@azure/identity";
import { BlobServiceClient } from "@azure/storage-blob";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type RunningEmulator, startEmulator } from "../contract/emulatorProcess.ts";

const FAST = { updateIntervalInMs: 20 };

let emulator: RunningEmulator;

beforeAll(async () => {
  const moreArguments = ["--build-vm", "simulated"];
  emulator = await startEmulator({ speed: 200, moreArguments });
});
afterAll(() => emulator.stop());

const value = (name: string) => emulator.env[`EMULATOR_${name}`] ?? "";
const tlsOptions = () => ({ ca: readFileSync(value("CA_FILE"), "utf8") });

function credential() {
  return new ClientSecretCredential(
    value("TENANT_ID"),
    value("CLIENT_ID"),
    value("CLIENT_SECRET"),
    {
      authorityHost: value("AUTHORITY_HOST"),
      disableInstanceDiscovery: true,
      tlsOptions: tlsOptions(),
    },
  );
}

function arm() {
  const retryOptions = { maxRetries: 0 };
  return { endpoint: value("ARM_ENDPOINT"), tlsOptions: tlsOptions(), retryOptions };
}

const imageBuilder = () => new ImageBuilderClient(credential(), value("SUBSCRIPTION_ID"), arm());
const compute = () => new ComputeManagementClient(credential(), value("SUBSCRIPTION_ID"), arm());

function template(): ImageTemplate {
  return {
    location: value("LOCATION"),
    identity: { type: "UserAssigned", userAssignedIdentities: { [value("IDENTITY_ID")]: {} } },
    source: {
      type: "PlatformImage",
      publisher: "Canonical",
      offer: "ubuntu-24_04-lts",
      sku: "server",
      version: "latest",
    },
    distribute: [{ type: "VHD", runOutputName: "disk" }],
  } as ImageTemplate;
}

describe("@azure/arm-imagebuilder", () => {
  test("updates a template and gives it a trigger", async () => {
    const group = value("RESOURCE_GROUP");
    const { virtualMachineImageTemplates: templates, triggers } = imageBuilder();
    await templates.createOrUpdate(group, "sdk", template(), FAST);
    const tagged = await templates.update(group, "sdk", { tags: { a: "b" } }, FAST);
    expect(tagged.tags).toEqual({ a: "b" });
    const distribute = [
      { type: "VHD" as const, runOutputName: "disk" },
      { type: "VHD" as const, runOutputName: "more" },
    ];
    await templates.update(group, "sdk", { properties: { distribute } }, FAST);
    expect((await templates.get(group, "sdk")).distribute).toHaveLength(2);

    const made = { properties: { kind: "SourceImage" as const } };
    await triggers.createOrUpdate(group, "sdk", "source", made, FAST);
    const shown = await triggers.get(group, "sdk", "source");
    expect(shown.properties?.status?.code).toBe("Healthy");
    await triggers.delete(group, "sdk", "source", FAST);
    await expect(triggers.get(group, "sdk", "source")).rejects.toMatchObject({ statusCode: 404 });
    await templates.delete(group, "sdk", FAST);
  });
});

describe("@azure/arm-compute", () => {
  test("makes a gallery with a definition and a version, and removes them", async () => {
    const group = value("RESOURCE_GROUP");
    const { galleries, galleryImages, galleryImageVersions } = compute();
    const location = value("LOCATION");
    const gallery = await galleries.beginCreateOrUpdateAndWait(group, "sdk", { location }, FAST);
    expect(gallery.provisioningState).toBe("Succeeded");
    const identifier = { publisher: "p", offer: "o", sku: "s" };
    const definition = { location, osType: "Linux", osState: "Generalized", identifier } as const;
    await galleryImages.beginCreateOrUpdateAndWait(group, "sdk", "image", definition, FAST);
    const storageProfile = { source: { id: `${value("GALLERY_IMAGE_ID")}/versions/1.0.0` } };
    const version = await galleryImageVersions.beginCreateOrUpdateAndWait(
      group,
      "sdk",
      "image",
      "1.0.0",
      { location, storageProfile, publishingProfile: { targetRegions: [{ name: location }] } },
      FAST,
    );
    expect(version.publishingProfile?.targetRegions).toMatchObject([{ regionalReplicaCount: 1 }]);
    await galleryImageVersions.beginDeleteAndWait(group, "sdk", "image", "1.0.0", FAST);
    await galleryImages.beginDeleteAndWait(group, "sdk", "image", FAST);
    await galleries.beginDeleteAndWait(group, "sdk", FAST);
    await expect(galleries.get(group, "sdk")).rejects.toMatchObject({ statusCode: 404 });
  });

  test("makes an image and removes it", async () => {
    const group = value("RESOURCE_GROUP");
    const { images } = compute();
    const osDisk = {
      osType: "Linux",
      osState: "Generalized",
      blobUri: "https://e.com/a.vhd",
    } as const;
    const body = { location: value("LOCATION"), storageProfile: { osDisk } };
    const image = await images.beginCreateOrUpdateAndWait(group, "sdk", body, FAST);
    expect(image.storageProfile?.osDisk?.osType).toBe("Linux");
    await images.beginDeleteAndWait(group, "sdk", FAST);
    await expect(images.get(group, "sdk")).rejects.toMatchObject({ statusCode: 404 });
  });
});

test("@azure/storage-blob gets a user delegation key", async () => {
  const options = { tlsOptions: tlsOptions(), retryOptions: { maxTries: 1 } };
  const service = new BlobServiceClient(value("BLOB_ENDPOINT"), credential(), options);
  const key = await service.getUserDelegationKey(new Date(), new Date(Date.now() + 3_600_000));
  expect(key.value).not.toBe("");
});
