/** What a run leaves behind, and what Microsoft.Compute shows of it: galleries, images, VHDs, the marketplace. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import { startEmulator } from "../contract/emulatorProcess.ts";
import { Arm, type PlainAnswer, type Resource } from "./arm.ts";
import { onFastEmulator } from "./suite.ts";

type Properties = Record<string, unknown>;

const GALLERY_VERSION = "2024-03-03";
const IMAGES_VERSION = "2024-07-01";

let arm: Arm;
let count = 0;

onFastEmulator((client) => {
  arm = client;
  count += 1;
});

const name = () => `t-${count}`;

function group(): string {
  return `/subscriptions/${arm.value("SUBSCRIPTION_ID")}/resourceGroups/${arm.value("RESOURCE_GROUP")}`;
}

function gallery(): string {
  return arm.value("GALLERY_IMAGE_ID").replace(/\/images\/[^/]+$/, "");
}

function apiVersionOf(path: string): string {
  return path.includes("/galleries/") ? GALLERY_VERSION : IMAGES_VERSION;
}

function call(method: string, path: string, body?: unknown): Promise<PlainAnswer> {
  const options = { apiVersion: apiVersionOf(path), ...(body === undefined ? {} : { body }) };
  return arm.call(method, path, options);
}

async function settle({ headers }: PlainAnswer): Promise<Properties> {
  for (;;) {
    const { text } = await arm.call("GET", String(headers["azure-asyncoperation"]));
    const operation = JSON.parse(text) as Properties;
    if (operation["status"] !== "InProgress") return operation;
    await sleep(10);
  }
}

async function put(path: string, properties: Properties, location = "westeurope"): Promise<string> {
  const answer = await call("PUT", path, { location, properties });
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 201 });
  expect(await settle(answer)).toMatchObject({ status: "Succeeded" });
  return path;
}

const DEFINITION = {
  osType: "Linux",
  osState: "Generalized",
  identifier: { publisher: "p", offer: "o", sku: "s" },
};

/** An image definition of its own with these versions. */
async function definition(...versions: string[]): Promise<string> {
  const id = await put(`${gallery()}/images/d-${count}`, DEFINITION);
  const storageProfile = { source: { id: `${group()}/providers/Microsoft.Compute/images/x` } };
  await Promise.all(versions.map((it) => put(`${id}/versions/${it}`, { storageProfile })));
  return id;
}

const codeOf = ({ text }: PlainAnswer): string => JSON.parse(text).error.code;

interface Made {
  template: Resource;
  outputs: Array<{ name: string; properties: { artifactId?: string; artifactUri?: string } }>;
}

async function run(distribute: Properties[], changes: Properties = {}): Promise<Made> {
  const made = await arm.create(name(), arm.template({ distribute, ...changes }));
  expect(made.properties["provisioningError"]).toBeUndefined();
  return rerun();
}

async function rerun(): Promise<Made> {
  const template = await arm.run(name());
  const { text } = await arm.call("GET", `${arm.templateId(name())}/runOutputs`);
  return { template, outputs: JSON.parse(text).value };
}

const stateOf = ({ template }: Made) => template.properties.lastRunStatus?.runState;
const versionOf = ({ outputs }: Made) => outputs[0]?.properties.artifactId?.split("/").at(-1);
const toGallery = (galleryImageId: string, changes: Properties = {}) => ({
  type: "SharedImage",
  runOutputName: "out",
  galleryImageId,
  ...changes,
});

describe("the number of an image version", () => {
  // Source: image-builder-json.md, "versioning".
  const DOCUMENTED = "0.1.1 0.1.2 1.0.0 1.0.1 1.1.0 1.1.1 1.2.0 2.0.0 2.0.1 2.1.0".split(" ");

  test.each([
    [undefined, "2.1.1"],
    [-1, "2.1.1"],
    [2, "2.1.1"],
    [1, "1.2.1"],
    [0, "0.1.3"],
  ])("by scheme Latest with major %s is %s", async (major, expected) => {
    const versioning = { scheme: "Latest", ...(major === undefined ? {} : { major }) };
    const made = await run([toGallery(await definition(...DOCUMENTED), { versioning })]);
    expect(versionOf(made)).toBe(expected);
  });

  test("by scheme Source is that of the source", async () => {
    const source = {
      type: "SharedImageVersion",
      imageVersionId: `${gallery()}/images/base/versions/1.9.0`,
    };
    const sink = toGallery(await definition(), { versioning: { scheme: "Source" } });
    expect(versionOf(await run([sink], { source }))).toBe("1.9.0");
    expect(versionOf(await rerun())).toBe("1.9.1");
  });

  test("without a scheme is made from the time", async () => {
    expect(versionOf(await run([toGallery(await definition())]))).toMatch(/^0\.\d{5}\.\d+$/);
  });

  test("is as the template says, once", async () => {
    const id = `${await definition()}/versions/4.5.6`;
    expect(versionOf(await run([toGallery(id)]))).toBe("4.5.6");
    const again = await rerun();
    expect(stateOf(again)).toBe("Failed");
    expect(again.template.properties.lastRunStatus?.message).toContain("'4.5.6' already exists");
  });
});

describe("a gallery distributor", () => {
  test("makes a version with regions, replicas, storage, mode and tags", async () => {
    const sink = toGallery(await definition(), {
      excludeFromLatest: true,
      replicationMode: "Shallow",
      artifactTags: { team: "images" },
      targetRegions: [
        { name: "westeurope", replicaCount: 2, storageAccountType: "Premium_LRS" },
        { name: "eastus" },
      ],
    });
    const { outputs } = await run([sink]);
    const { artifactId = "" } = outputs[0]?.properties ?? {};
    const { text } = await call("GET", artifactId);
    expect(JSON.parse(text)).toMatchObject({
      location: "westeurope",
      tags: { team: "images" },
      properties: {
        publishingProfile: {
          excludeFromLatest: true,
          replicationMode: "Shallow",
          targetRegions: [
            { name: "westeurope", regionalReplicaCount: 2, storageAccountType: "Premium_LRS" },
            { name: "eastus", regionalReplicaCount: 1, storageAccountType: "Standard_LRS" },
          ],
        },
      },
    });
    expect(text).not.toContain("replicationStatus");
    const expanded = await call("GET", `${artifactId}?$expand=ReplicationStatus`);
    expect(JSON.parse(expanded.text).properties.replicationStatus).toMatchObject({
      aggregatedState: "Completed",
      summary: [{ region: "westeurope" }, { region: "eastus" }],
    });
  });
});

describe("a managed image distributor", () => {
  test("makes an image, which a template can start from", async () => {
    const imageId = `${group()}/providers/Microsoft.Compute/images/made`;
    const sink = { type: "ManagedImage", runOutputName: "out", imageId, location: "West Europe" };
    const made = await run([{ ...sink, artifactTags: { a: "b" } }]);
    expect(made.outputs[0]?.properties).toEqual({
      artifactId: imageId,
      provisioningState: "Succeeded",
    });
    const { text } = await call(
      "GET",
      imageId.toUpperCase().replace("/SUBSCRIPTIONS", "/subscriptions"),
    );
    expect(JSON.parse(text)).toMatchObject({
      name: "made",
      location: "westeurope",
      tags: { a: "b" },
      properties: { storageProfile: { osDisk: { osType: "Linux", osState: "Generalized" } } },
    });
    const next = await arm.create(
      "next",
      arm.template({ source: { type: "ManagedImage", imageId } }),
    );
    expect(next.properties.provisioningState).toBe("Succeeded");
  });
});

describe("a VHD distributor", () => {
  const headOf = async (url: string) => {
    const authorization = `Bearer ${await arm.token("https://storage.azure.com/.default")}`;
    return arm.send("HEAD", url, { authorization, "x-ms-version": "2025-07-05" }, "");
  };

  test("without a URI leaves a blob that goes with the template", async () => {
    const made = await run([{ type: "VHD", runOutputName: "disk", uri: "" }]);
    const { artifactUri = "", artifactId } = made.outputs[0]?.properties ?? {};
    expect(artifactId).toBeUndefined();
    expect(artifactUri).toMatch(/^https:\/\/[^?]+\/vhds\/[^?/]+\.vhd$/);
    expect((await headOf(artifactUri)).status).toBe(200);
    await arm.delete(name());
    expect((await headOf(artifactUri)).status).toBe(404);
  });

  test("with a URI leaves a blob there for good", async () => {
    const uri = `${arm.value("BLOB_ENDPOINT")}artifacts/kept.vhd`;
    const made = await run([{ type: "VHD", runOutputName: "disk", uri }]);
    expect(made.outputs[0]?.properties.artifactUri).toBe(uri);
    await arm.delete(name());
    expect((await headOf(uri)).status).toBe(200);
  });

  test("with a URI that leads nowhere fails", async () => {
    const uri = `${arm.value("BLOB_ENDPOINT")}nonesuch/a.vhd`;
    const made = await run([{ type: "VHD", runOutputName: "disk", uri }]);
    expect(stateOf(made)).toBe("Failed");
    expect(made.template.properties.lastRunStatus?.message).toContain("ContainerNotFound");
  });

  test("beside one that fails makes a run that partly succeeded", async () => {
    const uri = `${arm.value("BLOB_ENDPOINT")}nonesuch/a.vhd`;
    const made = await run([
      { type: "VHD", runOutputName: "good" },
      { type: "VHD", runOutputName: "bad", uri },
    ]);
    expect(stateOf(made)).toBe("PartiallySucceeded");
    expect(made.outputs.map((output) => output.name)).toEqual(["good"]);
  });
});

describe("a file on Linux", () => {
  test.each([
    ["/tmp/a.txt", "Succeeded"],
    ["/opt/a.txt", "Failed"],
  ])("uploaded to %s: the run ends %s", async (destination, state) => {
    const url = `${arm.value("BLOB_ENDPOINT")}artifacts/a.txt`;
    const authorization = `Bearer ${await arm.token("https://storage.azure.com/.default")}`;
    const headers = { authorization, "x-ms-version": "2025-07-05", "x-ms-blob-type": "BlockBlob" };
    expect((await arm.send("PUT", url, headers, "a")).status).toBe(201);
    const customize = [{ type: "File", sourceUri: url, destination }];
    const made = await run([{ type: "VHD", runOutputName: "disk" }], { customize });
    expect(stateOf(made)).toBe(state);
  });
});

describe("Microsoft.Compute", () => {
  test("a gallery is made, shown, listed and deleted by operations", async () => {
    const id = `${group()}/providers/Microsoft.Compute/galleries/mine`;
    const answer = await call("PUT", id, {
      location: "West Europe",
      tags: { a: "b" },
      properties: {},
    });
    expect(answer).toMatchObject({
      status: 201,
      headers: {
        "azure-asyncoperation": expect.stringMatching(
          /\/providers\/Microsoft\.Compute\/locations\/westeurope\/capsOperations\/[0-9a-f-]{36}\?.{3000,}/,
        ),
        "azure-asyncnotification": "Enabled",
      },
    });
    expect(JSON.parse(answer.text)).toMatchObject({
      location: "westeurope",
      tags: { a: "b" },
      properties: { provisioningState: "Creating" },
    });
    expect(await settle(answer)).toEqual({
      startTime: expect.any(String),
      endTime: expect.any(String),
      status: "Succeeded",
      name: expect.any(String),
    });
    expect(JSON.parse((await call("GET", id)).text).properties.provisioningState).toBe("Succeeded");
    expect((await call("PUT", id, { location: "westeurope" })).status).toBe(200);
    for (const scope of [group(), group().replace(/\/resourceGroups\/.*/, "")]) {
      const { text } = await call("GET", `${scope}/providers/Microsoft.Compute/galleries`);
      expect(JSON.parse(text).value.map((it: Resource) => it.name)).toContain("mine");
    }
    const deletion = await call("DELETE", id);
    expect(deletion).toMatchObject({ status: 202, headers: { location: expect.any(String) } });
    await settle(deletion);
    expect((await call("GET", id)).status).toBe(404);
    expect((await call("DELETE", id)).status).toBe(204);
  });

  test("a version replicates while it is made", async () => {
    const slow = await startEmulator({ speed: 1, moreArguments: ["--build-vm", "simulated"] });
    arm = new Arm(slow);
    try {
      const id = `${gallery()}/images/base/versions/4.0.0`;
      const storageProfile = { source: { id: `${group()}/providers/Microsoft.Compute/images/x` } };
      const targetRegions = [{ name: "westeurope" }, { name: "northeurope" }];
      const properties = { storageProfile, publishingProfile: { targetRegions } };
      const answer = await call("PUT", id, { location: "westeurope", properties });
      const shown = async () =>
        JSON.parse((await call("GET", `${id}?$expand=ReplicationStatus`)).text).properties;
      expect((await shown()).replicationStatus.aggregatedState).toBe("InProgress");
      await slow.control.post("/clock", { advanceInMs: 10_000 });
      await settle(answer);
      expect((await shown()).replicationStatus).toMatchObject({
        aggregatedState: "Completed",
        summary: [{ region: "westeurope", progress: 100 }, { region: "northeurope" }],
      });
    } finally {
      await slow.stop();
    }
  });

  test("what is not empty cannot be deleted", async () => {
    const id = await definition("1.0.0");
    const refused = await call("DELETE", id);
    expect({ status: refused.status, code: codeOf(refused) }).toEqual({
      status: 409,
      code: "CannotDeleteResource",
    });
    await settle(await call("DELETE", `${id}/versions/1.0.0`));
    expect((await call("DELETE", id)).status).toBe(202);
  });

  const storageProfile = { source: { id: "/x" } };
  test.each<[string, string, Properties, number]>([
    ["a version of two numbers", "images/base/versions/1.0", { storageProfile }, 400],
    ["a version beyond 32 bits", "images/base/versions/1.0.2147483648", { storageProfile }, 400],
    ["a version of nothing", "images/base/versions/1.0.0", {}, 400],
    ["a version of no definition", "images/nonesuch/versions/1.0.0", { storageProfile }, 404],
    ["a definition without identifier", "images/new", { ...DEFINITION, identifier: {} }, 400],
    ["a definition for no OS", "images/new", { ...DEFINITION, osType: "Plan9" }, 400],
    ["a definition in no state", "images/new", { ...DEFINITION, osState: "" }, 400],
  ])("%s is refused", async (_, path, properties, status) => {
    const body = { location: "westeurope", properties };
    const answer = await call("PUT", `${gallery()}/${path}`, body);
    expect({ status: answer.status, code: codeOf(answer) }).toEqual({
      status,
      code: status === 404 ? "ParentResourceNotFound" : "InvalidParameter",
    });
  });

  test("images are listed and deleted", async () => {
    const images = `${group()}/providers/Microsoft.Compute/images`;
    const osDisk = { osType: "Linux", osState: "Generalized", blobUri: "https://e.com/a.vhd" };
    await put(`${images}/listed`, { storageProfile: { osDisk } });
    for (const scope of [images, images.replace(/\/resourceGroups\/[^/]+/, "")]) {
      const { text } = await call("GET", scope);
      expect(JSON.parse(text).value.map((it: Resource) => it.name)).toContain("listed");
    }
    await settle(await call("DELETE", `${images}/listed`));
    expect((await call("GET", `${images}/listed`)).status).toBe(404);
  });
});

describe("the marketplace", () => {
  const publishers = () =>
    `/subscriptions/${arm.value("SUBSCRIPTION_ID")}/providers/Microsoft.Compute/locations/westeurope/publishers`;
  const names = async (path: string) => {
    const { text } = await call("GET", `${publishers()}${path}`);
    return JSON.parse(text).map((it: Resource) => it.name);
  };

  test("is found level by level", async () => {
    expect(await names("")).toEqual(
      expect.arrayContaining(["Canonical", "MicrosoftWindowsServer"]),
    );
    const offers = "/canonical/artifacttypes/vmimage/offers";
    expect(await names(offers)).toContain("ubuntu-24_04-lts");
    const skus = `${offers}/ubuntu-24_04-lts/skus`;
    expect(await names(skus)).toEqual(["server"]);
    expect(await names(`${skus}/server/versions?%24top=1&%24orderby=name%20desc`)).toHaveLength(1);
    expect((await call("GET", `${publishers()}/nobody/artifacttypes/vmimage/offers`)).status).toBe(
      404,
    );
  });
});
