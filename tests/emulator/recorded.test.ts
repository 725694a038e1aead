/** What the real service once answered, asked again of the emulator and compared field by field. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type RunningEmulator, startEmulator } from "../contract/emulatorProcess.ts";
import { Arm, type PlainAnswer, type Resource } from "./arm.ts";
import { contractFolder } from "./contractFolder.ts";
import { type Difference, differences, fieldsOf } from "./normalForm.ts";
import { describeUnless } from "./suite.ts";

/** One file of recorded traffic. */
interface Recorded {
  liveRequest: { method: string; url: string; body?: unknown };
  liveResponse: { statusCode: string; headers: Record<string, string>; body?: unknown };
  liveResponseBodyText?: string;
}

/** The emulator's answer as far as a recording can be compared with it. */
type Answered = Pick<PlainAnswer, "status" | "headers" | "text">;

const FRAGMENTS = "04-lastRunStatus-fragments";
const { folder, obstacle } = contractFolder();
const compared = describeUnless(obstacle, "the comparison with recorded exchanges");
/** What both sides say, by exchange and field. */
const found = new Map<string, string>();

/** Of the recording's own transport, or trimmed from it. */
const IGNORED_HEADERS = new Set(["content-length", "x-cache", "date"]);

let emulator: RunningEmulator;
let arm: Arm;

function load<T = Recorded>(name: string): T {
  return JSON.parse(readFileSync(path.join(folder, "recorded", `${name}.json`), "utf8")) as T;
}

/** The recorded request body with this emulator's resources in place of theirs. */
function ours(body: unknown): ReturnType<Arm["template"]> {
  // The recorded request spelled it so, and the service gave it back so.
  const identityId = arm.value("IDENTITY_ID").replace("/resourceGroups/", "/resourcegroups/");
  const text = JSON.stringify(body)
    .replace(/"replicationRegions":\["\w+"\]/g, `"replicationRegions":["${arm.value("LOCATION")}"]`)
    .replace(/"[^"]*\/userAssignedIdentities\/[^"]*"/g, JSON.stringify(identityId))
    .replace(/"[^"]*\/galleries\/[^"]*"/g, JSON.stringify(arm.value("GALLERY_IMAGE_ID")));
  return JSON.parse(text);
}

/** What must have been submitted for a GET to show this. */
function submitted(shown: unknown) {
  const { location, properties } = shown as Resource & { location: string };
  const { source, customize, distribute } = properties as Record<string, Record<string, unknown>[]>;
  const { exactVersion: _, ...asked } = source as unknown as Record<string, unknown>;
  const distributors = (distribute ?? []).map(({ versioning: __, ...others }) => others);
  const { identity } = arm.template();
  return ours({
    location,
    identity,
    properties: { source: asked, customize, distribute: distributors },
  });
}

function headersOf(headers: Record<string, unknown>, wanted: readonly string[]) {
  const entries = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return Object.fromEntries(entries.filter(([name]) => wanted.includes(String(name))));
}

/** Whether a body is compact, or by how much it is indented. */
function layout(text: string | undefined): string {
  return /^\{\n( *)/.exec(text ?? "")?.[1] ?? "compact";
}

function compareTexts(name: string, recorded: Recorded, answer: Answered): Difference[] {
  const { headers, statusCode, body } = recorded.liveResponse;
  const wanted = Object.keys(headers)
    .map((header) => header.toLowerCase())
    .filter((header) => !IGNORED_HEADERS.has(header));
  const service = {
    status: Number(statusCode),
    headers: headersOf(headers, wanted),
    body: body ?? "",
    ...(recorded.liveResponseBodyText ? { layout: layout(recorded.liveResponseBodyText) } : {}),
  };
  const emulated = {
    status: answer.status,
    headers: headersOf(answer.headers, wanted),
    body: answer.text ? JSON.parse(answer.text) : "",
    ...(recorded.liveResponseBodyText ? { layout: layout(answer.text) } : {}),
  };
  return note(name, differences(fieldsOf(service), fieldsOf(emulated)));
}

/** Which differences there are must be written down with a reason; the last test looks. */
function note(name: string, all: Difference[]): Difference[] {
  for (const { field, service, emulator: ourValue } of all) {
    found.set(`${name} ${field}`, `service ${service}, emulator ${ourValue}`);
  }
  return all;
}

function compare(name: string, answer: Answered): void {
  compareTexts(name, load(name), answer);
}

const OLD = { apiVersion: "2022-07-01" };

function get(templatePath: string, apiVersion = OLD.apiVersion) {
  return arm.call("GET", templatePath, { apiVersion });
}

compared("the emulator answers as the service did", () => {
  beforeAll(async () => {
    emulator = await startEmulator({ speed: 100, moreArguments: ["--build-vm", "simulated"] });
    arm = new Arm(emulator);
  });

  afterAll(() => emulator?.stop());

  test("to a create, a run and a cancel", async () => {
    const { liveRequest } = load("01-put-201-creating");
    const id = arm.templateId("stopped");
    const body = ours(liveRequest.body);
    compare("01-put-201-creating", await arm.call("PUT", id, { ...OLD, body }));
    await arm.until("stopped", (made) => made.properties.provisioningState === "Succeeded", OLD);
    compare("03-run-202", await arm.call("POST", `${id}/run`, OLD));
    const running = await arm.get(id, OLD);
    compare("05-cancel-204", await arm.call("POST", `${id}/cancel`, OLD));
    const canceling = await get(id);
    compare("06-get-after-cancel-canceling", canceling);
    const { properties } = JSON.parse(canceling.text) as Resource;
    compareStatus("running", running.properties.lastRunStatus);
    compareStatus("canceling", properties.lastRunStatus);
    await arm.until("stopped", isOver, OLD);
  });

  test("to reads of a template that never ran", async () => {
    const { liveResponse } = load("02-get-200-succeeded-never-run");
    await arm.create("idle", submitted(liveResponse.body), OLD);
    compare("02-get-200-succeeded-never-run", await get(arm.templateId("idle")));
    await arm.delete("stopped");
    compare("07-list-by-rg-200", await get(arm.templateId("").replace(/\/$/, "")));
  });

  test("to a list with a failed and a canceling template", async () => {
    const name = "08-list-by-subscription-200-with-failed-and-canceling";
    const recorded = load(name);
    const { value } = recorded.liveResponse.body as { value: Resource[] };
    const [canceling, idle, failed] = value;
    await emulator.control.post("/scenario", { name: "create-fails" });
    await arm.create("failed", submitted(failed), OLD);
    await emulator.control.post("/scenario", { name: "cancel-is-slow" });
    await arm.create("canceling", submitted(canceling), OLD);
    await arm.call("POST", `${arm.templateId("canceling")}/run`, OLD);
    await arm.call("POST", `${arm.templateId("canceling")}/cancel`, OLD);
    await emulator.control.post("/scenario", { name: "succeeds" });
    const scope = `/subscriptions/${arm.value("SUBSCRIPTION_ID")}/providers/Microsoft.VirtualMachineImages/imageTemplates`;
    const answer = await get(scope);
    const shown = (JSON.parse(answer.text) as { value: Resource[] }).value;
    const inOrder = ["canceling", "idle", "failed"].map((n) => shown.find((t) => t.name === n));
    const text = JSON.stringify({ value: inOrder });
    const body = { value: [canceling, idle, failed] };
    compareTexts(
      name,
      { ...recorded, liveResponse: { ...recorded.liveResponse, body } },
      { ...answer, text },
    );
  });

  test("to reads of run outputs", async () => {
    const version = { apiVersion: "2022-02-14" };
    const body = arm.template();
    for (const distributor of body.properties.distribute) {
      Object.assign(distributor, {
        runOutputName: "runOutput1",
        replicationRegions: ["westeurope"],
      });
      Reflect.deleteProperty(distributor, "targetRegions");
    }
    await arm.create("ran", body, version);
    const ran = await arm.run("ran", version);
    compareStatus("succeeded", ran.properties.lastRunStatus);
    const outputs = `${arm.templateId("ran")}/runOutputs`;
    compare("10-runoutputs-list-200", await get(outputs, version.apiVersion));
    compare("11-runoutput-get-200", await get(`${outputs}/runOutput1`, version.apiVersion));
  });

  test("to triggers", async () => {
    const trigger = `${arm.templateId("idle")}/triggers/new-base`;
    const { body } = load("20-trigger-put-201").liveRequest;
    const made = await arm.call("PUT", trigger, { ...OLD, body });
    compare("20-trigger-put-201", made);
    compare("21-operation-get-succeeded", await arm.operation(made));
    compare("22-trigger-get-200", await get(trigger));
    const other = `${arm.templateId("ran")}/triggers/new-base`;
    compare("23-trigger-delete-204", await arm.call("DELETE", other, OLD));
  });

  test("to a read of a failed run's operation", async () => {
    await emulator.control.post("/scenario", { name: "customizer-fails" });
    const started = await arm.call("POST", `${arm.templateId("ran")}/run`, OLD);
    compare("30-operation-get-failed-packer", await arm.operation(started));
  });

  test("to everything that was recorded", () => {
    const files = readdirSync(path.join(folder ?? "", "recorded"));
    expect(files.map((file) => path.basename(file, ".json")).sort()).toEqual([...seen].sort());
  });

  test("but for the differences that docs/emulator.md gives a reason for", () => {
    const rows = documented();
    expect([...found].filter(([key]) => !rows.includes(key))).toEqual([]);
    expect(rows.filter((row) => !found.has(row))).toEqual([]);
  });
});

const seen = [
  "01-put-201-creating",
  "02-get-200-succeeded-never-run",
  "03-run-202",
  FRAGMENTS,
  "05-cancel-204",
  "06-get-after-cancel-canceling",
  "07-list-by-rg-200",
  "08-list-by-subscription-200-with-failed-and-canceling",
  "10-runoutputs-list-200",
  "11-runoutput-get-200",
  "20-trigger-put-201",
  "21-operation-get-succeeded",
  "22-trigger-get-200",
  "23-trigger-delete-204",
  "30-operation-get-failed-packer",
];

function isOver({ properties }: Resource): boolean {
  return properties.lastRunStatus?.runState === "Canceled";
}

function compareStatus(name: "running" | "canceling" | "succeeded", status: unknown): void {
  const fragments = load<Record<string, unknown>>(FRAGMENTS);
  const times = { "<9-digit fraction>": "2025-01-01T00:00:00.000000000Z" };
  const text = JSON.stringify(fragments[name]).replaceAll(
    /<9-digit fraction>/g,
    (m) => times[m as keyof typeof times],
  );
  note(`${FRAGMENTS} ${name}`, differences(fieldsOf(JSON.parse(text)), fieldsOf(status)));
}

/** Rows of the table: exchange, field, reason. A row without a reason counts as none. */
function documented(): string[] {
  const text = readFileSync(path.resolve(__dirname, "../../docs/emulator.md"), "utf8");
  const table = text.split("<!-- recorded differences -->")[1] ?? "";
  return [...table.matchAll(/^\| `([^`]+)` \| `([^`]+)` \| *\S[^|]* \|$/gm)].map(
    ([, exchange, field]) => `${exchange} ${field}`,
  );
}
