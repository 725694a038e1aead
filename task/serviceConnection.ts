/** Signs in with an Azure Resource Manager service connection. */
import {
  ClientAssertionCredential,
  ClientSecretCredential,
  type TokenCredential,
} from "@azure/identity";
import * as tl from "azure-pipelines-task-lib/task";
import { InputError } from "../shared/errors.ts";
import type { SignIn, SignInCloud } from "../shared/host.ts";
import { readAuthorization } from "./endpoint.ts";
import { requestAssertion } from "./oidc.ts";

const INPUT = "azureSubscription";

/** @throws {InputError} when there is no connection, or one of a kind that this version does not know. */
export async function signIn(): Promise<SignIn> {
  const id = tl.getInput(INPUT) ?? "";
  if (id === "")
    throw new InputError([
      `Input '${INPUT}' is missing; expected an Azure Resource Manager service connection.`,
    ]);
  const credential = credentialOf(id);
  const subscriptionId = tl.getEndpointDataParameter(id, "subscriptionid", true) ?? "";
  if (subscriptionId === "") {
    throw new InputError([
      `Input '${INPUT}' names a service connection without a subscription; expected one of scope level Subscription.`,
    ]);
  }
  return {
    subscriptionId,
    resourceManagerEndpoint: tl.getEndpointUrl(id, true) || "https://management.azure.com/",
    resourceManagerEndpointLabel: INPUT,
    credential,
  };
}

function credentialOf(id: string): (cloud: SignInCloud) => TokenCredential {
  const { scheme, parameter } = readAuthorization(id);
  const tenantId = parameter("tenantid");
  const clientId = parameter("serviceprincipalid");
  if (tenantId === "" || clientId === "") {
    throw new InputError([
      `Input '${INPUT}' names a service connection without a tenant or an application; expected one that signs in as an application.`,
    ]);
  }
  const options = ({ authorityHost, isWellKnown }: SignInCloud) => ({
    authorityHost,
    disableInstanceDiscovery: !isWellKnown,
  });
  if (scheme.toLowerCase() === "workloadidentityfederation") {
    return (cloud) =>
      new ClientAssertionCredential(tenantId, clientId, () => requestAssertion(id), options(cloud));
  }
  const key = parameter("serviceprincipalkey");
  if (scheme.toLowerCase() === "serviceprincipal" && key !== "") {
    tl.setSecret(key);
    return (cloud) => new ClientSecretCredential(tenantId, clientId, key, options(cloud));
  }
  throw new InputError([
    `Input '${INPUT}' names a service connection of scheme "${scheme}"; expected workload identity federation, or a service principal with a key.`,
  ]);
}
