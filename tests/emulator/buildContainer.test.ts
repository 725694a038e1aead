/** What stands in the stagingResourceGroup while a run lasts, the live log among it. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type RunningEmulator, startEmulator } from "../contract/emulatorProcess.ts";
import { Arm, type Resource } from "./arm.ts";

const CONTAINERS = { apiVersion: "2023-05-01" };
const RESOURCES = { apiVersion: "2025-04-01" };

let emulator: RunningEmulator;
let arm: Arm;

beforeAll(async () => {
  emulator = await startEmulator({ speed: 20, moreArguments: ["--build-vm", "simulated"] });
  arm = new Arm(emulator);
});

afterAll(() => emulator?.stop());

async function typesIn(group: string): Promise<string[]> {
  const { text } = await arm.call("GET", `${group}/resources`, RESOURCES);
  return (JSON.parse(text) as { value: Resource[] }).value.map(({ type }) => type).sort();
}

async function containersIn(group: string): Promise<Resource[]> {
  const path = `${group}/providers/Microsoft.ContainerInstance/containerGroups`;
  const { text } = await arm.call("GET", path, CONTAINERS);
  return (JSON.parse(text) as { value: Resource[] }).value;
}

async function logOf({ id, name }: Resource, query = ""): Promise<string> {
  const { text } = await arm.call("GET", `${id}/containers/${name}/logs${query}`, CONTAINERS);
  return (JSON.parse(text) as { content: string }).content;
}

test("container, log, machine and network are there while a run lasts, and all is gone with the template", async () => {
  const made = await arm.create("built");
  const group = made.properties.exactStagingResourceGroup ?? "";
  expect(await typesIn(group)).toEqual(["Microsoft.Storage/storageAccounts"]);

  await arm.call("POST", `${arm.templateId("built")}/run`);
  const isCustomizing = ({ properties }: Resource) =>
    properties.lastRunStatus?.runSubState === "Customizing";
  await arm.until("built", isCustomizing);
  const [container] = await containersIn(group);
  expect(container?.name).toMatch(/^vmimagebuilder-build-container-/);
  expect(await typesIn(group)).toEqual([
    "Microsoft.Compute/disks",
    "Microsoft.Compute/virtualMachines",
    "Microsoft.ContainerInstance/containerGroups",
    "Microsoft.Network/networkInterfaces",
    "Microsoft.Network/networkSecurityGroups",
    "Microsoft.Network/publicIPAddresses",
    "Microsoft.Network/virtualNetworks",
    "Microsoft.Storage/storageAccounts",
  ]);
  if (!container) throw new Error("There is no container.");
  expect(await logOf(container)).toContain("PACKER OUT ==> azure-arm:");
  const lines = (await logOf(container, "?tail=2&timestamps=true")).trim().split("\n");
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z \[/);

  const role = "Log Reader";
  await emulator.control.post("/roles", { name: role, granted: false });
  const path = `${container.id}/containers/${container.name}/logs`;
  expect((await arm.call("GET", path, CONTAINERS)).status).toBe(403);
  await emulator.control.post("/roles", { name: role, granted: true });

  const isOver = ({ properties }: Resource) => properties.lastRunStatus?.runState === "Succeeded";
  await arm.until("built", isOver);
  expect(await containersIn(group)).toEqual([]);
  expect((await arm.call("GET", path, CONTAINERS)).status).toBe(404);
  await arm.delete("built");
  expect((await arm.call("GET", group, RESOURCES)).status).toBe(404);
});
