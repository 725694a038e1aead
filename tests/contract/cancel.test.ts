/** A build that is cancelled, or whose step is killed, is stopped and leaves nothing. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
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
  nextRunId,
  type ProductRun,
  runProduct,
  startFastEmulator,
} from "./product.ts";

/** Slower than elsewhere: the seconds a host grants a cancelled step shrink with the clock, a busy machine does not. */
const SPEED = 20;
const PATIENCE_IN_MS = 30_000;
const ONE_ENDED_RUN = { templates: 0, liveRuns: 0, startedRuns: 1 };

let emulator: FastEmulator;
beforeAll(async () => {
  emulator = await startFastEmulator({ scenario: "never-finishes", speed: SPEED });
}, 30_000);
afterAll(() => emulator?.stop());

const CI_HOSTS: readonly DemoHostName[] = ["action", "task"];

describe.each(NODE_RUNTIMES)("on $title", ({ path: nodePath }) => {
  test.each(CI_HOSTS)(
    "a cancelled %s stops the build",
    async (host) => {
      const run = await runUntilCustomizing(host, nodePath, cancelAfter);
      expect(run.main.signal).toBeNull();
      expect(run.main.succeeded).toBe(false);
      expect(errors(run)).toEqual([expect.stringMatching(/cancel/i)]);
      await expectStopped(run);
    },
    60_000,
  );

  test.each(CI_HOSTS)(
    "a killed %s is cleaned up after by its post step",
    async (host) => {
      const kill = (after: Promise<unknown>): PlannedSignal[] => [{ signal: "SIGKILL", after }];
      const run = await runUntilCustomizing(host, nodePath, kill);
      expect(run.main.signal).toBe("SIGKILL");
      expect({ ok: run.post?.succeeded, log: run.post?.log }).toMatchObject({ ok: true });
      await expectStopped(run);
    },
    60_000,
  );

  test.each(["SIGINT", "SIGTERM"] as const)(
    "%s in a terminal stops the build",
    async (signal) => {
      const send = (after: Promise<unknown>): PlannedSignal[] => [{ signal, after }];
      const run = await runUntilCustomizing("local", nodePath, send);
      expect(run.main.signal).toBeNull();
      expect(run.main.exitCode).not.toBe(0);
      expect(errors(run)).toEqual([expect.stringMatching(/cancel/i)]);
      await expectStopped(run);
    },
    60_000,
  );
});

async function runUntilCustomizing(
  host: DemoHostName,
  nodePath: string,
  signals: (after: Promise<unknown>) => PlannedSignal[],
): Promise<ProductRun> {
  const runId = nextRunId();
  return runProduct({
    emulator,
    host,
    nodePath,
    runId,
    signals: signals(untilCustomizing(runId)),
  });
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

async function expectStopped(run: ProductRun): Promise<void> {
  for (const step of steps(run)) expect(step.stdout + step.stderr).not.toMatch(/^\s{4}at \S+/m);
  const requests = await emulator.control.get<RequestEntry[]>("/requests");
  const cancels = requests.filter(
    ({ method, path }) => method === "POST" && path.includes(run.runId) && /\/cancel\b/.test(path),
  );
  expect(cancels.map(({ status }) => status)).toContain(204);
  expect(await templateTraces(emulator.control, run.runId)).toEqual(ONE_ENDED_RUN);
  expect(await emulator.control.get<BlobEntry[]>("/blobs")).toEqual([]);
}
