/** Microsoft.ContainerInstance, as far as a build's container and its live log go. */
import { jsonAnswer } from "../answers.ts";
import { authorizationFailed, resourceNotFound } from "../armErrors.ts";
import { CONTAINER_GROUP } from "../buildResources.ts";
import type { Cloud } from "../cloud.ts";
import type { ImageTemplates } from "../imageTemplates.ts";
import { isSameId } from "../resourceIds.ts";
import type { ArmRequest, Route } from "./routes.ts";

const GROUP = "/subscriptions/{subscription}/resourceGroups/{group}";
const CONTAINER_GROUPS = `${GROUP}/providers/${CONTAINER_GROUP}`;

/** Routes of the build containers; they are there while their run lasts. */
export function containerRoutes(cloud: Cloud, templates: ImageTemplates): Route[] {
  return [
    {
      method: "GET",
      pattern: CONTAINER_GROUPS,
      handle: (request) =>
        jsonAnswer(200, {
          value: cloud.resources.ofType(groupIdOf(request), CONTAINER_GROUP),
        }),
    },
    {
      method: "GET",
      pattern: `${CONTAINER_GROUPS}/{name}`,
      handle: (request) => jsonAnswer(200, find(cloud, request)),
    },
    {
      method: "GET",
      pattern: `${CONTAINER_GROUPS}/{name}/containers/{container}/logs`,
      handle: (request) => jsonAnswer(200, { content: logOf(cloud, templates, request) }),
    },
  ];
}

function groupIdOf({ params }: ArmRequest): string {
  return `/subscriptions/${params["subscription"]}/resourceGroups/${params["group"]}`;
}

function find({ resources }: Cloud, request: ArmRequest) {
  const { name = "", group = "" } = request.params;
  const found = resources.get(`${groupIdOf(request)}/providers/${CONTAINER_GROUP}/${name}`);
  if (!found) throw resourceNotFound(`${CONTAINER_GROUP}/${name}`, group);
  return found;
}

// Source: containerInstance.json, api-version 2023-05-01: without `tail` at most 4 MB are shown.
const LONGEST_LOG = 4 * 1024 * 1024;

/** A staging group serves one template, which has one run at a time: the container's log is that run's. */
function logOf(cloud: Cloud, templates: ImageTemplates, request: ArmRequest): string {
  const container = find(cloud, request);
  if (!cloud.roles.has("Log Reader")) {
    const action = "Microsoft.ContainerInstance/containerGroups/containers/logs/read";
    throw authorizationFailed(request.principal, action, container.id);
  }
  const run = templates.runs.find(
    ({ template, isOver }) => !isOver && isSameId(template.staging?.id ?? "", groupIdOf(request)),
  );
  const wantsTimes = request.query.get("timestamps")?.toLowerCase() === "true";
  const text = (wantsTimes ? run?.timestampedLog : run?.log) ?? "";
  const tail = Number(request.query.get("tail") ?? 0);
  return tail > 0 ? lastLines(text, tail) : text.slice(-LONGEST_LOG);
}

function lastLines(text: string, count: number): string {
  const lines = text.split("\n");
  const isEnded = lines.at(-1) === "";
  return lines.slice(-count - (isEnded ? 1 : 0)).join("\n");
}
