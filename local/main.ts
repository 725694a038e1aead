import { main } from "../shared/main.ts";
import { listenForStop } from "../shared/stopSignal.ts";
import { createHost, readFlags } from "./host.ts";

async function run(): Promise<void> {
  const signal = listenForStop();
  try {
    const flags = readFlags(process.argv.slice(2));
    await main(createHost(signal, flags));
  } catch (error) {
    // Only reading the flags throws: an unknown one, or one without its value.
    process.stderr.write(`error: ${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 2;
  }
}

void run();
