// `npm run test:emulator [-- --record DIR] [jest arguments]`: the emulator's own suite.
import { spawnSync } from "node:child_process";
import path from "node:path";

const args = process.argv.slice(2);
const at = args.indexOf("--record");
const [, recordFolder] = at < 0 ? [] : args.splice(at, 2);
const jest = path.resolve(import.meta.dirname, "../../node_modules/jest/bin/jest.js");
const env = {
  ...process.env,
  EMULATOR_SUITE: "1",
  ...(recordFolder && { EMULATOR_RECORD_DIR: path.resolve(recordFolder) }),
};
const { status } = spawnSync(process.execPath, [jest, ...args], { stdio: "inherit", env });
process.exitCode = status ?? 1;
