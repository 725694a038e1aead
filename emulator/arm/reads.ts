/** Resources that a build reads and the emulator only shows: storage accounts, identities, galleries, marketplace images. */
import { jsonAnswer } from "../answers.ts";
import { artifactNotFound, resourceGroupNotFound, resourceNotFound } from "../armErrors.ts";
import type { Cloud } from "../cloud.ts";
import { isObject, type JsonObject, objectOf } from "../json.ts";
import {
  findMarketplaceImage,
  MARKETPLACE,
  type MarketplaceImage,
  versionDetails,
  versionSummary,
} from "../marketplace.ts";
import type { StoredBody } from "../resourceBodies.ts";
import { segmentAfter } from "../resourceIds.ts";
import { isMissing } from "../templateCreation.ts";
import type { ArmRequest, Route } from "./routes.ts";

const GROUP = "/subscriptions/{subscription}/resourceGroups/{group}";
const GALLERIES = `${GROUP}/providers/Microsoft.Compute/galleries`;
const ACCOUNTS = `${GROUP}/providers/Microsoft.Storage/storageAccounts`;
const IDENTITIES = `${GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities`;
const SKUS =
  "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{location}/publishers/{publisher}/artifacttypes/vmimage/offers/{offer}/skus";

const RESOURCES = [
  { list: ACCOUNTS, type: "Microsoft.Storage/storageAccounts" },
  { list: IDENTITIES, type: "Microsoft.ManagedIdentity/userAssignedIdentities" },
  { list: GALLERIES, type: "Microsoft.Compute/galleries" },
  { list: `${GALLERIES}/{gallery}/images`, type: "Microsoft.Compute/galleries/images" },
  {
    list: `${GALLERIES}/{gallery}/images/{image}/versions`,
    type: "Microsoft.Compute/galleries/images/versions",
  },
];

/** Routes that answer from the resource store and the marketplace table. */
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
    { method: "GET", pattern: SKUS, handle: listSkus },
    { method: "GET", pattern: `${SKUS}/{sku}/versions`, handle: (r) => listVersions(cloud, r) },
    {
      method: "GET",
      pattern: `${SKUS}/{sku}/versions/{version}`,
      handle: (request) => getVersion(cloud, request),
    },
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

function imageOf({ params }: ArmRequest): MarketplaceImage {
  const { publisher = "", offer = "", sku = "" } = params;
  const image = findMarketplaceImage(publisher, offer, sku);
  if (!image) throw artifactNotFound();
  return image;
}

function listSkus({ params, path }: ArmRequest) {
  const { publisher = "", offer = "", location = "" } = params;
  const images = MARKETPLACE.filter(
    (image) =>
      image.publisher.toLowerCase() === publisher.toLowerCase() &&
      image.offer.toLowerCase() === offer.toLowerCase(),
  );
  if (images.length === 0) throw artifactNotFound();
  return jsonAnswer(
    200,
    images.map(({ sku }) => ({ location, name: sku, id: `${path}/${sku}` })),
  );
}

/** A plain array, ordered by name unless `$orderby=name desc`. */
function listVersions({ seeds }: Cloud, request: ArmRequest) {
  const image = imageOf(request);
  const names = image.versions.toSorted();
  if (/^name\s+desc$/i.test(request.query.get("$orderby") ?? "")) names.reverse();
  const top = Number(request.query.get("$top") ?? names.length);
  const { location = "" } = request.params;
  const summaries = names
    .slice(0, top)
    .map((name) => versionSummary(image, name, seeds.subscriptionId, location));
  return jsonAnswer(200, summaries);
}

function getVersion({ seeds }: Cloud, request: ArmRequest) {
  const image = imageOf(request);
  const { version = "", location = "" } = request.params;
  if (!image.versions.includes(version)) throw artifactNotFound();
  return jsonAnswer(200, {
    ...versionSummary(image, version, seeds.subscriptionId, location),
    properties: versionDetails(image),
  });
}
