/** Resources that a build reads and the emulator only shows: storage accounts, identities, networks, galleries, images. */
import { jsonAnswer } from "../answers.ts";
import { resourceGroupNotFound, resourceNotFound } from "../armErrors.ts";
import type { Cloud } from "../cloud.ts";
import { isObject, type JsonObject, objectOf } from "../json.ts";
import type { StoredBody } from "../resourceBodies.ts";
import { segmentAfter } from "../resourceIds.ts";
import { isMissing } from "../templateCreation.ts";
import type { ArmRequest, Route } from "./routes.ts";

const SUBSCRIPTION = "/subscriptions/{subscription}";
const GROUP = `${SUBSCRIPTION}/resourceGroups/{group}`;
const GALLERIES = `${GROUP}/providers/Microsoft.Compute/galleries`;
const ACCOUNTS = `${GROUP}/providers/Microsoft.Storage/storageAccounts`;
const IDENTITIES = `${GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities`;
const NETWORKS = `${GROUP}/providers/Microsoft.Network/virtualNetworks`;

/** Types that clients list across all resource groups. */
const SUBSCRIPTION_WIDE = [
  "Microsoft.Compute/galleries",
  "Microsoft.Compute/images",
  "Microsoft.Storage/storageAccounts",
];

const RESOURCES = [
  { list: ACCOUNTS, type: "Microsoft.Storage/storageAccounts" },
  { list: IDENTITIES, type: "Microsoft.ManagedIdentity/userAssignedIdentities" },
  { list: NETWORKS, type: "Microsoft.Network/virtualNetworks" },
  { list: `${NETWORKS}/{network}/subnets`, type: "Microsoft.Network/virtualNetworks/subnets" },
  { list: `${GROUP}/providers/Microsoft.Compute/images`, type: "Microsoft.Compute/images" },
  { list: GALLERIES, type: "Microsoft.Compute/galleries" },
  { list: `${GALLERIES}/{gallery}/images`, type: "Microsoft.Compute/galleries/images" },
  {
    list: `${GALLERIES}/{gallery}/images/{image}/versions`,
    type: "Microsoft.Compute/galleries/images/versions",
  },
];

/** Routes that answer from the resource store. */
export function readRoutes(cloud: Cloud): Route[] {
  return [
    ...RESOURCES.flatMap(({ list, type }): Route[] => [
      { method: "GET", pattern: list, handle: (request) => listAnswer(cloud, request, type) },
      {
        method: "GET",
        pattern: `${list}/{name}`,
        handle: (request) => jsonAnswer(200, shown(find(cloud, request, type), request)),
      },
    ]),
    ...SUBSCRIPTION_WIDE.map(
      (type): Route => ({
        method: "GET",
        pattern: `${SUBSCRIPTION}/providers/${type}`,
        handle: (request) => {
          const scope = request.path.split("/").slice(0, 3).join("/");
          return listBelow(cloud, request, scope, type);
        },
      }),
    ),
  ];
}

function find(cloud: Cloud, { path }: ArmRequest, type: string): StoredBody {
  const groupName = segmentAfter(path, "resourceGroups");
  const group = path.split("/").slice(0, 5).join("/");
  if (!cloud.resources.has(group)) throw resourceGroupNotFound(groupName);
  const found = cloud.resources.get(path);
  if (found && !isMissing(cloud, path)) return found;
  throw resourceNotFound(nameWithType(path, type), groupName);
}

/** `Microsoft.Compute/galleries/g/images/i`, as the service names what it does not find. */
function nameWithType(path: string, type: string): string {
  const index = path.toLowerCase().lastIndexOf("/providers/");
  return index < 0 ? type : path.slice(index + "/providers/".length);
}

function listAnswer(cloud: Cloud, request: ArmRequest, type: string) {
  const parent = request.path.split("/").slice(0, -1).join("/");
  const isTopLevel = type.split("/").length === 2;
  const scope = isTopLevel ? request.path.split("/").slice(0, 5).join("/") : parent;
  if (isTopLevel && !cloud.resources.has(scope)) {
    throw resourceGroupNotFound(request.params["group"] ?? "");
  }
  if (!isTopLevel) find(cloud, { ...request, path: parent }, type);
  return listBelow(cloud, request, scope, type);
}

function listBelow(cloud: Cloud, request: ArmRequest, scope: string, type: string) {
  const value = cloud.resources.ofType(scope, type).map((body) => shown(body, request));
  return jsonAnswer(200, { value });
}

/** The replication status of an image version is shown only when asked for. Source: gallery.json, api-version 2024-03-03. */
function shown(body: StoredBody, request: ArmRequest): JsonObject {
  const properties = objectOf(body["properties"]);
  const wantsStatus = /replicationstatus/i.test(request.query.get("$expand") ?? "");
  if (!isObject(properties["replicationStatus"]) || wantsStatus) return body;
  const { replicationStatus: _, ...others } = properties;
  return { ...body, properties: others };
}
