/** Microsoft.VirtualMachineImages on the wire: status codes and headers as recorded from the service. */
import type { Answer } from "../answers.ts";
import { jsonAnswer } from "../answers.ts";
import {
  identityNotFound,
  linkedAuthorizationFailed,
  locationNotAvailable,
  missingSubscriptionRegistration,
  resourceNotFound,
} from "../armErrors.ts";
import type { Cloud } from "../cloud.ts";
import type { ImageTemplates } from "../imageTemplates.ts";
import { objectOf, stringOf } from "../json.ts";
import { operationBody } from "../operations.ts";
import { isRegion, REGIONS } from "../regions.ts";
import { runOutputBody } from "../template.ts";
import { readUpdate } from "../templateUpdate.ts";
import { checkTemplateName, validateTemplate } from "../validation.ts";
import { type ArmRequest, emptyAnswer, type Route, resourceAnswer } from "./routes.ts";
import {
  bodyFor,
  type Handler,
  NAMESPACE,
  notFound,
  routesSince,
  TEMPLATE,
  TEMPLATES,
  TemplateRequests,
  TYPE,
  templateIdOf,
} from "./templateRequests.ts";

const SUBSCRIPTION = "/subscriptions/{subscription}";

/** Routes of the resource provider, which checks its own api-versions. */
export function imageTemplateRoutes(cloud: Cloud, templates: ImageTemplates): Route[] {
  const handlers = new TemplateHandlers(cloud, templates);
  const route = routesSince("");
  return [
    route("PUT", TEMPLATE, handlers.put),
    route("GET", TEMPLATE, handlers.get),
    route("PATCH", TEMPLATE, handlers.patch),
    route("DELETE", TEMPLATE, handlers.delete),
    route("POST", `${TEMPLATE}/run`, handlers.run),
    route("POST", `${TEMPLATE}/cancel`, handlers.cancel),
    route("GET", `${TEMPLATE}/runOutputs`, handlers.listRunOutputs),
    route("GET", `${TEMPLATE}/runOutputs/{output}`, handlers.getRunOutput),
    route("GET", TEMPLATES, handlers.list),
    route("GET", `${SUBSCRIPTION}/providers/${TYPE}`, handlers.list),
    route(
      "GET",
      `${SUBSCRIPTION}/providers/${NAMESPACE}/locations/{location}/operations/{operation}`,
      handlers.getOperation,
    ),
    route("GET", `/providers/${NAMESPACE}/operations`, listProviderOperations),
  ];
}

function checkLocation(location: string): void {
  const names = REGIONS.map(({ name }) => name);
  if (!isRegion(location)) throw locationNotAvailable(location, names);
}

class TemplateHandlers {
  readonly #cloud: Cloud;
  readonly #templates: ImageTemplates;
  readonly #requests: TemplateRequests;

  constructor(cloud: Cloud, templates: ImageTemplates) {
    this.#cloud = cloud;
    this.#templates = templates;
    this.#requests = new TemplateRequests(cloud, templates);
  }

  readonly put: Handler = (request) => {
    this.#requests.authorize(request, "write");
    if (this.#cloud.behaviour().isProviderUnregistered) {
      throw missingSubscriptionRegistration(NAMESPACE);
    }
    this.#requests.checkGroup(request);
    checkTemplateName(request.params["template"] ?? "");
    const body = validateTemplate(request.body, request.apiVersion);
    checkLocation(stringOf(body["location"]));
    const identities = objectOf(objectOf(body["identity"])["userAssignedIdentities"]);
    this.#checkIdentity(request, stringOf(Object.keys(identities)[0]));
    const { template, operation } = this.#templates.create(templateIdOf(request), body);
    const headers = this.#requests.creationHeaders(request, operation);
    return resourceAnswer(201, bodyFor(request, template), headers);
  };

  readonly get: Handler = (request) =>
    resourceAnswer(200, bodyFor(request, this.#requests.find(request)));

  readonly patch: Handler = (request) => {
    this.#requests.authorize(request, "write");
    const template = this.#requests.find(request);
    const change = readUpdate(template, request.body, request.apiVersion);
    if (change.identityId) this.#checkIdentity(request, change.identityId);
    const operation = this.#templates.update(template, change);
    if (operation) return this.#requests.accepted(request, operation);
    return resourceAnswer(200, bodyFor(request, template));
  };

  readonly delete: Handler = (request) => {
    this.#requests.authorize(request, "delete");
    const template = this.#templates.get(templateIdOf(request));
    if (!template) return emptyAnswer(204);
    return this.#requests.accepted(request, this.#templates.delete(template));
  };

  readonly run: Handler = (request) => {
    this.#requests.authorize(request, "run/action");
    return this.#requests.accepted(request, this.#templates.run(this.#requests.find(request)));
  };

  readonly cancel: Handler = (request) => {
    this.#requests.authorize(request, "cancel/action");
    this.#templates.cancel(this.#requests.find(request));
    return emptyAnswer(204);
  };

  readonly list: Handler = (request) => {
    const { path, params } = request;
    if (params["group"] !== undefined) this.#requests.checkGroup(request);
    const scope = path.slice(0, path.toLowerCase().indexOf("/providers/"));
    const value = this.#templates.list(scope).map((template) => bodyFor(request, template));
    return jsonAnswer(200, { value });
  };

  readonly listRunOutputs: Handler = (request) => {
    const template = this.#requests.find(request);
    const value = template.runOutputs.map((output) => runOutputBody(template, output));
    return resourceAnswer(200, { value });
  };

  readonly getRunOutput: Handler = (request) => {
    const template = this.#requests.find(request);
    const name = request.params["output"] ?? "";
    const key = name.toLowerCase();
    const output = template.runOutputs.find((candidate) => candidate.name.toLowerCase() === key);
    if (!output) throw notFound(request, `${template.name}/runOutputs/${name}`);
    return resourceAnswer(200, runOutputBody(template, output));
  };

  readonly getOperation: Handler = (request) => {
    const id = request.params["operation"] ?? "";
    const operation = this.#cloud.operations.get(id);
    if (!operation) throw resourceNotFound(`${NAMESPACE}/locations/operations/${id}`, "");
    return resourceAnswer(200, operationBody(operation));
  };

  #checkIdentity(request: ArmRequest, id: string): void {
    const scope = templateIdOf(request);
    if (!this.#cloud.roles.has("Managed Identity Operator")) {
      const assign = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action";
      throw linkedAuthorizationFailed(request.principal, `${TYPE}/write`, scope, assign, id);
    }
    if (!this.#cloud.resources.has(id)) throw identityNotFound(scope, id);
  }
}

const ACTIONS = [
  "read",
  "write",
  "delete",
  "run/action",
  "cancel/action",
  "runOutputs/read",
  "triggers/read",
  "triggers/write",
  "triggers/delete",
];

function listProviderOperations(): Answer {
  const value = ACTIONS.map((action) => ({
    name: `${TYPE}/${action}`,
    isDataAction: false,
    display: { provider: NAMESPACE, resource: "imageTemplates", operation: action },
  }));
  return jsonAnswer(200, { value });
}
