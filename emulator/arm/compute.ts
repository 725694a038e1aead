/** Writing galleries, image definitions, image versions and images: Microsoft.Compute on the wire. */
import { jsonAnswer } from "../answers.ts";
import { authorizationFailed, resourceGroupNotFound, resourceNotFound } from "../armErrors.ts";
import type { Cloud } from "../cloud.ts";
import type { ComputeResources } from "../computeResources.ts";
import { type Operation, operationBody } from "../operations.ts";
import { segmentAfter } from "../resourceIds.ts";
import { type ArmRequest, emptyAnswer, type Route } from "./routes.ts";

const COMPUTE = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute";

const TYPES = [
  { pattern: `${COMPUTE}/galleries/{gallery}`, type: "Microsoft.Compute/galleries" },
  {
    pattern: `${COMPUTE}/galleries/{gallery}/images/{image}`,
    type: "Microsoft.Compute/galleries/images",
  },
  {
    pattern: `${COMPUTE}/galleries/{gallery}/images/{image}/versions/{version}`,
    type: "Microsoft.Compute/galleries/images/versions",
  },
  { pattern: `${COMPUTE}/images/{image}`, type: "Microsoft.Compute/images" },
];

/** PUT and DELETE of each type, and the operations they start. */
export function computeRoutes(cloud: Cloud, compute: ComputeResources): Route[] {
  const handlers = new ComputeHandlers(cloud, compute);
  return [
    ...TYPES.flatMap(({ pattern, type }): Route[] => [
      { method: "PUT", pattern, handle: (request) => handlers.put(request, type) },
      { method: "DELETE", pattern, handle: (request) => handlers.delete(request, type) },
    ]),
    {
      method: "GET",
      pattern:
        "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{location}/capsOperations/{operation}",
      handle: (request) => handlers.getOperation(request),
    },
  ];
}

class ComputeHandlers {
  readonly #cloud: Cloud;
  readonly #compute: ComputeResources;

  constructor(cloud: Cloud, compute: ComputeResources) {
    this.#cloud = cloud;
    this.#compute = compute;
  }

  put(request: ArmRequest, type: string) {
    this.#check(request, `${type}/write`);
    const { body, isNew, operation } = this.#compute.put(type, request.path, request.body);
    return jsonAnswer(isNew ? 201 : 200, body, this.#headers(request, operation));
  }

  delete(request: ArmRequest, type: string) {
    this.#check(request, `${type}/delete`);
    const operation = this.#compute.delete(request.path);
    if (!operation) return emptyAnswer(204);
    const headers = this.#headers(request, operation);
    return emptyAnswer(202, { ...headers, Location: headers["Azure-AsyncOperation"] });
  }

  getOperation({ params }: ArmRequest) {
    const id = params["operation"] ?? "";
    const operation = this.#cloud.operations.get(id);
    if (!operation) throw resourceNotFound(`Microsoft.Compute/locations/capsOperations/${id}`, "");
    const { startTime, endTime, status, error } = operationBody(operation);
    return jsonAnswer(200, { startTime, endTime, status, name: operation.id, error });
  }

  #check({ params, path, principal }: ArmRequest, action: string): void {
    if (!this.#cloud.roles.has("Contributor")) throw authorizationFailed(principal, action, path);
    const groupId = `/subscriptions/${params["subscription"]}/resourceGroups/${params["group"]}`;
    if (!this.#cloud.resources.has(groupId)) {
      throw resourceGroupNotFound(segmentAfter(path, "resourceGroups"));
    }
  }

  /** Source: recorded exchange of a gallery, api-version 2025-03-03. */
  #headers({ apiVersion }: ArmRequest, operation: Operation) {
    return {
      "Azure-AsyncOperation": this.#cloud.operations.url(operation, apiVersion),
      "Azure-AsyncNotification": "Enabled",
    };
  }
}
