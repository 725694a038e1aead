/** The state machine without HTTP: an injected clock, resources in memory, blobs in a map. */

import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Blobs } from "../../emulator/blobStore.ts";
import { Clock } from "../../emulator/clock.ts";
import type { Cloud } from "../../emulator/cloud.ts";
import { SimulatedCustomizers } from "../../emulator/customizers.ts";
import { ImageTemplates } from "../../emulator/imageTemplates.ts";
import { Operations } from "../../emulator/operations.ts";
import { ResourceStore } from "../../emulator/resourceStore.ts";
import { RoleAssignments } from "../../emulator/roles.ts";
import type { Behaviour } from "../../emulator/scenarios.ts";
import { makeSeeds, seedResources } from "../../emulator/seeds.ts";
import { StagingResourceGroups } from "../../emulator/stagingResourceGroups.ts";
import type { Template } from "../../emulator/template.ts";

const SECOND_IN_MS = 1000;
const MINUTE_IN_MS = 60 * SECOND_IN_MS;

const NO_BLOBS: Blobs = {
  endpoint: (account) => `https://blobs/${account}/`,
  addressOf: () => undefined,
  read: async () => undefined,
  readSigned: async () => undefined,
  makeContainer: async () => undefined,
  makeAppendBlob: async () => undefined,
  append: async () => undefined,
  write: async () => undefined,
  containers: async () => [],
  list: async () => [],
  deleteEverything: async () => undefined,
};

let clock: Clock;
let cloud: Cloud;
let templates: ImageTemplates;
let behaviour: Behaviour;

beforeEach(() => {
  behaviour = {};
  clock = new Clock({ speed: 1, originInMs: Date.now() });
  const seeds = makeSeeds("staging");
  const resources = new ResourceStore();
  seedResources(resources, seeds, "https://blobs/staging/");
  cloud = {
    clock,
    seeds,
    resources,
    blobs: NO_BLOBS,
    staging: new StagingResourceGroups(resources, NO_BLOBS, ["pool1", "pool2"]),
    operations: new Operations(clock, "https://arm", seeds.subscriptionId),
    roles: new RoleAssignments(),
    behaviour: () => behaviour,
  };
  templates = new ImageTemplates(cloud, new SimulatedCustomizers(cloud.behaviour));
});
afterEach(() => clock.stop());

/** Lets emulated time pass and everything that hangs on it happen. */
async function pass(durationInMs: number): Promise<void> {
  clock.advance(durationInMs);
  for (let i = 0; i < 50; i += 1) await turn();
}

function create(properties: object = {}): Template {
  const { seeds } = cloud;
  const id = `/subscriptions/${seeds.subscriptionId}/resourceGroups/${seeds.resourceGroup}/providers/Microsoft.VirtualMachineImages/imageTemplates/t`;
  const body = {
    location: "westeurope",
    identity: { type: "UserAssigned", userAssignedIdentities: { [seeds.identityId]: {} } },
    properties: {
      source: {
        type: "PlatformImage",
        publisher: "Canonical",
        offer: "ubuntu-24_04-lts",
        sku: "server",
        version: "latest",
      },
      customize: [{ type: "Shell", inline: ["true"] }],
      distribute: [
        { type: "SharedImage", runOutputName: "out", galleryImageId: seeds.galleryImageId },
      ],
      ...properties,
    },
  };
  return templates.create(id, body).template;
}

async function createReady(properties?: object): Promise<Template> {
  const template = create(properties);
  await pass(20 * SECOND_IN_MS);
  expect(template.provisioningError).toBeUndefined();
  expect(template.provisioningState).toBe("Succeeded");
  return template;
}

describe("creating", () => {
  test("resolves the source and makes a staging group", async () => {
    const template = await createReady();
    expect(template.exactVersion).toBe("24.04.2026100710");
    expect(template.staging?.id).toMatch(/\/IT_rg-images_t_[0-9a-f-]{36}$/);
  });

  test("a name is taken as long as its template exists", async () => {
    create();
    expect(create).toThrow("Update/Upgrade of image templates is currently not supported");
  });

  test("a template whose creation failed stays until it is deleted", async () => {
    behaviour = { createFails: true };
    const template = create();
    await pass(20 * SECOND_IN_MS);
    expect(template).toMatchObject({
      provisioningState: "Failed",
      provisioningError: { provisioningErrorCode: "ServerError" },
    });
    expect(create).toThrow("not supported");
    templates.delete(template);
    await pass(20 * SECOND_IN_MS);
    expect(templates.get(template.id)).toBeUndefined();
  });
});

describe("running", () => {
  test("goes through its phases and ends before its operation does", async () => {
    const template = await createReady();
    const operation = templates.run(template);
    expect(template.lastRunStatus).toMatchObject({ runState: "Running", runSubState: "Queued" });
    for (const [afterInMs, subState] of [
      [6, "Building"],
      [40, "Customizing"],
      [10, "Distributing"],
    ] as const) {
      await pass(afterInMs * SECOND_IN_MS);
      expect(template.lastRunStatus?.runSubState).toBe(subState);
    }
    await pass(60 * SECOND_IN_MS);
    expect(template.lastRunStatus).toMatchObject({ runState: "Succeeded", message: "" });
    expect(template.runOutputs).toHaveLength(1);
    expect(operation.status).toBe("InProgress");
    await pass(10 * SECOND_IN_MS);
    expect(operation.status).toBe("Succeeded");
  });

  test("for 16 hours takes no longer than telling the clock", async () => {
    behaviour = { neverFinishes: true };
    const template = await createReady({ buildTimeoutInMinutes: 960 });
    templates.run(template);
    await pass(959 * MINUTE_IN_MS);
    expect(template.lastRunStatus?.runState).toBe("Running");
    await pass(MINUTE_IN_MS);
    expect(template.lastRunStatus).toMatchObject({ runState: "Failed" });
    expect(template.lastRunStatus?.message).toMatch(/context deadline exceeded'$/);
  });

  test("refuses a second run and a deletion meanwhile", async () => {
    const template = await createReady();
    templates.run(template);
    expect(() => templates.run(template)).toThrow("run state: running");
    expect(() => templates.delete(template)).toThrow("run state: running");
  });

  test("canceled stays Canceling for half a minute", async () => {
    const template = await createReady();
    templates.run(template);
    await pass(50 * SECOND_IN_MS);
    templates.cancel(template);
    await pass(29 * SECOND_IN_MS);
    expect(template.lastRunStatus).toMatchObject({ runState: "Canceling" });
    expect(() => templates.delete(template)).toThrow("run state: canceling");
    await pass(2 * SECOND_IN_MS);
    expect(template.lastRunStatus).toMatchObject({ runState: "Canceled" });
  });

  test("into a version that exists already fails", async () => {
    const galleryImageId = `${cloud.seeds.baseImageId}/versions/1.10.0`;
    const distribute = [{ type: "SharedImage", runOutputName: "out", galleryImageId }];
    const template = await createReady({ distribute });
    templates.run(template);
    for (let i = 0; i < 4; i += 1) await pass(60 * SECOND_IN_MS);
    expect(template.lastRunStatus).toMatchObject({ runState: "Failed" });
    expect(template.lastRunStatus?.message).toContain(
      "Failed in distributing 1 images out of total 1",
    );
  });
});
