/** Asks Azure Pipelines for the assertion that a federated service connection signs in with. */
import * as tl from "azure-pipelines-task-lib/task";
import { askForAssertion, FinalRefusal } from "../shared/assertion.ts";
import { readAuthorization } from "./endpoint.ts";

const TIME_LIMIT_IN_MS = 30_000;

/**
 * A fresh assertion; it lives 10 minutes, so one is asked for with every token request.
 * Source: `POST <System.OidcRequestUri>?api-version=7.1&serviceConnectionId=…`, answered with `{"oidcToken":"…"}`.
 * @throws {Error} whose message holds everything that is known.
 */
export function requestAssertion(serviceConnectionId: string): Promise<string> {
  return askForAssertion("Azure Pipelines", () => ask(serviceConnectionId));
}

async function ask(serviceConnectionId: string): Promise<string> {
  const uri = tl.getVariable("System.OidcRequestUri");
  const token = readAuthorization("SYSTEMVSSCONNECTION").parameter("AccessToken");
  if (!uri || !token) {
    throw new FinalRefusal(
      "This agent offers no OIDC token for the service connection. Update the agent, or use a service connection with a key.",
    );
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
  const { status } = response;
  // An expired job token is answered with 203 and a sign-in page.
  const isPage = response.ok && !response.headers.get("content-type")?.includes("json");
  if (status === 203 || status === 401 || isPage) {
    throw new FinalRefusal(
      `Azure Pipelines does not accept the access token of this job (status ${status}). Run the job again; such a token lives as long as the job may.`,
    );
  }
  if (!response.ok) throw new Error(`the OIDC endpoint answered with status ${status}.`);
  const { oidcToken } = (await response.json()) as { oidcToken?: string };
  if (!oidcToken) throw new Error("the OIDC endpoint answered without a token.");
  tl.setSecret(oidcToken);
  return oidcToken;
}
