// biome-ignore-all assist/source/organizeImports: the handlers of a stop must stand before the rest loads
import { stop } from "../shared/stopSignal.ts";
import { main } from "../shared/main.ts";
import { createHost, readFlags } from "./host.ts";

async function run(): Promise<void> {
  try {
    await main(createHost(stop, readFlags(process.argv.slice(2))));
  } catch (error) {
    // Only reading the flags throws: an unknown one, or one without its value.
    process.stderr.write(`error: ${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 2;
  }
}

void run();
