/** `npm run demo`: one real run of the product on one host, against the emulator. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { leftBehind, printClose } from "./close.ts";
import { type Emulator, startEmulator } from "./emulator.ts";
import { HOSTS } from "./hosts.ts";
import { type DemoOptions, readOptions, UsageError } from "./options.ts";
import { Phases } from "./phases.ts";
import { cancelAfter, type Job, type StepRequest, type StepResult } from "./step.ts";
import { prepareWorkspace } from "./workspace.ts";

const EXAMPLE = path.join(import.meta.dirname, "../docs/examples/web-server");
const SOURCE_IMAGE = "Canonical:ubuntu-24_04-lts:server:latest";

/** Resolves at the first Ctrl-C; later ones change nothing, the step is being stopped already. */
const stopRequested = new Promise<void>((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      process.exitCode = 130;
      resolve();
    });
  }
});

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), process.env["INIT_CWD"] ?? process.cwd());
  const folder = await mkdtemp(path.join(tmpdir(), "demo-"));
  try {
    const emulator = await startEmulator({ ...options, folder });
    try {
      await runDemo(options, emulator, folder);
    } finally {
      await emulator.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runDemo(options: DemoOptions, emulator: Emulator, folder: string): Promise<void> {
  const host = HOSTS[options.host];
  const source = options.artifactsPath ?? EXAMPLE;
  print(`The ${host.title} bakes ${source}, scenario "${options.scenario}".\n`);
  const workspace = await prepareWorkspace(source, path.join(folder, "workspace"));
  const job: Job = {
    workspace: workspace.folder,
    folder: path.join(folder, "job"),
    runId: String(Date.now()),
    attempt: 1,
    emulator: emulator.env,
  };
  const phases = new Phases();
  const onLine = (line: string): void => {
    phases.see(line);
    print(line);
  };
  const request = { ...stepRequest(options, job, workspace.artifactsPath), onLine };
  const result = await host.runStep(request);
  phases.end();
  const post = await runPostStep(options, request, result);
  printClose(result, phases.all(), await leftBehind(emulator));
  const hasSucceeded = result.succeeded && (post?.succeeded ?? true);
  process.exitCode ??= hasSucceeded ? 0 : 1;
}

async function runPostStep(
  options: DemoOptions,
  request: StepRequest,
  main: StepResult,
): Promise<StepResult | undefined> {
  const host = HOSTS[options.host];
  if (!host.hasPostStep) return undefined;
  print("\nPost step:");
  const { signals: _, ...rest } = request;
  return host.runStep({ ...rest, entry: "post", state: main.state });
}

/** The step as a newcomer's workflow would write it. */
function stepRequest(options: DemoOptions, job: Job, artifactsPath: string): StepRequest {
  const signIn = HOSTS[options.host].signIn;
  const secret = job.emulator["EMULATOR_CLIENT_SECRET"] ?? "";
  return {
    entry: "main",
    job,
    nodePath: process.execPath,
    inputs: {
      resourceGroupName: job.emulator["EMULATOR_RESOURCE_GROUP"] ?? "",
      managedIdentity: job.emulator["EMULATOR_IDENTITY_ID"] ?? "",
      storageAccountName: job.emulator["EMULATOR_STORAGE_ACCOUNT"] ?? "",
      galleryImageId: job.emulator["EMULATOR_GALLERY_IMAGE_ID"] ?? "",
      sourceImage: SOURCE_IMAGE,
      artifactsPath,
      ...whatToBuild(options),
    },
    signIn: signIn === "secret" ? { kind: "secret", secret } : { kind: "federated" },
    signals: cancelAfter(stopRequested),
  };
}

/** Another folder than the example has no install script that the demo could know. */
function whatToBuild({ artifactsPath }: DemoOptions): Record<string, string> {
  if (artifactsPath === undefined) {
    const destination = "/opt/web-server";
    return { artifactsDestination: destination, script: `sudo sh ${destination}/install.sh` };
  }
  return { artifactsDestination: "/opt/demo", script: "find /opt/demo -type f | sort" };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
});
