/** Runs scenarios on every host and every node version: the built bundles against an emulator of their own. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { findScenario } from "../../emulator/scenarios.ts";
import {
  type BlobEntry,
  errors,
  expectDecentRun,
  type ImageVersionEntry,
  output,
  outputsByName,
  type TemplateEntry,
  templateTraces,
} from "./evidence.ts";
import { NODE_RUNTIMES } from "./nodeRuntimes.ts";
import {
  type FastEmulator,
  HOST_NAMES,
  inParallel,
  nextRunId,
  type ProductRun,
  runProduct,
  startFastEmulator,
} from "./product.ts";
import type { Scenario } from "./scenarioTable.ts";

const AT_A_TIME = 3;
const COMBINATIONS = NODE_RUNTIMES.flatMap((runtime) =>
  HOST_NAMES.map((host) => ({ host, runtime, title: `${host} on ${runtime.title}` })),
).map((combination, index) => ({ ...combination, index, runId: nextRunId() }));
type Combination = (typeof COMBINATIONS)[number];

/** Declares the tests of each scenario. */
export function describeScenarios(scenarios: readonly Scenario[]): void {
  describe.each(scenarios)("$title", describeScenario);
}

function describeScenario(scenario: Scenario): void {
  let emulator: FastEmulator;
  let results: PromiseSettledResult<ProductRun>[];

  const result = (index: number): ProductRun => {
    const settled = results[index];
    if (settled?.status === "fulfilled") return settled.value;
    throw settled?.reason;
  };

  beforeAll(async () => {
    emulator = await startFastEmulator(scenario.emulator);
    if (scenario.existingTemplate) await makeTemplate(emulator, scenario.existingTemplate);
    const jobs = COMBINATIONS.map((combination) => () => runCase(emulator, scenario, combination));
    results = await inParallel(AT_A_TIME, jobs);
  }, 120_000);

  afterAll(() => emulator?.stop());

  test.each(COMBINATIONS)("$title", async ({ index, runId }) => {
    const run = result(index);
    expectVerdict(run, scenario);
    expectDecentRun(run);
    expect(await templateTraces(emulator.control, runId)).toEqual({
      templates: scenario.leaves?.templates ?? 0,
      liveRuns: 0,
      startedRuns: scenario.startedRuns,
    });
    if (scenario.succeeds) await expectImageVersion(emulator, run, scenario);
    if (scenario.template) await expectTemplate(emulator, runId, scenario.template);
  });

  if (scenario.succeeds) {
    test("every host gives the same outputs", () => {
      const [first, ...others] = COMBINATIONS.map(({ index }) => normalized(result(index)));
      for (const other of others) expect(other).toEqual(first);
    });
  }

  test("staged artifacts are there as long as they should", async () => {
    const blobs = await emulator.control.get<BlobEntry[]>("/blobs");
    const ofOthers = scenario.existingTemplate ? 1 : 0;
    const expected = (scenario.leaves?.blobs ?? 0) * COMBINATIONS.length + ofOthers;
    expect({ count: blobs.length, blobs }).toMatchObject({ count: expected });
  });

  if (scenario.existingTemplate) {
    test("the other template is still there", async () => {
      const templates = await emulator.control.get<TemplateEntry[]>("/templates");
      expect(templates.map(({ name }) => name)).toEqual([scenario.existingTemplate]);
    });
  }
}

async function runCase(
  emulator: FastEmulator,
  scenario: Scenario,
  { host, runtime, runId, index }: Combination,
): Promise<ProductRun> {
  if (scenario.faultsOf) await addFaults(emulator, scenario.faultsOf, runId);
  const inputs = scenario.inputs?.({ env: emulator.env, index });
  return runProduct({
    emulator,
    host,
    nodePath: runtime.path,
    runId,
    ...(inputs && { inputs }),
    ...(scenario.signIn && { signIn: scenario.signIn }),
  });
}

/** The emulator counts a scenario's faults over everyone; here each run is to meet each of them. */
async function addFaults(emulator: FastEmulator, name: string, runId: string): Promise<void> {
  const rules = (findScenario(name)?.faults ?? []).map((rule) => ({
    ...rule,
    path: rule.path.replace("[^/]+", `[^/]*${runId}[^/]*`),
  }));
  expect(rules.length).toBeGreaterThan(0);
  await emulator.control.post("/faults", rules);
}

/** Somebody else's image template: made by a run that cleans nothing up. */
async function makeTemplate(emulator: FastEmulator, templateName: string): Promise<void> {
  const [combination] = COMBINATIONS;
  const run = await runProduct({
    emulator,
    host: "action",
    nodePath: combination?.runtime.path ?? process.execPath,
    runId: nextRunId(),
    inputs: { templateName, cleanUp: "never" },
  });
  expect(errors(run)).toEqual([]);
}

function expectVerdict(run: ProductRun, scenario: Scenario): void {
  const [error = "", ...more] = errors(run);
  // The whole log comes along so that a failure of this test can be read.
  const log = run.main.log.join("\n");
  expect({ succeeded: run.main.succeeded, error, more, log }).toMatchObject({
    succeeded: scenario.succeeds,
    more: [],
    ...(scenario.succeeds ? { error: "" } : {}),
  });
  for (const pattern of scenario.error ?? []) expect(error).toMatch(pattern);
  for (const pattern of scenario.log ?? []) expect(log).toMatch(pattern);
  for (const [name, pattern] of Object.entries(scenario.outputs ?? {})) {
    expect({ name, value: output(run, name) }).toMatchObject({
      name,
      value: expect.stringMatching(pattern),
    });
  }
}

/** The image version that the step names is there, and says where it comes from. */
async function expectImageVersion(
  emulator: FastEmulator,
  run: ProductRun,
  scenario: Scenario,
): Promise<void> {
  const versions = await emulator.control.get<ImageVersionEntry[]>("/image-versions");
  const id = output(run, "imageId").toLowerCase();
  const version = versions.find((each) => each.id.toLowerCase() === id);
  expect(version?.version).toBe(output(run, "imageVersion"));
  expect(version).toMatchObject(scenario.imageVersion ?? {});
  // A terminal has no run, repository or commit to name.
  if (run.host === "local") return;
  const values = Object.values(version?.tags ?? {});
  expect(values.some((value) => /^https:.*\/web-server$/.test(value))).toBe(true);
  expect(values).toContain("5f1c0d9f0b1f4b6a8c2d3e4f5a6b7c8d9e0f1a2b");
  expect(values.some((value) => /^https:\/\//.test(value) && value.includes(run.runId))).toBe(true);
}

async function expectTemplate(
  emulator: FastEmulator,
  runId: string,
  expected: object,
): Promise<void> {
  const templates = await emulator.control.get<TemplateEntry[]>("/templates");
  const own = templates.find(({ name }) => name.includes(runId));
  expect(own?.resource).toMatchObject(expected);
}

const GUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;

/** Outputs with everything taken out that must differ from run to run. */
function normalized(run: ProductRun): Record<string, string> {
  const outputs = outputsByName(run);
  const { templateName = "", imageVersion = "" } = outputs;
  const entries = Object.entries(outputs).map(([name, value]) => [
    name,
    value
      .replaceAll(templateName || "\0", "<template>")
      .replaceAll(imageVersion || "\0", "<version>")
      .replaceAll(run.runId, "<run>")
      .replace(GUID, "<guid>"),
  ]);
  return Object.fromEntries(entries);
}
