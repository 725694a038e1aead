/** A terminal as a host: the product as a plain command. It has no masking, no state and no post step. */
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { kebabCase } from "../shared/contract.ts";
import { runNode } from "./nodeProcess.ts";
import type { StepRequest, StepResult } from "./step.ts";
import { TerminalOutput } from "./terminalOutput.ts";

const BUNDLE = path.join(import.meta.dirname, "../local/dist/index.cjs");

/** Runs the command. @throws when a post step is asked for. */
export async function runTerminalStep(request: StepRequest): Promise<StepResult> {
  if (request.entry === "post") throw new Error("A terminal has no post step.");
  const { job } = request;
  const folders = ["temp", "home"].map((name) => path.join(job.folder, name));
  for (const folder of folders) await mkdir(folder, { recursive: true });
  const output = new TerminalOutput(request);
  const ended = await runNode({
    nodePath: request.nodePath,
    arguments: [...(request.nodeOptions ?? []), BUNDLE, ...flags(request)],
    workingFolder: job.workspace,
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: path.join(job.folder, "home"),
      TMPDIR: path.join(job.folder, "temp"),
      NODE_EXTRA_CA_CERTS: job.emulator["EMULATOR_CA_FILE"] ?? "",
      ...request.env,
    },
    signals: request.signals ?? [],
    onLine: (line, stream) => output.read(line, stream),
  });
  return output.result(ended);
}

/** `--name=value`: a value may start with hyphens. */
function flags({ inputs, job, signIn }: StepRequest): string[] {
  const given: Record<string, string> = {
    clientId: job.emulator["EMULATOR_CLIENT_ID"] ?? "",
    tenantId: job.emulator["EMULATOR_TENANT_ID"] ?? "",
    subscriptionId: job.emulator["EMULATOR_SUBSCRIPTION_ID"] ?? "",
    resourceManagerEndpoint: job.emulator["EMULATOR_ARM_ENDPOINT"] ?? "",
    ...(signIn.kind === "secret" ? { clientSecret: signIn.secret ?? "" } : {}),
    ...inputs,
  };
  return Object.entries(given).map(([name, value]) => `--${kebabCase(name)}=${value}`);
}
