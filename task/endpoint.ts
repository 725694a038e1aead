/** Reads what the agent knows of a service endpoint. */
import * as tl from "azure-pipelines-task-lib/task";

/** Authorization of an endpoint: its scheme, and its parameters by their names in lower case. */
export interface EndpointAuthorization {
  readonly scheme: string;
  parameter(name: string): string;
}

/**
 * Reads the whole authorization at once: the library's reader of single parameters writes each value to the log.
 * An endpoint that the agent does not know has no parameters.
 */
export function readAuthorization(endpointId: string): EndpointAuthorization {
  const authorization = tl.getEndpointAuthorization(endpointId, true);
  const entries = Object.entries(authorization?.parameters ?? {});
  const parameters = new Map(entries.map(([name, value]) => [name.toLowerCase(), value]));
  return {
    // An endpoint without a scheme is from the time when there was only one.
    scheme: authorization?.scheme || "ServicePrincipal",
    parameter: (name) => parameters.get(name.toLowerCase()) ?? "",
  };
}
