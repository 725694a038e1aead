/** An Azure Resource Manager service connection as the Azure Pipelines agent hands it to a task. */
import type { StepRequest } from "./step.ts";

/** Value of an input of type `connectedService:AzureRM`, and id of the connection. */
export const CONNECTION_ID = "8f3c1e52-7a04-4c1d-9a55-2d6e0b9f4c77";

/** The variables of the connection; its URL is the Resource Manager endpoint. */
export function connectionVariables(request: StepRequest): Record<string, string> {
  const { emulator } = request.job;
  const scheme =
    request.signIn.kind === "secret" ? "ServicePrincipal" : "WorkloadIdentityFederation";
  return endpointVariables(CONNECTION_ID, {
    url: emulator["EMULATOR_ARM_ENDPOINT"] ?? "",
    scheme,
    parameters: {
      tenantid: emulator["EMULATOR_TENANT_ID"] ?? "",
      serviceprincipalid: emulator["EMULATOR_CLIENT_ID"] ?? "",
      ...secretParameters(request),
    },
    data: {
      subscriptionid: emulator["EMULATOR_SUBSCRIPTION_ID"] ?? "",
      subscriptionname: "Contoso",
      environment: "AzureStack",
      environmentauthorityurl: emulator["EMULATOR_AUTHORITY_HOST"] ?? "",
      scopelevel: "Subscription",
    },
  });
}

function secretParameters({ signIn }: StepRequest): Record<string, string> {
  if (signIn.kind !== "secret") return {};
  return { authenticationtype: "spnKey", serviceprincipalkey: signIn.secret ?? "" };
}

/** The job's own connection, which carries the token that asks for an OIDC token. */
export function systemConnectionVariables(url: string, token: string): Record<string, string> {
  const scheme = "OAuth";
  const parameters = { AccessToken: token };
  return endpointVariables("SYSTEMVSSCONNECTION", { url, scheme, parameters, data: {} });
}

interface Endpoint {
  readonly url: string;
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, string>>;
}

function endpointVariables(id: string, endpoint: Endpoint): Record<string, string> {
  const { url, scheme, parameters, data } = endpoint;
  return {
    [`ENDPOINT_URL_${id}`]: url,
    [`ENDPOINT_AUTH_${id}`]: JSON.stringify({ parameters, scheme }),
    [`ENDPOINT_AUTH_SCHEME_${id}`]: scheme,
    [`ENDPOINT_DATA_${id}`]: JSON.stringify(data),
    ...upperCased(`ENDPOINT_AUTH_PARAMETER_${id}_`, parameters),
    ...upperCased(`ENDPOINT_DATA_${id}_`, data),
  };
}

function upperCased(
  prefix: string,
  values: Readonly<Record<string, string>>,
): Record<string, string> {
  const entries = Object.entries(values);
  return Object.fromEntries(entries.map(([key, value]) => [prefix + key.toUpperCase(), value]));
}
