/**
 * A job of Azure Pipelines as its agent runs it, cut down to one task: environment, service connection, logging
 * commands, task variables, masking, verdict.
 */
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { runNode } from "./nodeProcess.ts";
import { PipelinesOutput } from "./pipelinesOutput.ts";
import {
  CONNECTION_ID,
  connectionVariables,
  systemConnectionVariables,
} from "./serviceConnection.ts";
import type { StepRequest, StepResult } from "./step.ts";

const TASK_FOLDER = path.join(import.meta.dirname, "../task");
const COLLECTION_URL = "https://dev.azure.com/contoso/";

/** The parts of `task.json` that the agent acts on. */
interface TaskManifest {
  readonly inputs: readonly { readonly name: string; readonly defaultValue?: string }[];
  readonly restrictions?: { readonly settableVariables?: { readonly allowed: readonly string[] } };
}

/** Runs the task's main or post entry. */
export async function runPipelinesStep(request: StepRequest): Promise<StepResult> {
  const text = await readFile(path.join(TASK_FOLDER, "task.json"), "utf8");
  const manifest = JSON.parse(text) as TaskManifest;
  const folders = ["temp", "home"].map((name) => path.join(request.job.folder, name));
  for (const folder of folders) await mkdir(folder, { recursive: true });
  const settable = manifest.restrictions?.settableVariables?.allowed ?? ["*"];
  const output = new PipelinesOutput(request, settable);
  const entry = request.entry === "main" ? "index.cjs" : "post.cjs";
  const ended = await runNode({
    nodePath: request.nodePath,
    arguments: [...(request.nodeOptions ?? []), path.join(TASK_FOLDER, "dist", entry)],
    workingFolder: request.job.workspace,
    env: environment(request, manifest),
    signals: request.signals ?? [],
    onLine: (line) => output.read(line),
  });
  return output.result(ended);
}

function environment(request: StepRequest, manifest: TaskManifest): Record<string, string> {
  const { job } = request;
  const token = job.emulator["EMULATOR_PIPELINES_TOKEN"] ?? "";
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: path.join(job.folder, "home"),
    NODE_EXTRA_CA_CERTS: job.emulator["EMULATOR_CA_FILE"] ?? "",
    ...pipelineVariables(request),
    SYSTEM_OIDCREQUESTURI: job.emulator["EMULATOR_PIPELINES_OIDC_URL"] ?? "",
    ...systemConnectionVariables(COLLECTION_URL, token),
    ...connectionVariables(request),
    ...inputVariables(request, manifest),
    ...taskVariables(request),
    ...request.env,
  };
}

/** Predefined variables of a build, in the spelling of environment variables. */
function pipelineVariables({ job }: StepRequest): Record<string, string> {
  return {
    AGENT_ID: "1",
    AGENT_JOBSTATUS: "Succeeded",
    AGENT_NAME: "Hosted Agent",
    AGENT_OS: "Linux",
    AGENT_TEMPDIRECTORY: path.join(job.folder, "temp"),
    AGENT_VERSION: "4.261.0",
    AGENT_WORKFOLDER: job.folder,
    BUILD_BUILDID: job.runId,
    BUILD_BUILDNUMBER: "20260301.1",
    BUILD_DEFINITIONNAME: "bake",
    BUILD_REPOSITORY_NAME: "contoso/web-server",
    BUILD_REPOSITORY_PROVIDER: "TfsGit",
    BUILD_REPOSITORY_URI: `${COLLECTION_URL}web/_git/web-server`,
    BUILD_SOURCEBRANCH: "refs/heads/main",
    BUILD_SOURCESDIRECTORY: job.workspace,
    BUILD_SOURCEVERSION: "5f1c0d9f0b1f4b6a8c2d3e4f5a6b7c8d9e0f1a2b",
    SYSTEM_COLLECTIONURI: COLLECTION_URL,
    SYSTEM_DEFAULTWORKINGDIRECTORY: job.workspace,
    SYSTEM_HOSTTYPE: "build",
    SYSTEM_JOBATTEMPT: String(job.attempt),
    SYSTEM_JOBID: "12f1170f-54f2-53f3-20dd-22fc7dff55f9",
    SYSTEM_PLANID: "5a1c2d3e-4f50-4607-8192-a3b4c5d6e7f8",
    SYSTEM_STAGEATTEMPT: "1",
    SYSTEM_TEAMFOUNDATIONCOLLECTIONURI: COLLECTION_URL,
    SYSTEM_TEAMPROJECT: "web",
    SYSTEM_TEAMPROJECTID: "b924d696-3eae-4116-8443-9a18392d8544",
    TF_BUILD: "True",
  };
}

/** `INPUT_` variables for every input of the task: dots and spaces become underscores. */
function inputVariables(request: StepRequest, manifest: TaskManifest): Record<string, string> {
  const given: Readonly<Record<string, string>> = {
    azureSubscription: CONNECTION_ID,
    ...request.inputs,
  };
  const variables: Record<string, string> = {};
  for (const { name, defaultValue } of manifest.inputs) {
    variables[`INPUT_${variableKey(name)}`] = given[name] ?? defaultValue ?? "";
  }
  return variables;
}

/** The agent keeps a task's own variables between its main and its post job. */
function taskVariables({ entry, state }: StepRequest): Record<string, string> {
  if (entry === "main") return {};
  const entries = Object.entries(state ?? {});
  return Object.fromEntries(
    entries.map(([name, value]) => [`VSTS_TASKVARIABLE_${variableKey(name)}`, value]),
  );
}

function variableKey(name: string): string {
  return name.replace(/[. ]/g, "_").toUpperCase();
}
