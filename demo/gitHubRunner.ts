/**
 * A GitHub job as actions/runner 2.336 runs it, cut down to one JavaScript action: environment, workflow
 * commands, file commands, masking, verdict.
 */

import { randomUUID } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { inputs as contract, kebabCase } from "../shared/contract.ts";
import { FILE_COMMANDS, type FileCommand, GitHubOutput } from "./gitHubOutput.ts";
import { runNode } from "./nodeProcess.ts";
import type { StepRequest, StepResult } from "./step.ts";

const BUNDLES = path.join(import.meta.dirname, "../action/dist");

/** Runs the action's main or post entry. */
export async function runGitHubStep(request: StepRequest): Promise<StepResult> {
  const files = await makeFiles(request.job.folder);
  const output = new GitHubOutput(request);
  const ended = await runNode({
    nodePath: request.nodePath,
    arguments: [
      ...(request.nodeOptions ?? []),
      path.join(BUNDLES, request.entry === "main" ? "index.cjs" : "post.cjs"),
    ],
    workingFolder: request.job.workspace,
    env: await environment(request, files),
    signals: request.signals ?? [],
    onLine: (line) => output.read(line),
  });
  return output.result(ended, await readFiles(files));
}

async function makeFiles(jobFolder: string): Promise<Record<FileCommand, string>> {
  const folder = path.join(jobFolder, "temp", "_runner_file_commands");
  await mkdir(folder, { recursive: true });
  const id = randomUUID();
  const entries = FILE_COMMANDS.map((name) => [name, path.join(folder, `${name}_${id}`)] as const);
  for (const [, file] of entries) await writeFile(file, "");
  return Object.fromEntries(entries) as Record<FileCommand, string>;
}

async function readFiles(files: Record<FileCommand, string>): Promise<Record<FileCommand, string>> {
  const texts = FILE_COMMANDS.map(
    async (name) => [name, await readFile(files[name], "utf8")] as const,
  );
  return Object.fromEntries(await Promise.all(texts)) as Record<FileCommand, string>;
}

async function environment(
  request: StepRequest,
  files: Record<FileCommand, string>,
): Promise<Record<string, string>> {
  const { job } = request;
  const home = path.join(job.folder, "home");
  await mkdir(home, { recursive: true });
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    NODE_EXTRA_CA_CERTS: job.emulator["EMULATOR_CA_FILE"] ?? "",
    ...(await contextVariables(request)),
    ...Object.fromEntries(FILE_COMMANDS.map((name) => [`GITHUB_${name}`, files[name]])),
    ...inputVariables(request),
    ...stateVariables(request),
    ACTIONS_ID_TOKEN_REQUEST_URL: job.emulator["EMULATOR_GITHUB_OIDC_URL"] ?? "",
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: job.emulator["EMULATOR_GITHUB_OIDC_TOKEN"] ?? "",
    ...request.env,
  };
}

/** The default variables of a push to a repository's main branch. */
async function contextVariables({ job }: StepRequest): Promise<Record<string, string>> {
  const eventFile = path.join(job.folder, "temp", "_github_workflow", "event.json");
  await mkdir(path.dirname(eventFile), { recursive: true });
  await writeFile(eventFile, JSON.stringify({ repository: { full_name: "contoso/web-server" } }));
  return {
    CI: "true",
    GITHUB_ACTIONS: "true",
    GITHUB_ACTION: "__contoso_azure-vm-image-builder",
    GITHUB_ACTOR: "octocat",
    GITHUB_API_URL: "https://api.github.com",
    GITHUB_EVENT_NAME: "push",
    GITHUB_EVENT_PATH: eventFile,
    GITHUB_GRAPHQL_URL: "https://api.github.com/graphql",
    GITHUB_JOB: "bake",
    GITHUB_REF: "refs/heads/main",
    GITHUB_REF_NAME: "main",
    GITHUB_REF_TYPE: "branch",
    GITHUB_REPOSITORY: "contoso/web-server",
    GITHUB_REPOSITORY_OWNER: "contoso",
    GITHUB_RUN_ATTEMPT: String(job.attempt),
    GITHUB_RUN_ID: job.runId,
    GITHUB_RUN_NUMBER: "1",
    GITHUB_SERVER_URL: "https://github.com",
    GITHUB_SHA: "5f1c0d9f0b1f4b6a8c2d3e4f5a6b7c8d9e0f1a2b",
    GITHUB_WORKFLOW: "bake",
    GITHUB_WORKSPACE: job.workspace,
    RUNNER_ARCH: "X64",
    RUNNER_ENVIRONMENT: "github-hosted",
    RUNNER_NAME: "GitHub Actions 1",
    RUNNER_OS: "Linux",
    RUNNER_TEMP: path.join(job.folder, "temp"),
    RUNNER_TOOL_CACHE: path.join(job.folder, "tools"),
  };
}

/** `INPUT_` variables for every input of the manifest: hyphens stay, spaces become underscores. */
function inputVariables(request: StepRequest): Record<string, string> {
  const given: Record<string, string> = { ...signInInputs(request), ...request.inputs };
  const variables: Record<string, string> = {};
  for (const [name, declaration] of Object.entries(contract)) {
    if ("hosts" in declaration && !declaration.hosts.some((host) => host === "github")) continue;
    const fallback = "default" in declaration ? declaration.default : "";
    const key = kebabCase(name).replaceAll(" ", "_").toUpperCase();
    variables[`INPUT_${key}`] = given[name] ?? fallback;
  }
  return variables;
}

/** What a workflow writes under `with:` to sign in. */
function signInInputs({ job, signIn }: StepRequest): Record<string, string> {
  return {
    clientId: job.emulator["EMULATOR_CLIENT_ID"] ?? "",
    tenantId: job.emulator["EMULATOR_TENANT_ID"] ?? "",
    subscriptionId: job.emulator["EMULATOR_SUBSCRIPTION_ID"] ?? "",
    resourceManagerEndpoint: job.emulator["EMULATOR_ARM_ENDPOINT"] ?? "",
    ...(signIn.kind === "secret" ? { clientSecret: signIn.secret ?? "" } : {}),
  };
}

function stateVariables({ entry, state }: StepRequest): Record<string, string> {
  if (entry === "main") return {};
  return Object.fromEntries(
    Object.entries(state ?? {}).map(([name, value]) => [`STATE_${name}`, value]),
  );
}
