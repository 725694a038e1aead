/** Runs the built product against an emulator the way a host does: the main step, then the post step. */
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type DemoHostName, HOSTS } from "../../demo/hosts.ts";
import type { Job, PlannedSignal, StepRequest, StepResult, StepSignIn } from "../../demo/step.ts";
import { type EmulatorOptions, type RunningEmulator, startEmulator } from "./emulatorProcess.ts";

/** Every host that the same tests run on. */
export const HOST_NAMES = Object.keys(HOSTS) as DemoHostName[];

/** How many times as fast as real time both the emulator and the product run. */
const SPEED = 60;

/** An emulator whose clock a product process can share. */
export interface FastEmulator extends RunningEmulator {
  readonly speed: number;
  readonly originInMs: number;
}

/** Starts an emulator at the speed of these tests. */
export async function startFastEmulator(
  options: Pick<EmulatorOptions, "scenario" | "withoutRoles" | "speed"> = {},
): Promise<FastEmulator> {
  const speed = options.speed ?? SPEED;
  const originInMs = Date.now();
  const emulator = await startEmulator({ ...options, speed, origin: originInMs });
  return { ...emulator, speed, originInMs };
}

/** One run of the product, from its main step to the end of its post step. */
export interface ProductRequest {
  readonly emulator: FastEmulator;
  readonly host: DemoHostName;
  readonly nodePath: string;
  readonly runId: string;
  /** Changes to the inputs of a build that succeeds. */
  readonly inputs?: Readonly<Record<string, string>>;
  readonly signIn?: StepSignIn;
  readonly env?: Readonly<Record<string, string>>;
  readonly signals?: readonly PlannedSignal[];
  /** Adds to the workspace, which holds the example as `web-server`. */
  readonly prepareWorkspace?: (folder: string) => Promise<void>;
  /** Left out when the main step is all that matters. */
  readonly hasPostStep?: boolean;
}

/** What such a run came to. */
export interface ProductRun {
  readonly host: DemoHostName;
  readonly runId: string;
  readonly main: StepResult;
  /** Absent on a host without one. */
  readonly post?: StepResult;
}

let runs = 0;

/** Run ids of one length, so that none is part of another. */
export function nextRunId(): string {
  runs += 1;
  return String(10_000_000 + process.pid * 1000 + runs);
}

/** Runs both steps in a workspace of their own, which is gone afterwards. */
export async function runProduct(request: ProductRequest): Promise<ProductRun> {
  const folder = await mkdtemp(path.join(tmpdir(), "product-"));
  try {
    const step = await stepRequest(request, folder);
    const host = HOSTS[request.host];
    const main = await host.runStep(step);
    const run = { host: request.host, runId: request.runId, main };
    if (!host.hasPostStep || request.hasPostStep === false) return run;
    const { signals: _, ...rest } = step;
    return { ...run, post: await host.runStep({ ...rest, entry: "post", state: main.state }) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function stepRequest(request: ProductRequest, folder: string): Promise<StepRequest> {
  const { emulator } = request;
  const workspace = path.join(folder, "workspace");
  await mkdir(workspace);
  await cp("docs/examples/web-server", path.join(workspace, "web-server"), { recursive: true });
  await request.prepareWorkspace?.(workspace);
  const job: Job = {
    workspace,
    folder: path.join(folder, "job"),
    runId: request.runId,
    attempt: 1,
    emulator: emulator.env,
  };
  return {
    entry: "main",
    job,
    nodePath: request.nodePath,
    nodeOptions: ["--require", path.resolve("tests/clock.cjs")],
    inputs: { ...buildInputs(emulator.env), ...ownName(request), ...request.inputs },
    signIn: request.signIn ?? usualSignIn(request),
    signals: request.signals ?? [],
    env: {
      CLOCK_SPEED: String(emulator.speed),
      CLOCK_ORIGIN: String(emulator.originInMs),
      ...request.env,
    },
  };
}

/** A terminal has no run id that could be in the template's name, so it gets the name itself. */
function ownName({ host, runId }: ProductRequest): Record<string, string> {
  return host === "local" ? { templateName: `local-${runId}` } : {};
}

function usualSignIn({ host, emulator }: ProductRequest): StepSignIn {
  if (HOSTS[host].signIn === "federated") return { kind: "federated" };
  return { kind: "secret", secret: emulator.env["EMULATOR_CLIENT_SECRET"] ?? "" };
}

/** Inputs of a build that succeeds. */
function buildInputs(env: Readonly<Record<string, string>>): Record<string, string> {
  return {
    resourceGroupName: env["EMULATOR_RESOURCE_GROUP"] ?? "",
    managedIdentity: env["EMULATOR_IDENTITY_ID"] ?? "",
    storageAccountName: env["EMULATOR_STORAGE_ACCOUNT"] ?? "",
    galleryImageId: env["EMULATOR_GALLERY_IMAGE_ID"] ?? "",
    sourceImage: "Canonical:ubuntu-24_04-lts:server:latest",
    artifactsPath: "web-server",
    artifactsDestination: "/opt/web-server",
    script: "sudo sh /opt/web-server/install.sh",
  };
}

/** Runs jobs with at most `limit` at a time; answers how each ended. */
export async function inParallel<T>(
  limit: number,
  jobs: readonly (() => Promise<T>)[],
): Promise<PromiseSettledResult<T>[]> {
  const results: PromiseSettledResult<T>[] = [];
  const rest = jobs.entries();
  const work = async (): Promise<void> => {
    for (const [index, job] of rest) {
      [results[index]] = (await Promise.allSettled([job()])) as [PromiseSettledResult<T>];
    }
  };
  await Promise.all(Array.from({ length: limit }, work));
  return results;
}
