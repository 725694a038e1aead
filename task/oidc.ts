/** Asks Azure Pipelines for the assertion that a federated service connection signs in with. */
import { setTimeout as sleep } from "node:timers/promises";
import * as tl from "azure-pipelines-task-lib/task";
import { AccessError } from "../shared/errors.ts";

const TIME_LIMIT_IN_MS = 30_000;
const PAUSE_IN_MS = 1_000;
const TRIES = 3;

/**
 * A fresh assertion; it lives 10 minutes, so one is asked for with every token request.
 * Source: `POST <System.OidcRequestUri>?api-version=7.1&serviceConnectionId=…`, answered with `{"oidcToken":"…"}`.
 * @throws {AccessError}
 */
export async function requestAssertion(serviceConnectionId: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask(serviceConnectionId);
    } catch (cause) {
      if (cause instanceof AccessError || attempt === TRIES) throw asAccessError(cause);
      await sleep(PAUSE_IN_MS * attempt);
    }
  }
}

async function ask(serviceConnectionId: string): Promise<string> {
  const uri = tl.getVariable("System.OidcRequestUri");
  const token = tl.getEndpointAuthorizationParameter("SYSTEMVSSCONNECTION", "AccessToken", true);
  if (!uri || !token) {
    throw new AccessError("This agent offers no OIDC token for the service connection.", {
      hint: "Update the agent, or use a service connection with a key.",
    });
  }
  const query = new URLSearchParams({ "api-version": "7.1", serviceConnectionId });
  const response = await fetch(`${uri}?${query}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${token}`,
      "x-tfs-fedauthredirect": "Suppress",
    },
    signal: AbortSignal.timeout(TIME_LIMIT_IN_MS),
  });
  return readAssertion(response);
}

async function readAssertion(response: Response): Promise<string> {
  // An expired job token is answered with 203 and a sign-in page.
  const isPage = !response.headers.get("content-type")?.includes("json");
  if (response.status === 203 || response.status === 401 || (response.ok && isPage)) {
    throw new AccessError(
      "Azure Pipelines does not accept the access token of this job any more.",
      {
        details: [`The OIDC endpoint answered with status ${response.status}.`],
        hint: "Run the job again; such a token lives as long as the job may.",
      },
    );
  }
  if (!response.ok) throw new Error(`The OIDC endpoint answered with status ${response.status}.`);
  const { oidcToken } = (await response.json()) as { oidcToken?: string };
  if (!oidcToken) throw new Error("The OIDC endpoint answered without a token.");
  tl.setSecret(oidcToken);
  return oidcToken;
}

function asAccessError(cause: unknown): AccessError {
  if (cause instanceof AccessError) return cause;
  const details = [cause instanceof Error ? cause.message : String(cause)];
  const title = "Azure Pipelines gave no OIDC token for the service connection.";
  return new AccessError(title, { details, cause });
}
