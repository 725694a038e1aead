/** Several hundred exchanges with the emulator, held against the service's own OpenAPI documents. */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type RunningEmulator, startEmulator } from "../contract/emulatorProcess.ts";
import { Arm } from "./arm.ts";
import { contractFolder } from "./contractFolder.ts";
import { describeUnless } from "./suite.ts";

const FEWEST_EXCHANGES = 300;
/** Those with a document. */
const API_VERSIONS = ["2022-02-14", "2022-07-01", "2024-02-01", "2025-10-01"];

const { folder, obstacle } = contractFolder();
const check = obstacle === undefined ? preparedCheck(folder) : { validator: "", obstacle };
const withValidator = describeUnless(check.obstacle, "the conformance to the OpenAPI documents");

/** The check and what stands in its way. Its packages are installed into a copy, once, when the folder has none. */
function preparedCheck(contract: string): { validator: string; obstacle: string | undefined } {
  const check = path.join(contract, "check");
  if (existsSync(path.join(check, "node_modules"))) {
    return { validator: path.join(check, "validate.mjs"), obstacle: undefined };
  }
  const lock = readFileSync(path.join(check, "package-lock.json"));
  const id = createHash("sha256").update(lock).digest("hex").slice(0, 16);
  const copy = path.join(tmpdir(), `azure-contract-check-${id}`);
  const failure = existsSync(copy) ? undefined : install(contract, copy);
  return { validator: path.join(copy, "check", "validate.mjs"), obstacle: failure };
}

/** Answers why it did not work, or nothing. */
function install(contract: string, copy: string): string | undefined {
  const unfinished = mkdtempSync(`${copy}-`);
  for (const part of ["check", "specification"]) {
    cpSync(path.join(contract, part), path.join(unfinished, part), { recursive: true, mode: 0 });
  }
  spawnSync("chmod", ["-R", "u+w", unfinished]);
  const cwd = path.join(unfinished, "check");
  const done = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd, encoding: "utf8" });
  if (done.status === 0) {
    renameSync(unfinished, copy);
    return undefined;
  }
  rmSync(unfinished, { recursive: true, force: true });
  return `npm ci of the check failed: ${done.stderr}`;
}

let emulator: RunningEmulator;
let recordings: string;
let arm: Arm;

/** A template in the fields of an api-version. */
function template(apiVersion: string) {
  const body = arm.template({
    buildTimeoutInMinutes: 60,
    vmProfile: { vmSize: "Standard_D2s_v5" },
  });
  if (apiVersion >= "2022-07-01") return body;
  for (const distributor of body.properties.distribute) {
    Reflect.deleteProperty(distributor, "targetRegions");
    Object.assign(distributor, { replicationRegions: [arm.value("LOCATION")] });
  }
  return body;
}

async function wholeLife(apiVersion: string): Promise<void> {
  const version = { apiVersion };
  const name = `whole-${apiVersion}`;
  const id = arm.templateId(name);
  await arm.create(name, template(apiVersion), version);
  await arm.call("PATCH", id, { ...version, body: { tags: { changed: "yes" } } });
  await arm.run(name, version);
  for (const path of [`${id}/runOutputs`, `${id}/runOutputs/gallery`, `${id}/runOutputs/none`]) {
    await arm.call("GET", path, version);
  }
  await arm.call("GET", id.slice(0, id.lastIndexOf("/")), version);
  if (apiVersion >= "2022-07-01") await triggerLife(id, apiVersion);
  await refusals(name, apiVersion);
  await arm.call("DELETE", id, version);
  await arm.poll(id, ({ status }) => status === 404, version);
}

async function triggerLife(id: string, apiVersion: string): Promise<void> {
  const trigger = `${id}/triggers/base`;
  const body = { properties: { kind: "SourceImage" } };
  const made = await arm.call("PUT", trigger, { apiVersion, body });
  await arm.operation(made);
  await arm.call("GET", trigger, { apiVersion });
  await arm.call("GET", `${id}/triggers`, { apiVersion });
  await arm.call("DELETE", trigger, { apiVersion });
}

async function refusals(name: string, apiVersion: string): Promise<void> {
  const version = { apiVersion };
  const id = arm.templateId(name);
  await arm.call("PUT", id, { ...version, body: template(apiVersion) });
  await arm.call("POST", `${id}/cancel`, version);
  await arm.call("PUT", `${id}-bad`, { ...version, body: { location: "nowhere" } });
  await arm.call("POST", `${id}/run`, version);
  await arm.call("POST", `${id}/run`, version);
  await arm.call("DELETE", id, version);
  await arm.call("POST", `${id}/cancel`, version);
  const isCanceled = ({ text }: { text: string }) => text.includes('"Canceled"');
  await arm.poll(id, isCanceled, version);
}

async function reads(): Promise<void> {
  const subscription = `/subscriptions/${arm.value("SUBSCRIPTION_ID")}`;
  const group = `${subscription}/resourceGroups/${arm.value("RESOURCE_GROUP")}`;
  const gallery = `${group}/providers/Microsoft.Compute/galleries/gal_images`;
  const sku = `${subscription}/providers/Microsoft.Compute/locations/westeurope/publishers/Canonical/artifacttypes/vmimage/offers/ubuntu-24_04-lts/skus`;
  const compute = { apiVersion: "2024-03-03" };
  const images = { apiVersion: "2024-07-01" };
  for (const path of ["", "/images", "/images/base", "/images/base/versions"]) {
    await arm.call("GET", `${gallery}${path}`, compute);
  }
  await arm.call("GET", `${gallery}/images/base/versions/1.2.0?$expand=ReplicationStatus`, compute);
  await arm.call("GET", `${gallery}/images/base/versions/9.9.9`, compute);
  await arm.call("GET", sku, images);
  await arm.call("GET", `${sku}/server/versions`, images);
  await arm.call("GET", `${sku}/server/versions/24.04.202611110`, images);
  await arm.call("GET", `${subscription}/providers/Microsoft.VirtualMachineImages/imageTemplates`);
  await arm.call("GET", "/providers/Microsoft.VirtualMachineImages/operations");
}

withValidator("the emulator", () => {
  beforeAll(async () => {
    recordings = mkdtempSync(path.join(tmpdir(), "conformance-"));
    const moreArguments = ["--build-vm", "simulated"];
    emulator = await startEmulator({ speed: 30, record: recordings, moreArguments });
    arm = new Arm(emulator);
  });

  afterAll(() => rmSync(recordings, { recursive: true, force: true }));

  test("answers as the documents say", async () => {
    for (const apiVersion of API_VERSIONS) await wholeLife(apiVersion);
    await reads();
    await emulator.stop();
    const checked = spawnSync(process.execPath, [check.validator, recordings], {
      encoding: "utf8",
      maxBuffer: 64 * 1024 * 1024,
    });
    const verdict = checked.stdout.trim().split("\n");
    process.stderr.write(`Conformance: ${verdict.at(-1)}\n`);
    expect(verdict.slice(0, -1)).toEqual([]);
    expect(verdict.at(-1)).toMatch(/not conforming 0$/);
    const [, count = "0"] = /checked (\d+)/.exec(verdict.at(-1) ?? "") ?? [];
    expect(Number(count)).toBeGreaterThan(FEWEST_EXCHANGES);
    // Installing is done before; validating hundreds of exchanges takes a while on two cores.
  }, 180_000);
});
