/** Mistakes in the inputs: each is named in the host's spelling, all at once, before anything is written. */
import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { DemoHostName } from "../../demo/hosts.ts";
import { kebabCase } from "../../shared/contract.ts";
import { errors, expectDecentRun, type RequestEntry } from "./evidence.ts";
import { NODE_RUNTIMES } from "./nodeRuntimes.ts";
import {
  type FastEmulator,
  HOST_NAMES,
  nextRunId,
  type ProductRun,
  runProduct,
  startFastEmulator,
} from "./product.ts";

interface BadInput {
  readonly title: string;
  readonly inputs: Readonly<Record<string, string>>;
  /** What the annotation says about each of them, besides its name. */
  readonly says: readonly RegExp[];
  readonly prepareWorkspace?: (folder: string) => Promise<void>;
}

const SUBSCRIPTION = "/subscriptions/8f0a2c1e-0000-4000-8000-000000000000";

const BAD_INPUTS: readonly BadInput[] = [
  ...["4h", "1", "5", "961", "-6", "6.5"].map((value) => ({
    title: `a build timeout of ${value}`,
    inputs: { buildTimeoutInMinutes: value },
    says: [new RegExp(`"${value}"`), /6 to 960/],
  })),
  {
    title: "a source of no known form",
    inputs: { sourceImage: "ubuntu" },
    says: [/"ubuntu"/, /publisher:offer:sku:version/],
  },
  {
    title: "artifacts that are not there",
    inputs: { artifactsPath: "no-such-folder" },
    says: [/no-such-folder/],
  },
  {
    title: "an empty folder of artifacts",
    inputs: { artifactsPath: "empty" },
    says: [/empty/],
    prepareWorkspace: async (folder) => void (await mkdir(path.join(folder, "empty"))),
  },
  {
    title: "the root folder as artifacts",
    inputs: { artifactsPath: "/" },
    says: [/"\/"/],
  },
  {
    title: "an image definition that is no id",
    inputs: { galleryImageId: "gallery/web-server" },
    says: [/"gallery\/web-server"/, /galleries/],
  },
  {
    title: "the id of something else as image definition",
    inputs: {
      galleryImageId: `${SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Compute/galleries/g`,
    },
    says: [/galleries\/<name>\/images/],
  },
  {
    title: "a subnet that is no id",
    inputs: { subnetId: "vnet/subnet" },
    says: [/"vnet\/subnet"/, /subnets/],
  },
  {
    title: "an identity that is neither a name nor an id",
    inputs: { managedIdentity: "/subscriptions/x" },
    says: [/userAssignedIdentities/],
  },
  {
    title: "an image version of two numbers",
    inputs: { imageVersion: "1.4" },
    says: [/"1\.4"/, /three numbers/],
  },
  {
    title: "a clean-up policy of no known name",
    inputs: { cleanUp: "sometimes" },
    says: [/"sometimes"/, /always, on-success, never/],
  },
  {
    title: "an operating system of no known name",
    inputs: { osType: "beos" },
    says: [/"beos"/, /auto, linux, windows/],
  },
  {
    title: "artifacts without a storage account",
    inputs: { storageAccountName: "" },
    says: [/artifacts travel through a storage account/],
  },
];

const ALL_AT_ONCE: BadInput = {
  title: "everything wrong at once",
  inputs: {
    buildTimeoutInMinutes: "4h",
    sourceImage: "ubuntu",
    artifactsPath: "no-such-folder",
    galleryImageId: "gallery/web-server",
    imageVersion: "1.4",
    cleanUp: "sometimes",
    osDiskSizeInGb: "big",
    targetRegions: "westeurope=many",
  },
  says: [/"4h"/, /"ubuntu"/, /no-such-folder/, /"1\.4"/, /"sometimes"/, /"big"/, /many/],
};

const TOO_LARGE: BadInput = {
  title: "artifacts of more than 20 MB",
  inputs: { artifactsPath: "large" },
  says: [/20\.0 MB/],
  prepareWorkspace: async (folder) => {
    await mkdir(path.join(folder, "large"));
    // Random bytes cannot be packed any smaller.
    await writeFile(path.join(folder, "large/noise.bin"), randomBytes(21 * 1024 * 1024));
  },
};

let emulator: FastEmulator;
beforeAll(async () => {
  emulator = await startFastEmulator();
}, 30_000);
afterAll(() => emulator?.stop());
afterEach(async () => {
  const requests = await emulator.control.get<RequestEntry[]>("/requests");
  const writes = requests.filter(
    ({ surface, method }) =>
      ["arm", "blob"].includes(surface) && method !== "GET" && method !== "HEAD",
  );
  expect(writes).toEqual([]);
});

const newest = NODE_RUNTIMES.at(-1)?.path ?? process.execPath;

describe.each(BAD_INPUTS)("$title", (bad) => {
  test.each(HOST_NAMES)(
    "on %s",
    async (host) => {
      expectComplaint(await tryInputs(bad, host, newest), bad);
    },
    30_000,
  );
});

describe.each(NODE_RUNTIMES)("on $title", ({ path: nodePath }) => {
  test.each(HOST_NAMES)(
    "everything wrong at once on %s",
    async (host) => {
      expectComplaint(await tryInputs(ALL_AT_ONCE, host, nodePath), ALL_AT_ONCE);
    },
    30_000,
  );

  test.each(HOST_NAMES)(
    "artifacts of more than 20 MB on %s",
    async (host) => {
      expectComplaint(await tryInputs(TOO_LARGE, host, nodePath), TOO_LARGE);
    },
    60_000,
  );
});

function tryInputs(bad: BadInput, host: DemoHostName, nodePath: string): Promise<ProductRun> {
  return runProduct({
    emulator,
    host,
    nodePath,
    runId: nextRunId(),
    inputs: bad.inputs,
    ...(bad.prepareWorkspace && { prepareWorkspace: bad.prepareWorkspace }),
  });
}

function expectComplaint(run: ProductRun, bad: BadInput): void {
  expectDecentRun(run);
  expect(run.main.succeeded).toBe(false);
  const [error = ""] = errors(run);
  for (const name of Object.keys(bad.inputs)) {
    expect(error).toContain(run.host === "task" ? name : kebabCase(name));
  }
  for (const pattern of bad.says) expect(error).toMatch(pattern);
}
