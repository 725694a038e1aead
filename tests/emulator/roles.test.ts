/** Roles are state: without one its holder gets the service's own refusal, and granting it makes the next try work. */
import { describe, expect, test } from "@jest/globals";
import type { RunningEmulator } from "../contract/emulatorProcess.ts";
import type { Arm } from "./arm.ts";
import { onFastEmulator } from "./suite.ts";

const STORAGE_VERSION = "2025-07-05";

let emulator: RunningEmulator;
let arm: Arm;
let count = 0;

onFastEmulator((client, running) => {
  emulator = running;
  arm = client;
  count += 1;
});

const name = () => `t-${count}`;
const grant = (role: string, granted: boolean) =>
  emulator.control.post("/roles", { name: role, granted });

async function withoutRole<T>(role: string, attempt: () => Promise<T>): Promise<T> {
  await grant(role, false);
  try {
    return await attempt();
  } finally {
    await grant(role, true);
  }
}

async function blob(method: string, url: string, body = "", headers = {}) {
  const authorization = `Bearer ${await arm.token("https://storage.azure.com/.default")}`;
  return arm.send(
    method,
    url,
    { authorization, "x-ms-version": STORAGE_VERSION, ...headers },
    body,
  );
}

async function stagedScript(): Promise<string> {
  const url = `${arm.value("BLOB_ENDPOINT")}artifacts/install.sh`;
  const { status } = await blob("PUT", url, "true\n", { "x-ms-blob-type": "BlockBlob" });
  expect(status).toBe(201);
  return url;
}

/** Creates a template without the role, sees why that failed, and creates it again with it. */
async function expectCreationNeeds(role: string, changes: object, message: string) {
  const attempt = () => arm.create(name(), arm.template({ ...changes }));
  const { properties } = await withoutRole(role, attempt);
  expect(properties).toMatchObject({ provisioningState: "Failed" });
  expect(JSON.stringify(properties["provisioningError"])).toContain(message);
  await arm.delete(name());
  expect((await attempt()).properties.provisioningState).toBe("Succeeded");
}

describe("the template identity", () => {
  test("reads scripts as Storage Blob Data Reader", async () => {
    const customize = [{ type: "Shell", scriptUri: await stagedScript() }];
    const message = `Not authorized to access the resource: ${arm.value("BLOB_ENDPOINT")}`;
    await expectCreationNeeds("Storage Blob Data Reader", { customize }, message);
  });

  test("writes to the gallery", async () => {
    const message = `Not authorized to access the resource: ${arm.value("GALLERY_IMAGE_ID")}`;
    await expectCreationNeeds("Gallery Image Contributor", {}, message);
  });

  test("that lost the gallery after creation fails the run", async () => {
    await arm.create(name());
    const ran = await withoutRole("Gallery Image Contributor", () => arm.run(name()));
    expect(ran.properties.lastRunStatus).toMatchObject({ runState: "Failed" });
    expect(ran.properties.lastRunStatus?.message).toContain("AuthorizationFailed");
    expect((await arm.run(name())).properties.lastRunStatus?.runState).toBe("Succeeded");
  });

  test("contributes to a stagingResourceGroup that is there already", async () => {
    const stagingResourceGroup = `/subscriptions/${arm.value("SUBSCRIPTION_ID")}/resourceGroups/mine`;
    const body = { location: "westeurope" };
    await arm.call("PUT", stagingResourceGroup, { body, apiVersion: "2025-04-01" });
    await expectCreationNeeds("Staging Contributor", { stagingResourceGroup }, "Not authorized");
  });
});

describe("the pipeline principal", () => {
  const put = () => arm.call("PUT", arm.templateId(name()), { body: arm.template() });

  test("assigns the identity as Managed Identity Operator", async () => {
    const { status, text } = await withoutRole("Managed Identity Operator", put);
    expect(status).toBe(403);
    expect(JSON.parse(text).error).toEqual({
      code: "LinkedAuthorizationFailed",
      message: expect.stringContaining("userAssignedIdentities/assign/action"),
    });
    expect((await put()).status).toBe(201);
  });

  test("writes templates as Contributor", async () => {
    const { status, text } = await withoutRole("Contributor", put);
    expect(status).toBe(403);
    expect(JSON.parse(text).error.code).toBe("AuthorizationFailed");
    expect((await put()).status).toBe(201);
  });

  test("gets a user delegation key as Storage Blob Delegator", async () => {
    const url = `${arm.value("BLOB_ENDPOINT")}?restype=service&comp=userdelegationkey`;
    const start = new Date().toISOString().replace(/\.\d+/, "");
    const expiry = new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+/, "");
    const body = `<KeyInfo><Start>${start}</Start><Expiry>${expiry}</Expiry></KeyInfo>`;
    const ask = () => blob("POST", url, body, { "content-type": "application/xml" });
    const refused = await withoutRole("Storage Blob Delegator", ask);
    expect(refused.status).toBe(403);
    expect(refused.headers["x-ms-error-code"]).toBe("AuthorizationPermissionMismatch");
    expect(await ask()).toMatchObject({
      status: 200,
      text: expect.stringContaining("<SignedOid>"),
    });
  });

  test("reads the log as Log Reader", async () => {
    await arm.create(name());
    const { properties } = await arm.run(name());
    const accounts = `${properties.exactStagingResourceGroup}/providers/Microsoft.Storage/storageAccounts`;
    const { text } = await arm.call("GET", accounts, { apiVersion: "2025-08-01" });
    const endpoint = JSON.parse(text).value[0].properties.primaryEndpoints.blob;
    const list = () => blob("GET", `${endpoint}packerlogs?restype=container&comp=list`);
    expect((await withoutRole("Log Reader", list)).status).toBe(403);
    expect(await list()).toMatchObject({
      status: 200,
      text: expect.stringContaining("customization.log"),
    });
  });
});
