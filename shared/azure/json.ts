/** Reads the answer to a plain HTTP request as Azure gives it. */
import { type PipelineRequest, type PipelineResponse, RestError } from "@azure/core-rest-pipeline";

/**
 * The parsed body; undefined when it is empty.
 * @throws {RestError} with the status of a refusal, or with code INVALID_ANSWER for what Azure cannot have sent.
 */
export function readJson<Body>(request: PipelineRequest, response: PipelineResponse): Body {
  const text = response.bodyAsText ?? "";
  if (response.status >= 400) {
    const statusCode = response.status;
    throw new RestError(`HTTP status ${statusCode}`, { statusCode, request, response });
  }
  try {
    return (text === "" ? undefined : JSON.parse(text)) as Body;
  } catch {
    // A captive portal or a cut line answers 200 with something else.
    throw new RestError("The answer is not from Azure.", { code: "INVALID_ANSWER", request });
  }
}
