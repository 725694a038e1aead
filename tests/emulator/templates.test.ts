/** The life of an image template: what its creation finds, what may be changed in which state, what starts a run. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { type RunningEmulator, startEmulator } from "../contract/emulatorProcess.ts";
import { Arm, type PlainAnswer, type Resource } from "./arm.ts";
import { onFastEmulator } from "./suite.ts";

type Properties = Record<string, unknown>;

const GROUPS_VERSION = "2025-04-01";
const COMPUTE_VERSION = "2024-03-03";
const IMAGES_VERSION = "2024-07-01";

let arm: Arm;
let count = 0;

onFastEmulator((client) => {
  arm = client;
  count += 1;
});

function group(name = arm.value("RESOURCE_GROUP")): string {
  return `/subscriptions/${arm.value("SUBSCRIPTION_ID")}/resourceGroups/${name}`;
}

/** Everything of the gallery that is not an image version of the seeded definition. */
function gallery(): string {
  return arm.value("GALLERY_IMAGE_ID").replace(/\/images\/[^/]+$/, "");
}

async function putGroup(name: string, changes: Properties = {}): Promise<string> {
  const body = { location: "westeurope", ...changes };
  await arm.call("PUT", group(name), { body, apiVersion: GROUPS_VERSION });
  return group(name);
}

async function putImage(
  name: string,
  changes: Properties = {},
  groupId = group(),
): Promise<string> {
  const { location = "westeurope", ...disk } = changes;
  const osDisk = {
    osType: "Linux",
    osState: "Generalized",
    blobUri: "https://e.com/a.vhd",
    ...disk,
  };
  const id = `${groupId}/providers/Microsoft.Compute/images/${name}`;
  const body = { location, properties: { storageProfile: { osDisk } } };
  const { status } = await arm.call("PUT", id, { body, apiVersion: IMAGES_VERSION });
  expect(status).toBe(201);
  return id;
}

const name = () => `t-${count}`;
const create = (changes: Properties = {}) => arm.create(name(), arm.template(changes));
const codeOf = ({ text }: PlainAnswer): string => JSON.parse(text).error.code;

/** Waits for the operation that an accepted request points to. */
async function settle(
  answer: PlainAnswer,
): Promise<{ status: string; error?: { message: string } }> {
  const url = String(answer.headers["azure-asyncoperation"]);
  for (;;) {
    const operation = JSON.parse((await arm.call("GET", url)).text);
    if (operation.status !== "InProgress") return operation;
    await sleep(10);
  }
}

async function expectFailed(changes: Properties, code: string, message: string) {
  const { properties } = await create(changes);
  expect(properties).toMatchObject({
    provisioningState: "Failed",
    provisioningError: { provisioningErrorCode: code, message: expect.stringContaining(message) },
    exactStagingResourceGroup: "",
  });
  await arm.delete(name());
}

async function expectMade(changes: Properties): Promise<Resource> {
  const made = await create(changes);
  expect(made.properties["provisioningError"]).toBeUndefined();
  expect(made.properties).toMatchObject({ provisioningState: "Succeeded" });
  return made;
}

describe("the source", () => {
  const platform = (changes: Properties) => ({
    source: {
      type: "PlatformImage",
      publisher: "contoso-images",
      offer: "hardened-linux",
      sku: "level-1",
      version: "latest",
      ...changes,
    },
  });
  const plan = {
    planName: "level-1",
    planProduct: "hardened-linux",
    planPublisher: "contoso-images",
  };

  test("a platform image is on the marketplace", async () => {
    await expectFailed(platform({ version: "9.9.9", planInfo: plan }), "BadPIRSource", "9.9.9");
    const { properties } = await expectMade(platform({ planInfo: plan }));
    expect(properties["source"]).toMatchObject({ version: "latest", exactVersion: "1.4.0" });
  });

  test("a purchase plan is named when there is one", async () => {
    await expectFailed(platform({}), "BadPIRSource", "requires Plan information");
    const wrong = { ...plan, planName: "level-2" };
    await expectFailed(platform({ planInfo: wrong }), "BadPIRSource", "requires Plan information");
  });

  test("a managed image is there, in the template's region, and generalized", async () => {
    const source = (imageId: string) => ({ source: { type: "ManagedImage", imageId } });
    const missing = `${group()}/providers/Microsoft.Compute/images/missing`;
    await expectFailed(source(missing), "BadManagedImageSource", "StatusCode=404");
    const elsewhere = await putImage("elsewhere", { location: "eastus" });
    await expectFailed(source(elsewhere), "BadManagedImageSource", "location 'eastus'");
    const specialized = await putImage("specialized", { osState: "Specialized" });
    await expectFailed(source(specialized), "BadManagedImageSource", "specialized");
    await expectMade(
      source((await putImage("here")).toUpperCase().replace("/SUBSCRIPTIONS", "/subscriptions")),
    );
  });

  test("a gallery version is there and in the template's region", async () => {
    const source = (version: string) => ({
      source: {
        type: "SharedImageVersion",
        imageVersionId: `${gallery()}/images/base/versions/${version}`,
      },
    });
    await expectFailed(source("7.7.7"), "BadSharedImageVersionSource", "StatusCode=404");
    const made = await expectMade(source("latest"));
    expect(made.properties["source"]).toMatchObject({ exactVersion: "1.10.0" });
    await arm.delete(name());
    const elsewhere = { ...arm.template(source("1.9.0")), location: "eastus" };
    const failed = await arm.create(name(), elsewhere);
    expect(failed.properties["provisioningError"]).toMatchObject({
      provisioningErrorCode: "BadSharedImageVersionSource",
    });
    await arm.delete(name());
    const replicated = await arm.create(name(), { ...elsewhere, location: "northeurope" });
    expect(replicated.properties.provisioningState).toBe("Succeeded");
  });
});

describe("a source that is gone at the time of a run", () => {
  test("fails the run, and put back it serves again", async () => {
    const versions = `${gallery()}/images/base/versions`;
    const body = {
      location: "westeurope",
      properties: { storageProfile: { source: { id: "/x" } } },
    };
    const put = async () =>
      settle(await arm.call("PUT", `${versions}/9.0.0`, { body, apiVersion: COMPUTE_VERSION }));
    await put();
    const imageVersionId = `${versions}/9.0.0`;
    await expectMade({ source: { type: "SharedImageVersion", imageVersionId } });
    await settle(await arm.call("DELETE", imageVersionId, { apiVersion: COMPUTE_VERSION }));
    const failed = await arm.run(name());
    expect(failed.properties.lastRunStatus).toMatchObject({
      runState: "Failed",
      message: expect.stringMatching(/step failed for Image Version .*StatusCode=404/),
    });
    await put();
    expect((await arm.run(name())).properties.lastRunStatus?.runState).toBe("Succeeded");
    await settle(await arm.call("DELETE", imageVersionId, { apiVersion: COMPUTE_VERSION }));
  });
});

describe("the destinations", () => {
  const distribute = (changes: Properties) => ({
    distribute: [
      {
        type: "SharedImage",
        runOutputName: "out",
        galleryImageId: arm.value("GALLERY_IMAGE_ID"),
        ...changes,
      },
    ],
  });

  test("the image definition is there", async () => {
    const galleryImageId = `${gallery()}/images/nonesuch`;
    await expectFailed(distribute({ galleryImageId }), "BadSharedImageDistribute", "nonesuch");
    await expectMade(distribute({}));
  });

  test("one of the regions is the gallery's", async () => {
    const elsewhere = distribute({ targetRegions: [{ name: "eastus" }] });
    await expectFailed(elsewhere, "BadSharedImageDistribute", "westeurope");
    await expectMade(distribute({ replicationRegions: ["eastus", "West Europe"] }));
  });

  test("every region is one", async () => {
    const targetRegions = [{ name: "westeurope" }, { name: "atlantis" }];
    await expectFailed(distribute({ targetRegions }), "BadSharedImageDistribute", "atlantis");
  });

  test("the group of a managed image is there", async () => {
    const image = (groupName: string) => ({
      distribute: [
        {
          type: "ManagedImage",
          runOutputName: "out",
          location: "westeurope",
          imageId: `${group(groupName)}/providers/Microsoft.Compute/images/out`,
        },
      ],
    });
    await expectFailed(image("nonesuch"), "Other", "ResourceGroupNotFound");
    await expectMade(image(arm.value("RESOURCE_GROUP")));
  });
});

describe("the network", () => {
  const subnets = (build: string, containers?: string) => {
    const subnet = (it: string) =>
      `${group()}/providers/Microsoft.Network/virtualNetworks/vnet/subnets/${it}`;
    const containerSubnet = containers && { containerInstanceSubnetId: subnet(containers) };
    return { vmProfile: { vnetConfig: { subnetId: subnet(build), ...containerSubnet } } };
  };

  test("the subnet is there", async () => {
    await expectFailed(subnets("nonesuch"), "Other", "nonesuch");
    await expectMade(subnets("build"));
  });

  test("the container subnet is delegated", async () => {
    await expectFailed(subnets("containers", "build"), "Other", "is not delegated");
    await expectMade(subnets("build", "containers"));
  });
});

describe("stagingResourceGroup", () => {
  const inGroup = (id: string) => ({ stagingResourceGroup: id });
  const tagsOf = async (id: string) => {
    const { text } = await arm.call("GET", id, { apiVersion: GROUPS_VERSION });
    return JSON.parse(text).tags;
  };
  const statusOf = async (id: string) =>
    (await arm.call("GET", id, { apiVersion: GROUPS_VERSION })).status;

  test("is empty", async () => {
    const id = await putGroup("full");
    await putImage("inside", {}, id);
    await expectFailed(inGroup(id), "BadStagingResourceGroup", "not empty");
  });

  test("is in the template's region", async () => {
    const id = await putGroup("far", { location: "eastus" });
    await expectFailed(inGroup(id), "BadStagingResourceGroup", "region");
  });

  test.each(["imageTemplateName", "imageTemplateResourceGroupName"])(
    "has no tag %s",
    async (tag) => {
      const id = await putGroup("taken", { tags: { [tag]: "other" } });
      await expectFailed(inGroup(id), "BadStagingResourceGroup", "another image template");
    },
  );

  test("is of the template's subscription", async () => {
    const id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/mine";
    await expectFailed(inGroup(id), "BadStagingResourceGroup", "subscription");
  });

  test("serves one template, keeps its tags, and is emptied with it", async () => {
    const id = await putGroup("mine", { tags: { team: "images" } });
    const { properties } = await expectMade(
      inGroup(id.toUpperCase().replace("/SUBSCRIPTIONS", "/subscriptions")),
    );
    expect(properties.exactStagingResourceGroup?.toLowerCase()).toBe(id.toLowerCase());
    expect(await tagsOf(id)).toEqual({
      team: "images",
      usedBy: expect.any(String),
      imageTemplateName: name(),
      imageTemplateResourceGroupName: arm.value("RESOURCE_GROUP"),
    });
    const second = await arm.create("second", arm.template(inGroup(id)));
    expect(second.properties["provisioningError"]).toMatchObject({
      provisioningErrorCode: "BadStagingResourceGroup",
    });
    await arm.delete("second");
    await arm.delete(name());
    expect(await tagsOf(id)).toEqual({ team: "images" });
    const left = await arm.call("GET", `${id}/resources`, { apiVersion: GROUPS_VERSION });
    expect(JSON.parse(left.text).value).toEqual([]);
  });

  test("is made when it is missing, and goes with the template", async () => {
    await expectMade(inGroup(group("made")));
    expect(Object.keys(await tagsOf(group("made")))).toContain("createdBy");
    await arm.delete(name());
    expect(await statusOf(group("made"))).toBe(404);
  });

  test("is made with a name of the service's when not given", async () => {
    const { properties } = await expectMade({});
    expect(properties.exactStagingResourceGroup).toMatch(/\/IT_rg-images_t-\d+_[0-9a-f-]{36}$/);
    await arm.delete(name());
    expect(await statusOf(properties.exactStagingResourceGroup ?? "")).toBe(404);
  });
});

describe("step by step", () => {
  let slow: RunningEmulator;

  beforeAll(async () => {
    // Unrecorded: requests with read-only fields are fine with the service, but not with its documents.
    slow = await startEmulator({
      speed: 1,
      record: "",
      moreArguments: ["--build-vm", "simulated"],
    });
  });
  beforeEach(() => {
    arm = new Arm(slow);
  });
  afterAll(() => slow.stop());

  const template = () => arm.templateId(name());
  const pass = (seconds: number) => slow.control.post("/clock", { advanceInMs: seconds * 1000 });
  const made = async (changes: Properties = {}, as = name(), body?: unknown): Promise<Resource> => {
    const { status } = await arm.call("PUT", arm.templateId(as), {
      body: body ?? arm.template(changes),
    });
    expect(status).toBe(201);
    await pass(25);
    return arm.until(as, (it) => it.properties.provisioningState === "Succeeded");
  };
  const patch = (body: unknown) => arm.call("PATCH", template(), { body });

  test("a template cannot be replaced", async () => {
    const body = arm.template();
    await made();
    const again = await arm.call("PUT", arm.templateId(name().toUpperCase()), { body });
    expect({ status: again.status, code: codeOf(again) }).toEqual({
      status: 409,
      code: "Conflict",
    });
  });

  test("a template that is being created cannot be run, changed, canceled or deleted", async () => {
    await arm.call("PUT", template(), { body: arm.template() });
    const answers = [
      await arm.call("POST", `${template()}/run`),
      await arm.call("POST", `${template()}/cancel`),
      await patch({ tags: { a: "b" } }),
      await arm.call("DELETE", template()),
    ];
    expect(answers.map(({ status }) => status)).toEqual([405, 405, 405, 405]);
    expect(new Set(answers.map(codeOf))).toEqual(new Set(["OperationNotAllowed"]));
  });

  test("a template that runs cannot be run, changed or deleted", async () => {
    await made();
    expect((await arm.call("POST", `${template()}/cancel`)).status).toBe(405);
    expect((await arm.call("POST", `${template()}/run`)).status).toBe(202);
    const answers = [
      await arm.call("POST", `${template()}/run`),
      await patch({ properties: { vmProfile: { osDiskSizeGB: 64 } } }),
      await arm.call("DELETE", template()),
    ];
    expect(answers.map(({ status }) => status)).toEqual([405, 405, 405]);
    expect(JSON.parse(answers[0]?.text ?? "").error.message).toMatch(
      /^Operation \S+\/run\/action is not allowed in provisioning state: provisioned or run state: running\.$/,
    );
    expect((await patch({ tags: { a: "b" } })).status).toBe(200);
  });

  test("a run is canceled once, and keeps the template busy until it is", async () => {
    await made();
    await arm.call("POST", `${template()}/run`);
    expect((await arm.call("POST", `${template()}/cancel`)).status).toBe(204);
    expect((await arm.call("POST", `${template()}/cancel`)).status).toBe(405);
    expect((await arm.call("DELETE", template())).status).toBe(405);
    expect((await arm.get(template())).properties.lastRunStatus?.runState).toBe("Canceling");
    await pass(60);
    await arm.until(name(), (it) => it.properties.lastRunStatus?.runState === "Canceled");
    expect((await arm.call("DELETE", template())).status).toBe(202);
    expect((await arm.get(template())).properties.provisioningState).toBe("Deleting");
  });

  test("a template that is being updated cannot be run or deleted", async () => {
    await made();
    expect((await patch({ properties: { vmProfile: { osDiskSizeGB: 64 } } })).status).toBe(202);
    expect((await arm.get(template())).properties.provisioningState).toBe("Updating");
    expect((await arm.call("POST", `${template()}/run`)).status).toBe(405);
    expect((await arm.call("DELETE", template())).status).toBe(405);
    await pass(10);
    await arm.until(name(), (it) => it.properties.provisioningState === "Succeeded");
    expect((await arm.call("POST", `${template()}/run`)).status).toBe(202);
  });

  test("a template as GET shows it can be put under another name", async () => {
    const first = await made({ validate: { inVMValidations: [] }, autoRun: { state: "Disabled" } });
    await arm.call("POST", `${template()}/run`);
    const shown = await arm.get(template());
    expect(shown.properties.lastRunStatus?.runState).toBe("Running");
    const copy = await made({}, "copy", shown);
    expect(copy).toEqual({
      ...first,
      id: first.id.replace(/[^/]+$/, "copy"),
      name: "copy",
      properties: {
        ...first.properties,
        exactStagingResourceGroup: expect.stringContaining("_copy_"),
      },
    });
  });
});

describe("an answer", () => {
  test("shows what its api-version has", async () => {
    await create({ errorHandling: { onCustomizerError: "abort" } });
    const shown = async (apiVersion: string) =>
      Object.keys((await arm.get(arm.templateId(name()), { apiVersion })).properties);
    expect(await shown("2023-07-01")).toContain("errorHandling");
    expect(await shown("2022-07-01")).not.toContain("errorHandling");
    expect(await shown("2021-10-01")).not.toContain("exactStagingResourceGroup");
  });

  test("is the same whatever the case of the path: names are compared without case, and slashes collapse", async () => {
    await create();
    await arm.run(name());
    const shouted = `/${arm
      .templateId(name())
      .toUpperCase()
      .replace(/^\/SUBSCRIPTIONS\/[^/]+/, group().split("/resource")[0] ?? "")}`;
    expect((await arm.get(shouted)).name).toBe(name());
    expect((await arm.get(`${shouted}/RUNOUTPUTS/GALLERY`)).name).toBe("gallery");
  });
});

describe("an update", () => {
  const patch = (body: unknown, apiVersion = "2025-10-01") =>
    arm.call("PATCH", arm.templateId(name()), { body, apiVersion });
  const gallerySink = (runOutputName: string, changes: Properties = {}) => ({
    type: "SharedImage",
    runOutputName,
    galleryImageId: arm.value("GALLERY_IMAGE_ID"),
    ...changes,
  });
  const shown = () => arm.get(arm.templateId(name()));

  test("of tags is done at once", async () => {
    await create();
    const { status, text, headers } = await patch({ tags: { a: "b" } });
    expect({ status, tags: JSON.parse(text).tags }).toEqual({ status: 200, tags: { a: "b" } });
    expect(headers["azure-asyncoperation"]).toBeUndefined();
  });

  test("of distributors takes an operation", async () => {
    await create();
    const answer = await patch({
      properties: { distribute: [gallerySink("gallery"), gallerySink("more")] },
    });
    expect(answer).toMatchObject({
      status: 202,
      text: "",
      headers: { location: expect.stringMatching(/\/operations\//) },
    });
    expect((await settle(answer)).status).toBe("Succeeded");
    const { properties } = await shown();
    expect(properties.provisioningState).toBe("Succeeded");
    expect(properties["distribute"]).toHaveLength(2);
  });

  test.each<[string, () => unknown, string]>([
    [
      "leaves no run output out",
      () => [gallerySink("other")],
      "Distribute target with Runoutput name gallery not found",
    ],
    [
      "has every field of a distributor",
      () => [{ type: "SharedImage", runOutputName: "gallery" }],
      "'ImageTemplate.properties.distribute[0]': Missing field 'galleryImageId'",
    ],
    [
      "has each run output once",
      () => [gallerySink("gallery"), gallerySink("gallery")],
      "'runOutputName' has a bad value",
    ],
  ])("%s", async (_, distribute, message) => {
    await create();
    const { status, text } = await patch({ properties: { distribute: distribute() } });
    expect(status).toBe(400);
    expect(JSON.parse(text).error.message.replace("UpdateParameters", "")).toContain(message);
  });

  test("that cannot be done leaves the template as it was", async () => {
    await create();
    const galleryImageId = `${gallery()}/images/nonesuch`;
    const answer = await patch({
      properties: { distribute: [gallerySink("gallery", { galleryImageId })] },
    });
    expect(await settle(answer)).toMatchObject({
      status: "Failed",
      error: { message: expect.stringContaining("nonesuch") },
    });
    const { properties } = await shown();
    expect(properties).toMatchObject({
      provisioningState: "Succeeded",
      distribute: [{ galleryImageId: arm.value("GALLERY_IMAGE_ID") }],
    });
  });

  test("of the VM profile is there since 2024-02-01", async () => {
    await create();
    const body = { properties: { vmProfile: { vmSize: "Standard_D4s_v5" } } };
    expect((await patch(body, "2023-07-01")).status).toBe(200);
    expect((await shown()).properties["vmProfile"]).toBeUndefined();
    expect((await settle(await patch(body, "2024-02-01"))).status).toBe("Succeeded");
    expect((await shown()).properties["vmProfile"]).toEqual({ vmSize: "Standard_D4s_v5" });
  });

  test("of distributors is there since 2023-07-01", async () => {
    await create();
    const body = { properties: { distribute: [gallerySink("gallery"), gallerySink("more")] } };
    expect((await patch(body, "2021-10-01")).status).toBe(200);
    expect((await shown()).properties["distribute"]).toHaveLength(1);
    expect((await patch(body, "2023-07-01")).status).toBe(202);
  });

  test.each(["source", "customize", "buildTimeoutInMinutes"])("has no %s", async (field) => {
    await create();
    const { status, text } = await patch({ properties: { [field]: {} } });
    expect(status).toBe(400);
    expect(JSON.parse(text).error.message).toContain(`unknown field "${field}"`);
  });

  test("swaps the identity, and never makes two of them", async () => {
    await create();
    const old = arm.value("IDENTITY_ID");
    const other = `${old}-2`;
    const identity = (ids: Properties) => ({
      identity: { type: "UserAssigned", userAssignedIdentities: ids },
    });
    const two = await patch(identity({ [other]: {} }));
    expect({ status: two.status, text: two.text }).toEqual({
      status: 400,
      text: expect.stringContaining("2 identities"),
    });
    const missing = await patch(identity({ [old]: null, [other]: {} }));
    expect(codeOf(missing)).toBe("FailedIdentityOperation");
    const same = await patch(identity({ [old.toUpperCase()]: null, [old]: {} }));
    expect((await settle(same)).status).toBe("Succeeded");
  });

  test("removes the identity", async () => {
    await create();
    const answer = await patch({ identity: { type: "None" } });
    expect((await settle(answer)).status).toBe("Succeeded");
    expect(await shown()).toMatchObject({ identity: { type: "None" } });
  });
});

describe("autoRun", () => {
  const ended = (template: Resource) => template.properties.lastRunStatus?.runState === "Succeeded";

  test("runs after creation", async () => {
    await create({ autoRun: { state: "Enabled" } });
    await arm.until(name(), ended);
  });

  test("switched off does not", async () => {
    const made = await create({ autoRun: { state: "Disabled" } });
    expect(made.properties.lastRunStatus).toBeUndefined();
  });
});

describe("a trigger", () => {
  const SOURCE_IMAGE = { properties: { kind: "SourceImage" } };
  const path = (trigger: string) => `${arm.templateId(name())}/triggers/${trigger}`;
  const put = (trigger: string, body: unknown = SOURCE_IMAGE, apiVersion = "2025-10-01") =>
    arm.call("PUT", path(trigger), { body, apiVersion });

  test("is made, shown, listed and deleted", async () => {
    await create();
    const answer = await put("source");
    expect(answer.status).toBe(201);
    expect(answer.headers["location"]).toBeUndefined();
    expect(JSON.parse(answer.text)).toEqual({
      properties: { kind: "SourceImage", provisioningState: "Creating" },
      id: expect.stringMatching(/\/resourcegroups\/.*\/triggers\/source$/),
      name: "source",
      type: "Microsoft.VirtualMachineImages/imageTemplates/triggers",
    });
    await settle(answer);
    const shown = await arm.get(path("SOURCE"));
    expect(shown.properties).toMatchObject({
      provisioningState: "Succeeded",
      status: { code: "Healthy", message: "Trigger is active", time: expect.any(String) },
    });
    expect((await put("source")).status).toBe(200);
    const list = await arm.call("GET", `${arm.templateId(name())}/triggers`);
    expect(JSON.parse(list.text)).toEqual({ value: [shown] });
    const deletion = await arm.call("DELETE", path("source"));
    expect(deletion).toMatchObject({ status: 202, headers: { location: expect.any(String) } });
    await settle(deletion);
    expect((await arm.call("GET", path("source"))).status).toBe(404);
    expect((await arm.call("DELETE", path("source"))).status).toBe(204);
  });

  test.each<[string, unknown, string]>([
    ["has a kind", { properties: {} }, "Missing field 'kind'"],
    [
      "is of the kind SourceImage",
      { properties: { kind: "Cron" } },
      "'kind' has a bad value: 'Cron'",
    ],
  ])("%s", async (_, body, message) => {
    await create();
    const { status, text } = await put("source", body);
    expect(status).toBe(400);
    expect(JSON.parse(text).error.message).toContain(message);
  });

  test("is one per template", async () => {
    await create();
    await settle(await put("source"));
    expect(await put("other")).toMatchObject({ status: 400, text: expect.stringContaining("one") });
  });

  test("is one of at most a hundred in a region", async () => {
    const names = Array.from({ length: 101 }, (_, index) => `many-${index}`);
    const far = { ...arm.template(), location: "northeurope" };
    await Promise.all(names.map((it) => arm.create(it, far)));
    const statuses: number[] = [];
    for (const it of names) {
      const id = `${arm.templateId(it)}/triggers/source`;
      statuses.push((await arm.call("PUT", id, { body: SOURCE_IMAGE })).status);
    }
    expect(statuses).toEqual([...Array<number>(100).fill(201), 400]);
    const near = await arm.create(name());
    expect(near.properties.provisioningState).toBe("Succeeded");
    expect((await put("source")).status).toBe(201);
  });

  test("needs a source that is latest", async () => {
    await create({
      source: {
        type: "PlatformImage",
        publisher: "Canonical",
        offer: "ubuntu-24_04-lts",
        sku: "server",
        version: "24.04.202611110",
      },
    });
    expect(await put("source")).toMatchObject({
      status: 400,
      text: expect.stringContaining("latest"),
    });
  });

  test("needs a template that was created", async () => {
    await create({
      distribute: [
        { type: "SharedImage", runOutputName: "o", galleryImageId: `${gallery()}/images/no` },
      ],
    });
    expect((await put("source")).status).toBe(405);
  });

  test("has a name of the usual form", async () => {
    await create();
    expect((await put("a%20b")).status).toBe(400);
  });

  test("is there since 2022-07-01", async () => {
    await create();
    const answer = await put("source", SOURCE_IMAGE, "2021-10-01");
    expect({ status: answer.status, code: codeOf(answer) }).toEqual({
      status: 400,
      code: "NoRegisteredProviderFound",
    });
    expect((await put("source", SOURCE_IMAGE, "2022-07-01")).status).toBe(201);
  });

  test("starts a run when the source has a new version", async () => {
    const imageVersionId = `${gallery()}/images/base/versions/latest`;
    await create({ source: { type: "SharedImageVersion", imageVersionId } });
    await settle(await put("source"));
    const body = {
      location: "westeurope",
      properties: {
        storageProfile: { source: { id: `${group()}/providers/Microsoft.Compute/images/x` } },
      },
    };
    const id = `${gallery()}/images/base/versions/3.0.0`;
    await arm.call("PUT", id, { body, apiVersion: COMPUTE_VERSION });
    await arm.until(name(), (it) => it.properties.lastRunStatus?.runState === "Succeeded");
    expect((await arm.get(arm.templateId(name()))).properties["source"]).toMatchObject({
      exactVersion: "3.0.0",
    });
  });
});
