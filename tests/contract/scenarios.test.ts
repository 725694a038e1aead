/** Builds that succeed, whatever gets in their way. */
import { describeScenarios } from "./scenarioSuite.ts";
import { SUCCESSES } from "./scenarioTable.ts";

describeScenarios(SUCCESSES);
