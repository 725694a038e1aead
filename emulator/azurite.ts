/** Azurite as a child process: the blobs behind the blob front. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import type { Certificates } from "./certificates.ts";

/** An account that Azurite serves. */
export interface StorageAccountKey {
  name: string;
  /** Base64. Nobody outside the emulator ever sees it. */
  key: string;
}

/** A running Azurite. */
export interface Azurite {
  port: number;
  /** Resolves with its exit code when the process ends, whoever ended it. */
  ended: Promise<number | null>;
  stop(): Promise<void>;
}

/** What Azurite has to know before it starts. */
export interface AzuriteOptions {
  certificates: Certificates;
  accounts: readonly StorageAccountKey[];
  /** Folder to keep blobs in; in memory when absent. */
  stateFolder?: string;
}

/** Resolves when Azurite listens on a free port of 127.0.0.1. */
export async function startAzurite(options: AzuriteOptions): Promise<Azurite> {
  const entry = createRequire(import.meta.url).resolve("azurite/dist/src/blob/main.js");
  const child = spawn(process.execPath, [entry, ...commandLine(options)], {
    env: { ...process.env, NODE_OPTIONS: "", AZURITE_ACCOUNTS: accountList(options.accounts) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | null>((resolve) => {
    child.once("exit", (code) => resolve(code));
    child.once("error", () => resolve(null));
  });
  return { port: await portOf(child), ended, stop: () => stop(child) };
}

function commandLine({ certificates, stateFolder }: AzuriteOptions): string[] {
  return [
    ...["--blobHost", "127.0.0.1", "--blobPort", "0", "--oauth", "basic"],
    ...["--cert", certificates.certificateFile, "--key", certificates.keyFile],
    ...(stateFolder ? ["--location", stateFolder] : ["--inMemoryPersistence"]),
    ...["--silent", "--disableTelemetry"],
  ];
}

function accountList(accounts: readonly StorageAccountKey[]): string {
  return accounts.map(({ name, key }) => `${name}:${key}`).join(";");
}

async function portOf(child: ChildProcess): Promise<number> {
  let output = "";
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const port = /successfully listens on https:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1];
      if (port) resolve(Number(port));
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.once("error", reject);
    child.once("exit", (code) =>
      reject(new Error(`Azurite ended with ${code} at start: ${output.trim()}`)),
    );
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}
