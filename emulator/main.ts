/** `npm run emulator`: starts the emulator, writes the env file when it is ready, runs until told to stop. */
import { rename, rm, writeFile } from "node:fs/promises";
import { parseCommandLine, UsageError } from "./commandLine.ts";
import { startEmulator } from "./emulator.ts";

const EXIT_USAGE = 2;

async function main(args: readonly string[]): Promise<number> {
  const told = untilTold();
  const options = parseCommandLine(args);
  const clockOriginInMs = Number(process.env["EMULATOR_CLOCK_ORIGIN"] ?? Date.now());
  await rm(options.envFile, { force: true });
  const emulator = await startEmulator({ ...options, clockOriginInMs });
  await writeEnvFile(options.envFile, emulator.env);
  console.log(`The emulator is ready: ${options.envFile}`);
  const failure = await Promise.race([told, emulator.failed]);
  if (failure) console.error(failure);
  await emulator.stop();
  return failure ? 1 : 0;
}

/** Resolves at the first SIGTERM or SIGINT; later ones change nothing, so that the clean-up is never cut short. */
function untilTold(): Promise<undefined> {
  return new Promise((resolve) => {
    process.on("SIGTERM", () => resolve(undefined));
    process.on("SIGINT", () => resolve(undefined));
  });
}

/** Whoever waits for the file never sees a part of it. */
async function writeEnvFile(file: string, env: Readonly<Record<string, string>>): Promise<void> {
  const lines = Object.entries(env).map(([key, value]) => `${key}=${value}\n`);
  await writeFile(`${file}.part`, lines.join(""), { mode: 0o600 });
  await rename(`${file}.part`, file);
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = error instanceof UsageError ? EXIT_USAGE : 1;
  },
);
