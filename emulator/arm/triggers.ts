/** Triggers on the wire: status codes and headers as recorded from the service, api-version 2022-07-01. */
import type { Cloud } from "../cloud.ts";
import type { ImageTemplates } from "../imageTemplates.ts";
import { type Trigger, triggerBody } from "../template.ts";
import type { Triggers } from "../triggers.ts";
import { type ArmRequest, emptyAnswer, type Route, resourceAnswer } from "./routes.ts";
import {
  type Handler,
  notFound,
  routesSince,
  TEMPLATE,
  TemplateRequests,
} from "./templateRequests.ts";

// Source: image-builder-api-update-release-notes.md, version 2022-07-01.
const SINCE = "2022-07-01";

/** Routes of imageTemplates/triggers. */
export function triggerRoutes(
  cloud: Cloud,
  templates: ImageTemplates,
  triggers: Triggers,
): Route[] {
  const handlers = new TriggerHandlers(new TemplateRequests(cloud, templates), triggers);
  const route = routesSince(SINCE);
  return [
    route("GET", `${TEMPLATE}/triggers`, handlers.list),
    route("GET", `${TEMPLATE}/triggers/{trigger}`, handlers.get),
    route("PUT", `${TEMPLATE}/triggers/{trigger}`, handlers.put),
    route("DELETE", `${TEMPLATE}/triggers/{trigger}`, handlers.delete),
  ];
}

class TriggerHandlers {
  readonly #requests: TemplateRequests;
  readonly #triggers: Triggers;

  constructor(requests: TemplateRequests, triggers: Triggers) {
    this.#requests = requests;
    this.#triggers = triggers;
  }

  readonly list: Handler = (request) => {
    const template = this.#requests.find(request);
    const value = template.triggers.map((trigger) => triggerBody(template, trigger));
    return resourceAnswer(200, { value });
  };

  readonly get: Handler = (request) => {
    const template = this.#requests.find(request);
    const trigger = this.#find(request);
    if (!trigger) {
      throw notFound(request, `${template.name}/triggers/${request.params["trigger"]}`);
    }
    return resourceAnswer(200, triggerBody(template, trigger));
  };

  readonly put: Handler = (request) => {
    this.#requests.authorize(request, "triggers/write");
    const template = this.#requests.find(request);
    const name = request.params["trigger"] ?? "";
    const { trigger, operation } = this.#triggers.create(template, name, request.body);
    const body = triggerBody(template, trigger);
    if (!operation) return resourceAnswer(200, body);
    return resourceAnswer(201, body, this.#requests.creationHeaders(request, operation));
  };

  /** Without such a trigger 204. Source: recorded exchange. */
  readonly delete: Handler = (request) => {
    this.#requests.authorize(request, "triggers/delete");
    const template = this.#requests.find(request);
    const trigger = this.#find(request);
    if (!trigger) return emptyAnswer(204);
    return this.#requests.accepted(request, this.#triggers.delete(template, trigger));
  };

  #find(request: ArmRequest): Trigger | undefined {
    const template = this.#requests.find(request);
    return this.#triggers.get(template, request.params["trigger"] ?? "");
  }
}
