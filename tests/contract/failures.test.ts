/** Builds that fail: the step says why, once, and leaves nothing that it should not. */
import { describeScenarios } from "./scenarioSuite.ts";
import { FAILED_RUNS, REFUSALS } from "./scenarioTable.ts";

describeScenarios([...FAILED_RUNS, ...REFUSALS]);
