/** Making and removing resource groups, for a `stagingResourceGroup` of one's own and for galleries apart. */
import { jsonAnswer } from "../answers.ts";
import {
  authorizationFailed,
  invalidParameter,
  missingParameter,
  nestedResources,
} from "../armErrors.ts";
import type { Cloud } from "../cloud.ts";
import type { ImageTemplates } from "../imageTemplates.ts";
import { objectOf, stringOf } from "../json.ts";
import { isRegion } from "../regions.ts";
import { resourceGroup } from "../resourceBodies.ts";
import { regionKey } from "../resourceIds.ts";
import { type ArmRequest, emptyAnswer, type Route } from "./routes.ts";

const GROUP = "/subscriptions/{subscription}/resourceGroups/{group}";
const TYPE = "Microsoft.Resources/subscriptions/resourceGroups";

/** PUT and DELETE; reads are those of the subscription. */
export function resourceGroupRoutes(cloud: Cloud, templates: ImageTemplates): Route[] {
  return [
    { method: "PUT", pattern: GROUP, handle: (request) => put(cloud, request) },
    { method: "DELETE", pattern: GROUP, handle: (request) => remove(cloud, templates, request) },
  ];
}

function authorize({ roles }: Cloud, { principal, path }: ArmRequest, action: string): void {
  if (!roles.has("Contributor")) throw authorizationFailed(principal, `${TYPE}/${action}`, path);
}

function put(cloud: Cloud, request: ArmRequest) {
  authorize(cloud, request, "write");
  const body = objectOf(request.body);
  const location = stringOf(body["location"]);
  if (!location) throw missingParameter("location");
  if (!isRegion(location)) throw invalidParameter("location", location);
  const isNew = !cloud.resources.has(request.path);
  const made = resourceGroup(request.path, regionKey(location), objectOf(body["tags"]));
  cloud.resources.put(made);
  return jsonAnswer(isNew ? 201 : 200, made);
}

/** At once, with all it holds; ARM takes its time, and deletes image templates too. */
function remove(cloud: Cloud, templates: ImageTemplates, request: ArmRequest) {
  authorize(cloud, request, "delete");
  if (templates.list(request.path).length > 0) throw nestedResources(request.path);
  for (const { id } of cloud.resources.below(request.path)) cloud.resources.delete(id);
  cloud.resources.delete(request.path);
  return emptyAnswer(200);
}
