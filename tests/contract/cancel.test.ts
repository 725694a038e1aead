/** A build that is cancelled, or whose step is killed, is stopped and leaves nothing. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { DemoHostName } from "../../demo/hosts.ts";
import { cancelAfter, type PlannedSignal } from "../../demo/step.ts";
import {
  type BlobEntry,
  errors,
  type RequestEntry,
  type RunEntry,
  steps,
  templateTraces,
} from "./evidence.ts";
import { NODE_RUNTIMES } from "./nodeRuntimes.ts";
import {
  type FastEmulator,
  inParallel,
  nextRunId,
  type ProductRun,
  runProduct,
  startFastEmulator,
} from "./product.ts";

/** Slower than elsewhere: the seconds a host grants a cancelled step shrink with the clock, a busy machine does not. */
const SPEED = 20;
const AT_A_TIME = 3;
const PATIENCE_IN_MS = 30_000;

type Plan = (after: Promise<unknown>) => PlannedSignal[];

const just =
  (signal: NodeJS.Signals): Plan =>
  (after) => [{ signal, after }];

interface Stop {
  readonly title: string;
  readonly host: DemoHostName;
  readonly plan: Plan;
  readonly isKilled: boolean;
}

const STOPS: readonly Stop[] = [
  { title: "a cancelled action", host: "action", plan: cancelAfter, isKilled: false },
  { title: "a cancelled task", host: "task", plan: cancelAfter, isKilled: false },
  { title: "a killed action", host: "action", plan: just("SIGKILL"), isKilled: true },
  { title: "a killed task", host: "task", plan: just("SIGKILL"), isKilled: true },
  { title: "SIGINT in a terminal", host: "local", plan: just("SIGINT"), isKilled: false },
  { title: "SIGTERM in a terminal", host: "local", plan: just("SIGTERM"), isKilled: false },
];
const CASES = NODE_RUNTIMES.flatMap((runtime) =>
  STOPS.map((stop) => ({ ...stop, runtime, title: `${stop.title} on ${runtime.title}` })),
).map((each, index) => ({ ...each, index }));

let emulator: FastEmulator;
let results: PromiseSettledResult<ProductRun>[];

beforeAll(async () => {
  emulator = await startFastEmulator({ scenario: "never-finishes", speed: SPEED });
  const jobs = CASES.map(
    ({ host, plan, runtime }) =>
      () =>
        stopBuild(host, plan, runtime.path),
  );
  results = await inParallel(AT_A_TIME, jobs);
}, 120_000);
afterAll(() => emulator?.stop());

test.each(CASES)("$title stops the build", async ({ index, isKilled }) => {
  const settled = results[index];
  if (settled?.status !== "fulfilled") throw settled?.reason;
  const run = settled.value;
  if (isKilled) {
    expect(run.main.signal).toBe("SIGKILL");
  } else {
    expect(run.main.signal).toBeNull();
    expect(run.main.succeeded).toBe(false);
    expect(errors(run)).toEqual([expect.stringMatching(/cancel/i)]);
  }
  await expectStopped(run);
});

test("no staged artifacts are left", async () => {
  expect(await emulator.control.get<BlobEntry[]>("/blobs")).toEqual([]);
});

async function stopBuild(host: DemoHostName, plan: Plan, nodePath: string): Promise<ProductRun> {
  const runId = nextRunId();
  const signals = plan(untilCustomizing(runId));
  return runProduct({ emulator, host, nodePath, runId, signals });
}

async function untilCustomizing(runId: string): Promise<void> {
  for (let waitedInMs = 0; waitedInMs < PATIENCE_IN_MS; waitedInMs += 50) {
    const runs = await emulator.control.get<RunEntry[]>("/runs");
    const own = runs.find((run) => run.templateName.includes(runId));
    if (own?.runSubState === "Customizing") return;
    await sleep(50);
  }
  throw new Error(`No run of ${runId} came to customize.`);
}

/** The cancel request was on the wire, and neither a template nor a running build is left. */
async function expectStopped(run: ProductRun): Promise<void> {
  for (const step of steps(run)) expect(step.stdout + step.stderr).not.toMatch(/^\s{4}at \S+/m);
  if (run.post) expect({ ok: run.post.succeeded, log: run.post.log }).toMatchObject({ ok: true });
  const requests = await emulator.control.get<RequestEntry[]>("/requests");
  const cancels = requests.filter(
    ({ method, path }) => method === "POST" && path.includes(run.runId) && /\/cancel\b/.test(path),
  );
  expect(cancels.map(({ status }) => status)).toContain(204);
  const traces = await templateTraces(emulator.control, run.runId);
  expect(traces).toEqual({ templates: 0, liveRuns: 0, startedRuns: 1 });
}
