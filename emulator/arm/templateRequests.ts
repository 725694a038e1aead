/** What every request about an image template has in common: finding it, the caller's rights, operation headers. */
import type { Answer } from "../answers.ts";
import {
  authorizationFailed,
  noRegisteredProvider,
  resourceGroupNotFound,
  resourceNotFound,
} from "../armErrors.ts";
import type { Cloud } from "../cloud.ts";
import type { ImageTemplates } from "../imageTemplates.ts";
import type { JsonObject } from "../json.ts";
import { visibleFields } from "../knownFields.ts";
import type { Operation } from "../operations.ts";
import { type Template, templateBody } from "../template.ts";
import { type ArmRequest, emptyAnswer, type Route } from "./routes.ts";

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

/** The provider's namespace. */
export const NAMESPACE = "Microsoft.VirtualMachineImages";
/** The resource type. */
export const TYPE = `${NAMESPACE}/imageTemplates`;
/** The path pattern of the image templates of a resource group. */
export const TEMPLATES = `/subscriptions/{subscription}/resourceGroups/{group}/providers/${TYPE}`;
/** The path pattern of one image template. */
export const TEMPLATE = `${TEMPLATES}/{template}`;

/** Answers a request whose api-version is known to be one. */
export type Handler = (request: ArmRequest) => Answer;

/** Makes routes of a resource type that there is since an api-version. */
export function routesSince(since: string) {
  const supported = TEMPLATE_API_VERSIONS.filter((version) => version >= since);
  return (method: string, pattern: string, handle: Handler): Route => ({
    method,
    pattern,
    handle: (request) => {
      const { apiVersion } = request;
      if (!supported.includes(apiVersion)) throw noRegisteredProvider(apiVersion, supported);
      return handle(request);
    },
  });
}

/** The template a path is about, whatever comes after its name. */
export function templateIdOf({ params }: ArmRequest): string {
  return `/subscriptions/${params["subscription"]}/resourceGroups/${params["group"]}/providers/${TYPE}/${params["template"]}`;
}

/** 404 in ARM's words. @param name below the namespace and the type */
export function notFound(request: ArmRequest, name: string) {
  return resourceNotFound(`${TYPE}/${name}`, request.params["group"] ?? "");
}

/** The template as the request's api-version shows it. */
export function bodyFor({ apiVersion }: ArmRequest, template: Template): JsonObject {
  return visibleFields(templateBody(template), "ImageTemplate", apiVersion);
}

/** Finds and refuses on behalf of the handlers. */
export class TemplateRequests {
  readonly #cloud: Cloud;
  readonly #templates: ImageTemplates;

  constructor(cloud: Cloud, templates: ImageTemplates) {
    this.#cloud = cloud;
    this.#templates = templates;
  }

  /** @throws {ArmError} 404 for the group or the template */
  find(request: ArmRequest): Template {
    this.checkGroup(request);
    const template = this.#templates.get(templateIdOf(request));
    if (!template) throw notFound(request, request.params["template"] ?? "");
    return template;
  }

  /** @throws {ArmError} 404 */
  checkGroup({ params }: ArmRequest): void {
    const id = `/subscriptions/${params["subscription"]}/resourceGroups/${params["group"]}`;
    if (!this.#cloud.resources.has(id)) throw resourceGroupNotFound(params["group"] ?? "");
  }

  /** @param action below the resource type: `run/action`. @throws {ArmError} 403 */
  authorize(request: ArmRequest, action: string): void {
    if (this.#cloud.roles.has("Contributor")) return;
    throw authorizationFailed(request.principal, `${TYPE}/${action}`, templateIdOf(request));
  }

  /** 202 without a body. */
  accepted(request: ArmRequest, operation: Operation): Answer {
    return emptyAnswer(202, this.operationHeaders(request, operation));
  }

  /** `x-ms-request-id` of an accepted request is its operation's id; each header carries its own signature. */
  operationHeaders({ apiVersion }: ArmRequest, operation: Operation): Record<string, string> {
    const { operations } = this.#cloud;
    return {
      Location: operations.url(operation, apiVersion),
      ...this.creationHeaders({ apiVersion }, operation),
    };
  }

  /** A creation has no Location. Source: recorded exchanges, api-version 2022-07-01. */
  creationHeaders(
    { apiVersion }: Pick<ArmRequest, "apiVersion">,
    operation: Operation,
  ): Record<string, string> {
    const url = this.#cloud.operations.url(operation, apiVersion);
    return { "Azure-AsyncOperation": url, "x-ms-request-id": operation.id };
  }
}
