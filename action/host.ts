/** GitHub Actions as a host. No decisions: raw text in, plain data out. */
import os from "node:os";
import * as core from "@actions/core";
import { context } from "@actions/github";
import { ClientAssertionCredential, ClientSecretCredential } from "@azure/identity";
import { askForAssertion } from "../shared/assertion.ts";
import { kebabCase } from "../shared/contract.ts";
import { InputError, reportText } from "../shared/errors.ts";
import { applicationSignIn, collectAll } from "../shared/form.ts";
import { type Host, neutralize, type SignIn } from "../shared/host.ts";
import type { Stop } from "../shared/stopSignal.ts";

// The runner sends SIGINT, 7.5 s later SIGTERM, and kills the process 2.5 s after that.
const STOP_GRACE_IN_MS = 4_000;

const print = { debug: core.debug, info: core.info, warning: core.warning };

/** Makes the host of this process. */
export function createHost({ signal, hurry }: Stop): Host {
  const { env } = process;
  const host: Host = {
    name: "github",
    workspace: env["GITHUB_WORKSPACE"] || process.cwd(),
    temporaryFolder: env["RUNNER_TEMP"] || os.tmpdir(),
    homeFolder: os.homedir(),
    runId: `${context.runId}-${context.runAttempt}`,
    provenance: {
      runUrl: `${context.serverUrl}/${env["GITHUB_REPOSITORY"]}/actions/runs/${context.runId}`,
      repository: `${context.serverUrl}/${env["GITHUB_REPOSITORY"]}`,
      commit: context.sha,
    },
    signal,
    hurry,
    stopGraceInMs: STOP_GRACE_IN_MS,
    hasPostStep: true,
    readInput: (name) => core.getInput(kebabCase(name)),
    inputLabel: kebabCase,
    signIn: () => signIn(host),
    savedState: (key) => core.getState(key),
    log: (level, text) => print[level](neutralize(text)),
    group: (title, body) => core.group(neutralize(title), body),
    mask: (secret) => core.setSecret(secret),
    setOutput: (name, value) => core.setOutput(kebabCase(name), value),
    saveState: (key, value) => core.saveState(key, value),
    fail: (report) => core.setFailed(neutralize(reportText(report))),
    async writeSummary(markdown) {
      await core.summary.addRaw(markdown).write();
    },
  };
  return host;
}

/** The workflow's own OIDC token unless there is a secret; a fresh one for every token request, since it lives 5 minutes. */
async function signIn(host: Host): Promise<SignIn> {
  const secret = host.readInput("clientSecret");
  const { application } = await collectAll({
    application: () => applicationSignIn(host),
    oidc: () => secret !== "" || requireOidc(),
  });
  const { tenantId, clientId } = application;
  return {
    ...application,
    credential({ authorityHost, isWellKnown, federationAudience }) {
      const options = { authorityHost, disableInstanceDiscovery: !isWellKnown };
      if (secret !== "") return new ClientSecretCredential(tenantId, clientId, secret, options);
      const ask = () => core.getIDToken(federationAudience);
      const assertion = () => askForAssertion("GitHub", ask);
      return new ClientAssertionCredential(tenantId, clientId, assertion, options);
    },
  };
}

function requireOidc(): void {
  if (process.env["ACTIONS_ID_TOKEN_REQUEST_URL"]) return;
  throw new InputError([
    "This job has no OIDC token to sign in with. Add to the job: permissions: { id-token: write, contents: read }. Or give the input 'client-secret'.",
  ]);
}
