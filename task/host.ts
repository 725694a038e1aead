/** Azure Pipelines as a host. No decisions: raw text in, plain data out. */
import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import * as tl from "azure-pipelines-task-lib/task";
import { reportText } from "../shared/errors.ts";
import { type Host, neutralize } from "../shared/host.ts";
import type { Stop } from "../shared/stopSignal.ts";
import { signIn } from "./serviceConnection.ts";

// The agent sends SIGINT, 7.5 s later SIGTERM, and kills the process 2.5 s after that.
const STOP_GRACE_IN_MS = 4_000;

/** Makes the host of this process. */
export function createHost({ signal, hurry }: Stop): Host {
  const variable = (name: string): string => tl.getVariable(name) ?? "";
  const temporaryFolder = variable("Agent.TempDirectory") || os.tmpdir();
  return {
    name: "azure-pipelines",
    workspace: variable("System.DefaultWorkingDirectory") || process.cwd(),
    temporaryFolder,
    homeFolder: os.homedir(),
    runId: `${variable("Build.BuildId") || variable("Release.ReleaseId")}-${variable("System.JobAttempt") || "1"}`,
    provenance: {
      runUrl: `${variable("System.CollectionUri")}${encodeURIComponent(variable("System.TeamProject"))}/_build/results?buildId=${variable("Build.BuildId")}`,
      repository: withoutUser(
        variable("Build.Repository.Uri") || variable("Build.Repository.Name"),
      ),
      commit: variable("Build.SourceVersion"),
    },
    signal,
    hurry,
    stopGraceInMs: STOP_GRACE_IN_MS,
    hasPostStep: true,
    readInput: (name) => (tl.getInput(name) ?? "").trim(),
    inputLabel: (name) => name,
    signIn,
    savedState: (key) => tl.getTaskVariable(key) ?? "",
    log: (level, text) => write(level, neutralize(text)),
    group: (title, body) => group(neutralize(title), body),
    mask: setSecret,
    // An output variable, so that other jobs and stages can read it by the step's name.
    setOutput: (name, value) => tl.setVariable(name, value, false, true),
    saveState: (key, value) => tl.setTaskVariable(key, value),
    fail: (report) => tl.setResult(tl.TaskResult.Failed, neutralize(reportText(report))),
    async writeSummary(markdown) {
      const file = path.join(temporaryFolder, `azure-vm-image-${randomUUID()}.md`);
      await writeFile(file, markdown);
      tl.uploadSummary(file);
    },
  };
}

/** A repository's URL may carry who checks out, and a token. */
function withoutUser(url: string): string {
  return url.replace(/\/\/[^/@]*@/, "//");
}

function write(level: "debug" | "info" | "warning", text: string): void {
  if (level === "debug") tl.debug(text);
  else if (level === "warning") tl.warning(text);
  else process.stdout.write(`${text}${os.EOL}`);
}

async function group<T>(title: string, body: () => Promise<T>): Promise<T> {
  process.stdout.write(`##[group]${title}${os.EOL}`);
  try {
    return await body();
  } finally {
    process.stdout.write(`##[endgroup]${os.EOL}`);
  }
}

/** The agent masks line by line and refuses a secret of several lines. */
function setSecret(secret: string): void {
  for (const line of secret.split(/\r?\n/)) if (line.length >= 8) tl.setSecret(line);
}
