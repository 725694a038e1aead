/** The product's artifacts on their way into a build VM that really runs: every route, small and large. */
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { StepResult } from "../../demo/step.ts";
import { runTerminalStep } from "../../demo/terminal.ts";
import { type RunningEmulator, startEmulator } from "../contract/emulatorProcess.ts";
import { Arm } from "./arm.ts";

const canRun = process.platform === "linux" && process.getuid?.() === 0;
if (!canRun) console.log("Delivery into a build VM is not tested: that takes Linux and root.");
const describeIfPossible = canRun ? describe : describe.skip;

// Slow enough that the emulated hour of a token outlasts an upload in real time.
const SPEED = 20;
const LARGE_SIZE_IN_BYTES = 70_000_000;

let emulator: RunningEmulator;
let arm: Arm;
let workspace: string;
let digest: string;

beforeAll(async () => {
  if (!canRun) return;
  emulator = await startEmulator({ speed: SPEED, moreArguments: ["--build-vm", "overlay"] });
  arm = new Arm(emulator);
  workspace = mkdtempSync(join(tmpdir(), "delivery-"));
  mkdirSync(join(workspace, "small"));
  mkdirSync(join(workspace, "large"));
  writeFileSync(join(workspace, "small/readme.txt"), "hello\n");
  writeFileSync(join(workspace, "large/readme.txt"), "hello\n");
  // Random bytes cannot be packed any smaller.
  const noise = randomBytes(LARGE_SIZE_IN_BYTES);
  digest = createHash("sha256").update(noise).digest("hex");
  writeFileSync(join(workspace, "large/noise.bin"), noise);
}, 60_000);

afterEach(async () => {
  if (!canRun) return;
  expect(await emulator.control.get("/blobs")).toEqual([]);
  expect(await emulator.control.get("/templates")).toEqual([]);
});

afterAll(async () => {
  if (!canRun) return;
  await emulator.stop();
  rmSync(workspace, { recursive: true });
});

async function bake(name: string, inputs: Record<string, string>): Promise<StepResult> {
  const folder = mkdtempSync(join(tmpdir(), "delivery-job-"));
  const job = {
    workspace,
    folder,
    runId: name,
    attempt: 1,
    emulator: emulator.env,
  };
  const result = await runTerminalStep({
    entry: "main",
    job,
    nodePath: process.execPath,
    inputs: {
      resourceGroupName: arm.value("RESOURCE_GROUP"),
      managedIdentity: arm.value("IDENTITY_ID"),
      storageAccountName: arm.value("STORAGE_ACCOUNT"),
      galleryImageId: arm.value("GALLERY_IMAGE_ID"),
      sourceImage: "Canonical:ubuntu-24_04-lts:server:latest",
      artifactsDestination: "/opt/x",
      templateName: name,
      ...inputs,
    },
    signIn: { kind: "secret", secret: arm.value("CLIENT_SECRET") },
  });
  rmSync(folder, { recursive: true });
  return result;
}

async function logOf(name: string): Promise<string> {
  const runs = await emulator.control.get<{ templateName: string; log: string }[]>("/runs");
  return runs.find((run) => run.templateName === name)?.log ?? "";
}

async function keyRequests(): Promise<number> {
  const requests = await emulator.control.get<{ path: string }[]>("/requests");
  return requests.filter(({ path }) => path.includes("comp=userdelegationkey")).length;
}

const LOOK = [
  "whoami",
  "cat /opt/x/readme.txt",
  "test -e /opt/x/noise.bin && sha256sum /opt/x/noise.bin",
  "echo packages left: $(ls /tmp/*.tar.gz 2>/dev/null | wc -l)",
].join("\n");

describeIfPossible("artifacts arrive in the build VM", () => {
  test("small ones by the service's own copy", async () => {
    const script = LOOK.replace("test -e", "! test -e").replace("&&", "||");
    const result = await bake("small", { artifactsPath: "small", script });
    expect(result.annotations).toEqual([]);
    expect(result.succeeded).toBe(true);
    const log = await logOf("small");
    expect(log).toContain("azure-arm: hello");
    expect(log).toContain("azure-arm: packer");
    expect(log).toContain("azure-arm: packages left: 0");
  }, 60_000);

  test("large ones by a signed link, which no log, state or template holds", async () => {
    const before = await keyRequests();
    const result = await bake("by-link", { artifactsPath: "large", script: LOOK });
    expect(result.annotations).toEqual([]);
    expect(result.succeeded).toBe(true);
    const log = await logOf("by-link");
    expect(log).toContain(digest);
    expect(log).toContain("azure-arm: packages left: 0");
    expect(await keyRequests()).toBe(before + 1);
    expect(result.stdout + result.stderr + log).not.toMatch(/sig=|skoid=/);
  }, 120_000);

  test("large ones by the build VM's own identity, without any signature", async () => {
    const before = await keyRequests();
    const buildVmIdentities = arm.value("IDENTITY_ID");
    const inputs = { artifactsPath: "large", script: LOOK, buildVmIdentities };
    const result = await bake("by-identity", inputs);
    expect(result.annotations).toEqual([]);
    expect(result.succeeded).toBe(true);
    expect(await logOf("by-identity")).toContain(digest);
    expect(await keyRequests()).toBe(before);
  }, 120_000);

  test("or the missing role is named, and nothing stays", async () => {
    await emulator.control.post("/roles", { name: "Storage Blob Delegator", granted: false });
    const result = await bake("no-role", { artifactsPath: "large", script: LOOK });
    await emulator.control.post("/roles", { name: "Storage Blob Delegator", granted: true });
    expect(result.succeeded).toBe(false);
    expect(result.annotations).toHaveLength(1);
    expect(result.annotations[0]?.message).toMatch(/Storage Blob Delegator on the staging account/);
  }, 120_000);
});
