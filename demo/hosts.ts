/** The hosts that the product runs on, by the names the demo gives them. */
import { runGitHubStep } from "./gitHubRunner.ts";
import { runPipelinesStep } from "./pipelinesAgent.ts";
import type { RunStep, StepSignIn } from "./step.ts";
import { runTerminalStep } from "./terminal.ts";

/** What differs from host to host, for a demo or a test. */
export interface DemoHost {
  readonly title: string;
  readonly runStep: RunStep;
  /** A terminal has no post step: the command itself does everything. */
  readonly hasPostStep: boolean;
  /** How a new user of that host signs in. */
  readonly signIn: StepSignIn["kind"];
}

/** Value of `--host`. */
export type DemoHostName = "action" | "task" | "local";

/** Every host, in the order in which the README tells of them. */
export const HOSTS: Readonly<Record<DemoHostName, DemoHost>> = {
  action: {
    title: "GitHub Action",
    runStep: runGitHubStep,
    hasPostStep: true,
    signIn: "federated",
  },
  task: {
    title: "Azure Pipelines task",
    runStep: runPipelinesStep,
    hasPostStep: true,
    signIn: "federated",
  },
  local: { title: "terminal", runStep: runTerminalStep, hasPostStep: false, signIn: "secret" },
};
