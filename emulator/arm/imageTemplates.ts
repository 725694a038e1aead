/** Microsoft.VirtualMachineImages on the wire: status codes and headers as recorded from the service. */
import type { Answer } from "../answers.ts";
import { jsonAnswer } from "../answers.ts";
import {
  authorizationFailed,
  identityNotFound,
  linkedAuthorizationFailed,
  locationNotAvailable,
  missingSubscriptionRegistration,
  noRegisteredProvider,
  resourceGroupNotFound,
  resourceNotFound,
} from "../armErrors.ts";
import type { Cloud } from "../cloud.ts";
import type { ImageTemplates } from "../imageTemplates.ts";
import { isObject, objectOf, stringOf } from "../json.ts";
import { type Operation, operationBody } from "../operations.ts";
import { REGIONS } from "../regions.ts";
import { regionKey } from "../resourceIds.ts";
import { runOutputBody, type Template, templateBody } from "../template.ts";
import { checkTemplateName, validateTemplate } from "../validation.ts";
import { type ArmRequest, emptyAnswer, type Route, resourceAnswer } from "./routes.ts";

/** Source: azure-rest-api-specs, stable versions. */
export const TEMPLATE_API_VERSIONS = [
  "2020-02-14",
  "2021-10-01",
  "2022-02-14",
  "2022-07-01",
  "2023-07-01",
  "2024-02-01",
  "2025-10-01",
];

const NAMESPACE = "Microsoft.VirtualMachineImages";
const TYPE = `${NAMESPACE}/imageTemplates`;
const SUBSCRIPTION = "/subscriptions/{subscription}";
const GROUP = `${SUBSCRIPTION}/resourceGroups/{group}`;
const TEMPLATES = `${GROUP}/providers/${TYPE}`;
const TEMPLATE = `${TEMPLATES}/{template}`;

type Handler = (request: ArmRequest) => Answer;

/** Routes of the resource provider, which checks its own api-versions. */
export function imageTemplateRoutes(cloud: Cloud, templates: ImageTemplates): Route[] {
  const handlers = new TemplateHandlers(cloud, templates);
  const route = (method: string, pattern: string, handle: Handler): Route => ({
    method,
    pattern,
    handle: (request) => {
      checkApiVersion(request.apiVersion);
      return handle(request);
    },
  });
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

function checkApiVersion(version: string): void {
  if (!TEMPLATE_API_VERSIONS.includes(version)) {
    throw noRegisteredProvider(version, TEMPLATE_API_VERSIONS);
  }
}

function checkLocation(location: string): void {
  const names = REGIONS.map(({ name }) => name);
  if (!names.includes(regionKey(location))) throw locationNotAvailable(location, names);
}

class TemplateHandlers {
  readonly #cloud: Cloud;
  readonly #templates: ImageTemplates;

  constructor(cloud: Cloud, templates: ImageTemplates) {
    this.#cloud = cloud;
    this.#templates = templates;
  }

  readonly put: Handler = (request) => {
    this.#authorize(request, "write");
    if (this.#cloud.behaviour().isProviderUnregistered) {
      throw missingSubscriptionRegistration(NAMESPACE);
    }
    this.#checkGroup(request);
    checkTemplateName(request.params["template"] ?? "");
    const body = validateTemplate(request.body, request.apiVersion);
    checkLocation(stringOf(body["location"]));
    this.#checkIdentity(request, body);
    const { template, operation } = this.#templates.create(idOf(request), body);
    // A create has no Location. Source: recorded exchange, api-version 2022-07-01.
    const { Location: _, ...headers } = this.#operationHeaders(request, operation);
    return resourceAnswer(201, templateBody(template), headers);
  };

  readonly get: Handler = (request) => resourceAnswer(200, templateBody(this.#find(request)));

  readonly patch: Handler = (request) => {
    this.#authorize(request, "write");
    const template = this.#find(request);
    const tags = objectOf(request.body)["tags"];
    if (isObject(tags)) template.tags = tags;
    return resourceAnswer(200, templateBody(template));
  };

  readonly delete: Handler = (request) => {
    this.#authorize(request, "delete");
    const template = this.#templates.get(idOf(request));
    if (!template) return emptyAnswer(204);
    return this.#accepted(request, this.#templates.delete(template));
  };

  readonly run: Handler = (request) => {
    this.#authorize(request, "run/action");
    return this.#accepted(request, this.#templates.run(this.#find(request)));
  };

  readonly cancel: Handler = (request) => {
    this.#authorize(request, "cancel/action");
    this.#templates.cancel(this.#find(request));
    return emptyAnswer(204);
  };

  readonly list: Handler = ({ path }) => {
    const scope = path.slice(0, path.toLowerCase().indexOf("/providers/"));
    return jsonAnswer(200, { value: this.#templates.list(scope).map(templateBody) });
  };

  readonly listRunOutputs: Handler = (request) => {
    const template = this.#find(request);
    const value = template.runOutputs.map((output) => runOutputBody(template, output));
    return resourceAnswer(200, { value });
  };

  readonly getRunOutput: Handler = (request) => {
    const template = this.#find(request);
    const name = request.params["output"] ?? "";
    const output = template.runOutputs.find((candidate) => candidate.name === name);
    if (!output) throw notFound(request, `${TYPE}/${template.name}/runOutputs/${name}`);
    return resourceAnswer(200, runOutputBody(template, output));
  };

  readonly getOperation: Handler = (request) => {
    const id = request.params["operation"] ?? "";
    const operation = this.#cloud.operations.get(id);
    if (!operation) throw notFound(request, `${NAMESPACE}/locations/operations/${id}`);
    return resourceAnswer(200, operationBody(operation));
  };

  #find(request: ArmRequest): Template {
    this.#checkGroup(request);
    const template = this.#templates.get(idOf(request));
    if (!template) throw notFound(request, `${TYPE}/${request.params["template"]}`);
    return template;
  }

  #checkGroup({ params }: ArmRequest): void {
    const id = `/subscriptions/${params["subscription"]}/resourceGroups/${params["group"]}`;
    if (!this.#cloud.resources.has(id)) throw resourceGroupNotFound(params["group"] ?? "");
  }

  #authorize(request: ArmRequest, action: string): void {
    if (this.#cloud.roles.has("Contributor")) return;
    throw authorizationFailed(request.principal, `${TYPE}/${action}`, idOf(request));
  }

  #checkIdentity(request: ArmRequest, body: Readonly<Record<string, unknown>>): void {
    const identities = objectOf(objectOf(body["identity"])["userAssignedIdentities"]);
    const id = stringOf(Object.keys(identities)[0]);
    if (!this.#cloud.roles.has("Managed Identity Operator")) {
      const assign = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action";
      const scope = idOf(request);
      throw linkedAuthorizationFailed(request.principal, `${TYPE}/write`, scope, assign, id);
    }
    if (!this.#cloud.resources.has(id)) throw identityNotFound(idOf(request), id);
  }

  #accepted(request: ArmRequest, operation: Operation): Answer {
    return emptyAnswer(202, this.#operationHeaders(request, operation));
  }

  /** `x-ms-request-id` of an accepted request is its operation's id; each header carries its own signature. */
  #operationHeaders({ apiVersion }: ArmRequest, operation: Operation): Record<string, string> {
    const { operations } = this.#cloud;
    return {
      Location: operations.url(operation, apiVersion),
      "Azure-AsyncOperation": operations.url(operation, apiVersion),
      "x-ms-request-id": operation.id,
    };
  }
}

/** The template a path is about, whatever comes after its name. */
function idOf({ params }: ArmRequest): string {
  return `/subscriptions/${params["subscription"]}/resourceGroups/${params["group"]}/providers/${TYPE}/${params["template"]}`;
}

function notFound(request: ArmRequest, name: string) {
  return resourceNotFound(name, request.params["group"] ?? "");
}

const ACTIONS = ["read", "write", "delete", "run/action", "cancel/action", "runOutputs/read"];

function listProviderOperations(): Answer {
  const value = ACTIONS.map((action) => ({
    name: `${TYPE}/${action}`,
    isDataAction: false,
    display: { provider: NAMESPACE, resource: "imageTemplates", operation: action },
  }));
  return jsonAnswer(200, { value });
}
