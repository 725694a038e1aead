/** The az CLI against the emulator, as against any cloud that is not the public one. */
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type RunningEmulator, startEmulator } from "../contract/emulatorProcess.ts";
import { describeUnless } from "./suite.ts";

const config = mkdtempSync(path.join(tmpdir(), "az-config-"));
/** Nothing of the user's own sign-in is read or changed. */
const PRIVATE = { AZURE_CONFIG_DIR: config, AZURE_CORE_COLLECT_TELEMETRY: "false" };

const probe = spawnSync("az", ["version"], { env: { ...process.env, ...PRIVATE } });
const isInstalled = probe.status === 0;
const withAz = describeUnless(
  isInstalled ? undefined : "az is not installed (on Debian: apt-get install azure-cli)",
  "the az CLI against the emulator",
);

let emulator: RunningEmulator;

function value(name: string): string {
  return emulator.env[`EMULATOR_${name}`] ?? "";
}

/** Answers what az printed as JSON, undefined for nothing. @throws {Error} with az's own words */
async function az<T>(command: string, ...more: string[]): Promise<T> {
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  const env = {
    ...inherited,
    ...PRIVATE,
    MSI_ENDPOINT: value("MSI_ENDPOINT"),
    REQUESTS_CA_BUNDLE: value("CA_FILE"),
    NO_PROXY: "localhost,127.0.0.1",
  };
  const args = [...command.split(" "), ...more, "--output", "json", "--only-show-errors"];
  const { stdout } = await promisify(execFile)("az", args, { env, timeout: 60_000 });
  return (stdout.trim() ? JSON.parse(stdout) : undefined) as T;
}

/** About one image template. */
function builder<T>(command: string, name: string, ...more: string[]): Promise<T> {
  return az<T>(`image builder ${command} -g ${value("RESOURCE_GROUP")} -n ${name}`, ...more);
}

interface Named {
  id: string;
  name: string;
}

afterAll(() => rmSync(config, { recursive: true, force: true }));

withAz("az", () => {
  beforeAll(async () => {
    emulator = await startEmulator({ speed: 60, moreArguments: ["--build-vm", "simulated"] });
    await az("cloud register -n Emulator --endpoint-resource-manager", value("ARM_ENDPOINT"));
    await az("cloud set -n Emulator");
  }, 60_000);

  afterAll(() => emulator?.stop());

  test("signs in with a managed identity", async () => {
    const [subscription] = await az<Named[]>("login --identity");
    expect(subscription?.id).toBe(value("SUBSCRIPTION_ID"));
  });

  test("builds an image from a template that it puts together", async () => {
    const image = value("GALLERY_IMAGE_ID").split("/").at(-1) ?? "";
    const made = await builder<Named>(
      "create --defer --image-source Canonical:ubuntu-24_04-lts:server:latest",
      "by-az",
      ...["--identity", value("IDENTITY_ID").split("/").at(-1) ?? ""],
      ...["--shared-image-destinations", `gal_images/${image}=${value("LOCATION")}`],
    );
    expect(made).toBeTruthy();
    await builder(
      "customizer add --defer --customizer-name hello -t shell",
      "by-az",
      ...["--inline-script", "echo hello from az"],
    );
    await builder(
      `output add --defer --gallery-name gal_images --gallery-image-definition ${image} --output-name second`,
      "by-az",
      ...["--gallery-replication-regions", value("LOCATION"), "--artifact-tags", "made=by az"],
    );
    // Without --no-wait, which it lacks here, az asks an operation every 30 s.
    await builder("update", "by-az");
    const shown = await builder<{ provisioningState: string }>("show", "by-az");
    expect(shown.provisioningState).toBe("Succeeded");
    await builder("run --no-wait", "by-az");
    await builder("wait --interval 1", "by-az", "--custom", "lastRunStatus.runState=='Succeeded'");
    const ran = await builder<{ lastRunStatus: { runState: string } }>("show", "by-az");
    expect(ran.lastRunStatus.runState).toBe("Succeeded");

    const outputs = await builder<Array<{ artifactId: string }>>("show-runs", "by-az");
    const versions = await az<Named[]>(
      `sig image-version list -r gal_images -i ${image} -g ${value("RESOURCE_GROUP")}`,
    );
    expect(outputs).toHaveLength(2);
    expect(versions.map(({ id }) => id).sort()).toEqual(
      outputs.map(({ artifactId }) => artifactId).sort(),
    );
    await builder("delete", "by-az");
    expect(await emulator.control.get("/templates")).toEqual([]);
  }, 300_000);

  test("cancels a run and waits until it is canceled", async () => {
    await emulator.control.post("/scenario", { name: "never-finishes" });
    const image = value("GALLERY_IMAGE_ID");
    await builder(
      "create --no-wait --image-source Canonical:ubuntu-24_04-lts:server:latest",
      "canceled",
      ...["--identity", value("IDENTITY_ID"), "--shared-image-destinations"],
      ...[`${image}=${value("LOCATION")}`, "--scripts", "https://example.com/install.sh"],
    );
    await builder("wait --created --interval 1", "canceled");
    await builder("run --no-wait", "canceled");
    await builder("cancel", "canceled");
    const isCanceled = "lastRunStatus.runState=='Canceled'";
    await builder("wait --interval 1", "canceled", "--custom", isCanceled);
  }, 300_000);

  test("lists blobs with the signed-in identity", async () => {
    const endpoint = ["--blob-endpoint", value("BLOB_ENDPOINT")];
    expect(await az("storage blob list --auth-mode login -c artifacts", ...endpoint)).toEqual([]);
  });

  test("says in the service's words what is wrong", async () => {
    const missing = builder("show", "nonesuch");
    await expect(missing).rejects.toThrow(/ResourceNotFound/);
  });
});
