/** The emulator as the real Azure SDK clients see it. */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ComputeManagementClient } from "@azure/arm-compute";
import { ImageBuilderClient, type ImageTemplate } from "@azure/arm-imagebuilder";
import {
  AzurePipelinesCredential,
  ClientAssertionCredential,
  ClientSecretCredential,
  type TokenCredential,
} from "@azure/identity";
import { BlobServiceClient } from "@azure/storage-blob";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type RunningEmulator, startEmulator } from "./emulatorProcess.ts";

const ARM_SCOPE = "https://management.azure.com/.default";
const FAST = { updateIntervalInMs: 50 };
const SCRIPT = "echo hello\n";

let emulator: RunningEmulator;
let recordings: string;
let ca: string;

beforeAll(async () => {
  recordings = mkdtempSync(join(tmpdir(), "recordings-"));
  emulator = await startEmulator({ speed: 200, record: recordings });
  ca = readFileSync(value("CA_FILE"), "utf8");
}, 30_000);

afterAll(async () => {
  const folder = dirname(value("CA_FILE"));
  expect(await emulator.stop()).toBe(0);
  expect(existsSync(folder)).toBe(false);
  expectNoSecrets();
  rmSync(recordings, { recursive: true });
});

function value(name: string): string {
  return emulator.env[`EMULATOR_${name}`] ?? "";
}

/** Every text of the recordings, for what must not be in there. */
function expectNoSecrets(): void {
  const files = readdirSync(recordings);
  expect(files.length).toBeGreaterThan(20);
  const text = files.map((file) => readFileSync(join(recordings, file), "utf8")).join("\n");
  for (const secret of [value("CLIENT_SECRET"), "Bearer ey", "eyJ", "-----BEGIN"]) {
    expect(text.includes(secret)).toBe(false);
  }
}

function identityOptions() {
  return {
    authorityHost: value("AUTHORITY_HOST"),
    disableInstanceDiscovery: true,
    tlsOptions: { ca },
  };
}

function secretCredential(secret = value("CLIENT_SECRET")): TokenCredential {
  return new ClientSecretCredential(
    value("TENANT_ID"),
    value("CLIENT_ID"),
    secret,
    identityOptions(),
  );
}

function armOptions() {
  return { endpoint: value("ARM_ENDPOINT"), tlsOptions: { ca }, retryOptions: { maxRetries: 0 } };
}

function imageTemplates() {
  return new ImageBuilderClient(secretCredential(), value("SUBSCRIPTION_ID"), armOptions())
    .virtualMachineImageTemplates;
}

function compute(): ComputeManagementClient {
  return new ComputeManagementClient(secretCredential(), value("SUBSCRIPTION_ID"), armOptions());
}

function container(endpoint = value("BLOB_ENDPOINT"), name = "artifacts") {
  const options = { tlsOptions: { ca }, retryOptions: { maxTries: 1 } };
  return new BlobServiceClient(endpoint, secretCredential(), options).getContainerClient(name);
}

function template(changes: Partial<ImageTemplate> = {}): ImageTemplate {
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
    customize: [{ type: "Shell", name: "greet", inline: ["echo hello"] }],
    distribute: [
      {
        type: "SharedImage",
        runOutputName: "gallery",
        galleryImageId: value("GALLERY_IMAGE_ID"),
        artifactTags: { made: "by a test" },
        targetRegions: [{ name: "westeurope", replicaCount: 2 }, { name: "northeurope" }],
      },
    ],
    ...changes,
  } as ImageTemplate;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

interface PlainAnswer {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  text: string;
}

async function call(
  method: string,
  url: string,
  options: { token?: string; body?: unknown } = {},
): Promise<PlainAnswer> {
  return new Promise((resolve, reject) => {
    const headers = {
      ...(options.token ? { authorization: `Bearer ${options.token}` } : {}),
      ...(options.body === undefined ? {} : { "content-type": "application/json" }),
    };
    const sent = request(url, { method, headers, ca }, (response) => {
      let text = "";
      response.on("data", (chunk) => {
        text += chunk;
      });
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
    });
    sent.once("error", reject);
    sent.end(options.body === undefined ? "" : JSON.stringify(options.body));
  });
}

async function armToken(): Promise<string> {
  return (await secretCredential().getToken(ARM_SCOPE))?.token ?? "";
}

describe("the command line", () => {
  test.each([
    ["an unknown option", ["--env-file", "x", "--bogus"]],
    ["an unknown scenario", ["--env-file", "x", "--scenario", "nonesuch"]],
    ["no env file", []],
  ])("%s ends with 2 and one line", (_, options) => {
    const run = spawnSync("node_modules/.bin/node", ["--", "emulator/main.ts", ...options]);
    expect(run.status).toBe(2);
    expect(run.stderr.toString().trim().split("\n")).toHaveLength(1);
  });

  test("the env file ends with the control URL", () => {
    expect(Object.keys(emulator.env).at(-1)).toBe("EMULATOR_CONTROL_URL");
  });
});

describe("signing in", () => {
  test("a wrong secret is refused as Entra refuses it", async () => {
    const wrong = secretCredential("not-the-secret");
    await expect(wrong.getToken(ARM_SCOPE)).rejects.toThrow(/AADSTS7000215/);
  });

  test("GitHub's OIDC token is exchanged", async () => {
    const url = `${value("GITHUB_OIDC_URL")}&audience=${encodeURIComponent("api://AzureADTokenExchange")}`;
    const assertion = async () => {
      const answer = await call("GET", url, { token: value("GITHUB_OIDC_TOKEN") });
      return JSON.parse(answer.text).value as string;
    };
    const credential = new ClientAssertionCredential(
      value("TENANT_ID"),
      value("CLIENT_ID"),
      assertion,
      identityOptions(),
    );
    expect((await credential.getToken(ARM_SCOPE)).token).toMatch(/^ey/);
  });

  test("a GitHub OIDC token for another audience is refused", async () => {
    const assertion = async () => {
      const answer = await call("GET", value("GITHUB_OIDC_URL"), {
        token: value("GITHUB_OIDC_TOKEN"),
      });
      return JSON.parse(answer.text).value as string;
    };
    const credential = new ClientAssertionCredential(
      value("TENANT_ID"),
      value("CLIENT_ID"),
      assertion,
      identityOptions(),
    );
    await expect(credential.getToken(ARM_SCOPE)).rejects.toThrow(/AADSTS700212/);
  });

  describe("with an Azure Pipelines OIDC token", () => {
    const signIn = (connection: string, token: string) => {
      process.env["SYSTEM_OIDCREQUESTURI"] = value("PIPELINES_OIDC_URL");
      return new AzurePipelinesCredential(
        value("TENANT_ID"),
        value("CLIENT_ID"),
        connection,
        token,
        identityOptions(),
      ).getToken(ARM_SCOPE);
    };
    const CONNECTION = "0a1b2c3d-0000-4000-8000-000000000000";

    test("it is exchanged", async () => {
      expect((await signIn(CONNECTION, value("PIPELINES_TOKEN"))).token).toMatch(/^ey/);
    });

    test("of another connection it is refused", async () => {
      const other = signIn("ffffffff-ffff-ffff-ffff-ffffffffffff", value("PIPELINES_TOKEN"));
      await expect(other).rejects.toThrow(/AADSTS700213/);
    });

    test("a wrong job token gets a sign-in page", async () => {
      await expect(signIn(CONNECTION, "wrong")).rejects.toThrow(/203/);
    });
  });
});

describe("reading", () => {
  test("marketplace versions are listed by name", async () => {
    const images = compute().virtualMachineImages;
    const name = ["westeurope", "Canonical", "ubuntu-24_04-lts", "server"] as const;
    const all = await images.list(...name);
    const [top] = await images.list(...name, { top: 1, orderby: "name desc" });
    expect(all.map((version) => version.name)).toContain("24.04.2026100710");
    expect(top?.name).toBe("24.04.202611110");
    const version = await images.get(...name, "24.04.2026100710");
    expect(version.osDiskImage?.operatingSystem).toBe("Linux");
    await expect(images.get(...name, "9.9.9")).rejects.toMatchObject({ statusCode: 404 });
  });

  test("gallery versions say what latest leaves out", async () => {
    const listed = compute().galleryImageVersions.listByGalleryImage(
      value("RESOURCE_GROUP"),
      "gal_images",
      "base",
    );
    const versions = await collect(listed);
    expect(versions.map((v) => [v.name, v.publishingProfile?.excludeFromLatest])).toContainEqual([
      "2.0.0",
      true,
    ]);
  });

  test("blobs go in and come out", async () => {
    const blob = container().getBlockBlobClient("folder/a file.txt");
    await blob.upload(SCRIPT, SCRIPT.length);
    expect((await blob.downloadToBuffer()).toString()).toBe(SCRIPT);
    await blob.delete();
    expect(await emulator.control.get("/blobs")).toEqual([]);
  });

  test("without a role the staging account is closed", async () => {
    const role = "Storage Blob Data Contributor";
    await emulator.control.post("/roles", { name: role, granted: false });
    const upload = container().getBlockBlobClient("x").upload("x", 1);
    await expect(upload).rejects.toMatchObject({ code: "AuthorizationPermissionMismatch" });
    await emulator.control.post("/roles", { name: role, granted: true });
  });
});

describe("an image template", () => {
  test("is created, run and deleted", async () => {
    const blob = container().getBlockBlobClient("install.sh");
    await blob.upload(SCRIPT, SCRIPT.length);
    const sha256Checksum = createHash("sha256").update(SCRIPT).digest("hex");
    const customize = [{ type: "Shell" as const, scriptUri: blob.url, sha256Checksum }];
    const client = imageTemplates();
    const group = value("RESOURCE_GROUP");

    const created = await client.createOrUpdate(group, "whole", template({ customize }), FAST);
    expect(created).toMatchObject({
      provisioningState: "Succeeded",
      source: { exactVersion: "24.04.2026100710" },
    });
    expect(created.lastRunStatus).toBeUndefined();

    await client.run(group, "whole", FAST);
    const ran = await client.get(group, "whole");
    expect(ran.lastRunStatus).toMatchObject({ runState: "Succeeded", message: "" });

    const [output] = await collect(client.listRunOutputs(group, "whole"));
    const version = output?.artifactId?.split("/").at(-1) ?? "";
    const made = await compute().galleryImageVersions.get(
      group,
      "gal_images",
      "web-server",
      version,
      { expand: "ReplicationStatus" },
    );
    expect(made.tags).toEqual({ made: "by a test" });
    expect(made.publishingProfile?.targetRegions?.map(({ name }) => name)).toEqual([
      "westeurope",
      "northeurope",
    ]);
    expect(made.replicationStatus?.aggregatedState).toBe("Completed");
    expect(await logOf(created.exactStagingResourceGroup ?? "")).toContain(
      "Done exporting Packer logs to Azure Storage.",
    );

    await client.delete(group, "whole", FAST);
    await blob.delete();
    await expect(client.get(group, "whole")).rejects.toMatchObject({ statusCode: 404 });
    expect(await emulator.control.get("/templates")).toEqual([]);
  }, 30_000);

  test("can be canceled while it runs, and is busy until that is done", async () => {
    const client = imageTemplates();
    const group = value("RESOURCE_GROUP");
    await client.createOrUpdate(group, "canceled", template(), FAST);
    const running = { poller: client.run(group, "canceled", FAST) };
    await running.poller.submitted();
    await client.cancel(group, "canceled");
    const refused = expect.objectContaining({ statusCode: 405, code: "OperationNotAllowed" });
    await expect(client.delete(group, "canceled", FAST)).rejects.toEqual(refused);
    await expect(running.poller.pollUntilDone()).rejects.toThrow(/canceled/);
    const { lastRunStatus } = await client.get(group, "canceled");
    expect(lastRunStatus?.runState).toBe("Canceled");
    await client.delete(group, "canceled", FAST);
  }, 30_000);

  test("with a checksum that does not match is created as Failed", async () => {
    const blob = container().getBlockBlobClient("changed.sh");
    await blob.upload(SCRIPT, SCRIPT.length);
    const customize = [
      { type: "Shell" as const, scriptUri: blob.url, sha256Checksum: "0".repeat(64) },
    ];
    const client = imageTemplates();
    const group = value("RESOURCE_GROUP");
    const creation = client.createOrUpdate(group, "changed", template({ customize }), FAST);
    await expect(creation.pollUntilDone()).rejects.toThrow(/checksum/);
    const failed = await client.get(group, "changed");
    expect(failed).toMatchObject({ provisioningState: "Failed", exactStagingResourceGroup: "" });
    await client.delete(group, "changed", FAST);
    await blob.delete();
  }, 30_000);

  test("is there although the answer to its creation was lost", async () => {
    const client = imageTemplates();
    const group = value("RESOURCE_GROUP");
    await emulator.control.post("/faults", {
      method: "PUT",
      path: "/lost$",
      do: { reset: "after" },
    });
    const lost = client.createOrUpdate(group, "lost", template(), FAST);
    await expect(lost.pollUntilDone()).rejects.toMatchObject({ code: "ECONNRESET" });
    const again = client.createOrUpdate(group, "lost", template(), FAST);
    await expect(again.pollUntilDone()).rejects.toMatchObject({ code: "Conflict" });
    const requests =
      await emulator.control.get<Array<{ path: string; injected?: true }>>("/requests");
    const injected = requests.filter((entry) => entry.injected);
    expect(injected).toEqual([expect.objectContaining({ method: "PUT", status: 201 })]);
  }, 30_000);
});

async function logOf(stagingResourceGroup: string): Promise<string> {
  const url = `${value("ARM_ENDPOINT")}${stagingResourceGroup.slice(1)}/providers/Microsoft.Storage/storageAccounts?api-version=2025-08-01`;
  const accounts = JSON.parse((await call("GET", url, { token: await armToken() })).text);
  const logs = container(accounts.value[0].properties.primaryEndpoints.blob, "packerlogs");
  const [log] = await collect(logs.listBlobsFlat());
  return (await logs.getBlobClient(log?.name ?? "").downloadToBuffer()).toString();
}

describe("on the wire", () => {
  test("an accepted run points to its operation by two long URLs", async () => {
    const client = imageTemplates();
    await client.createOrUpdate(value("RESOURCE_GROUP"), "wire", template(), FAST);
    const url = `${value("ARM_ENDPOINT")}/subscriptions/${value("SUBSCRIPTION_ID")}/resourcegroups/${value("RESOURCE_GROUP").toUpperCase()}/providers/microsoft.virtualmachineimages/imagetemplates/WIRE/run?api-version=2025-10-01`;
    const { status, headers, text } = await call("POST", url, { token: await armToken() });
    expect({ status, text }).toEqual({ status: 202, text: "" });
    const operationUrl = String(headers["azure-asyncoperation"]);
    expect(operationUrl.length).toBeGreaterThan(3000);
    expect(operationUrl).toContain(`/operations/${headers["x-ms-request-id"]}?`);
    expect(String(headers["location"])).toContain(`/operations/${headers["x-ms-request-id"]}?`);
    const operation = await call("GET", operationUrl, { token: await armToken() });
    expect(JSON.parse(operation.text)).toMatchObject({
      name: String(headers["x-ms-request-id"]).toUpperCase(),
      status: "InProgress",
    });
  }, 30_000);

  test("what is not emulated says so", async () => {
    const url = `${value("ARM_ENDPOINT")}nonesuch?api-version=2025-10-01`;
    const { status, text } = await call("GET", url, { token: await armToken() });
    expect(status).toBe(501);
    expect(JSON.parse(text).error.code).toBe("NotImplemented");
  });

  test("without a token there is a challenge", async () => {
    const url = `${value("ARM_ENDPOINT")}subscriptions?api-version=2022-12-01`;
    const { status, headers } = await call("GET", url);
    expect(status).toBe(401);
    expect(headers["www-authenticate"]).toMatch(/^Bearer authorization_uri=/);
  });

  test("the cloud describes itself without a token", async () => {
    const url = `${value("ARM_ENDPOINT")}/metadata/endpoints?api-version=2022-09-01`;
    const [cloud] = JSON.parse((await call("GET", url)).text);
    expect(cloud.resourceManager).toBe(value("ARM_ENDPOINT"));
  });

  test("time told to pass ends a token's life", async () => {
    const token = await armToken();
    await emulator.control.post("/clock", { advanceInMs: 61 * 60_000 });
    const url = `${value("ARM_ENDPOINT")}subscriptions?api-version=2022-12-01`;
    const { status, text } = await call("GET", url, { token });
    expect({ status, code: JSON.parse(text).error.code }).toEqual({
      status: 401,
      code: "ExpiredAuthenticationToken",
    });
  });
});
