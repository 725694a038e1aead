/** Many runs at once, and one that takes very long. */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { type RunningEmulator, startEmulator } from "../contract/emulatorProcess.ts";
import { Arm, type PlainAnswer, type Resource } from "./arm.ts";

const RUNS = 256;
const WIDTH = 16;
const SIMULATED = ["--build-vm", "simulated"];
const MOST_MEMORY_IN_MIB = 1024;
const HOUR_IN_MS = 3_600_000;

interface ListedRun {
  runState: string;
  message: string;
  startedAt: string;
  endedAt: string;
}

/** Of a process and its children, in MiB; undefined where there is no /proc. */
function residentInMib(pid: number): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const own = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
    const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean),
    );
    return children.reduce((sum, child) => sum + (residentInMib(Number(child)) ?? 0), own);
  } catch {
    return undefined;
  }
}

test(`${RUNS} runs at once end well, in bounded memory`, async () => {
  // Time stands almost still while they are started, then it is told to pass.
  const emulator = await startEmulator({ speed: 1, moreArguments: SIMULATED });
  try {
    const arm = new Arm(emulator);
    const ids = Array.from({ length: RUNS }, (_, index) => arm.templateId(`load-${index}`));
    await inBatches(ids, (id) => arm.call("PUT", id, { body: arm.template() }));
    await emulator.control.post("/clock", { advanceInMs: 30_000 });
    await untilCounted(emulator, "/templates", "provisioningState", "Succeeded");
    await inBatches(ids, (id) => arm.call("POST", `${id}/run`));
    await untilCounted(emulator, "/runs", "runState", "Running");
    const mostInMib = await untilOver(emulator);
    process.stderr.write(
      `${RUNS} runs at once: emulator and Azurite held at most ${Math.round(mostInMib)} MiB.\n`,
    );
    await untilCounted(emulator, "/runs", "runState", "Succeeded");
    expect(mostInMib).toBeLessThan(MOST_MEMORY_IN_MIB);
  } finally {
    await emulator.stop();
  }
}, 120_000);

async function inBatches(ids: readonly string[], request: (id: string) => Promise<PlainAnswer>) {
  for (let at = 0; at < ids.length; at += WIDTH) {
    const answers = await Promise.all(ids.slice(at, at + WIDTH).map(request));
    expect(answers.filter(({ status }) => status >= 300)).toEqual([]);
  }
}

/** Resolves when the list has all runs, each with this value; a value in the way shows in the message. */
async function untilCounted(emulator: RunningEmulator, path: string, key: string, value: string) {
  const giveUpAt = Date.now() + 40_000;
  for (;;) {
    const listed = await emulator.control.get<Array<Record<string, unknown>>>(path);
    const values = listed.map((item) => item[key]);
    if (values.length === RUNS && values.every((item) => item === value)) return;
    if (Date.now() > giveUpAt) throw new Error(`${path}: ${[...new Set(values)]}`);
    await sleep(200);
  }
}

/** Lets time pass until no run is on. Answers the most memory held on the way. */
async function untilOver(emulator: RunningEmulator): Promise<number> {
  const giveUpAt = Date.now() + 60_000;
  let mostInMib = 0;
  for (;;) {
    const runs = await emulator.control.get<ListedRun[]>("/runs");
    mostInMib = Math.max(mostInMib, residentInMib(emulator.pid) ?? 0);
    if (runs.every(({ runState }) => runState !== "Running")) return mostInMib;
    if (Date.now() > giveUpAt) throw new Error("The runs do not end.");
    await emulator.control.post("/clock", { advanceInMs: 20_000 });
    await sleep(200);
  }
}

test("a run of 16 hours takes less than 10 seconds", async () => {
  const startedAtInMs = Date.now();
  const emulator = await startEmulator({ scenario: "never-finishes", moreArguments: SIMULATED });
  try {
    const arm = new Arm(emulator);
    await arm.create("long", arm.template({ buildTimeoutInMinutes: 960 }));
    await arm.call("POST", `${arm.templateId("long")}/run`);
    const isCustomizing = ({ properties }: Resource) =>
      properties.lastRunStatus?.runSubState === "Customizing";
    await arm.until("long", isCustomizing);
    for (let hour = 0; hour < 16; hour += 1) {
      await emulator.control.post("/clock", { advanceInMs: HOUR_IN_MS });
      await arm.get(arm.templateId("long"));
    }
    const isOver = ({ properties }: Resource) => properties.lastRunStatus?.runState === "Failed";
    const { properties } = await arm.until("long", isOver);
    expect(properties.lastRunStatus?.message).toContain("context deadline exceeded");
    const [run] = await emulator.control.get<ListedRun[]>("/runs");
    expect(Date.parse(run?.endedAt ?? "") - Date.parse(run?.startedAt ?? "")).toBe(16 * HOUR_IN_MS);
  } finally {
    await emulator.stop();
  }
  expect(Date.now() - startedAtInMs).toBeLessThan(10_000);
});
