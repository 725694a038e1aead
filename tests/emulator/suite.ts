/** What the suites of the emulator begin with: an obstacle that is said aloud, or an emulator of their own. */
import { afterAll, beforeAll, beforeEach, describe } from "@jest/globals";
import { type RunningEmulator, startEmulator } from "../contract/emulatorProcess.ts";
import { Arm } from "./arm.ts";

/** `describe` where nothing stands in the way; otherwise it prints why the suite is skipped, and skips it. */
export function describeUnless(
  obstacle: string | undefined,
  suite: string,
): typeof describe | typeof describe.skip {
  if (obstacle === undefined) return describe;
  process.stderr.write(`Skipped: ${suite}, since ${obstacle}.\n`);
  return describe.skip;
}

/**
 * Starts one emulator with a simulated build VM for all tests of a file and ends it behind them.
 * @param begin gets a client with a fresh token before everything and before each test
 */
export function onFastEmulator(begin: (arm: Arm, emulator: RunningEmulator) => void): void {
  let emulator: RunningEmulator;
  beforeAll(async () => {
    emulator = await startEmulator({ speed: 300, moreArguments: ["--build-vm", "simulated"] });
    begin(new Arm(emulator), emulator);
  });
  beforeEach(() => begin(new Arm(emulator), emulator));
  afterAll(() => emulator.stop());
}
