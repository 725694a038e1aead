/** Marketplace images: publishers, offers, skus and versions. Lists are plain arrays, not `{value}`. */
import { jsonAnswer } from "../answers.ts";
import { artifactNotFound } from "../armErrors.ts";
import type { Cloud } from "../cloud.ts";
import {
  findMarketplaceImage,
  MARKETPLACE,
  type MarketplaceImage,
  namesOf,
  versionDetails,
  versionSummary,
} from "../marketplace.ts";
import type { ArmRequest, Route } from "./routes.ts";

const PUBLISHERS =
  "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{location}/publishers";
const OFFERS = `${PUBLISHERS}/{publisher}/artifacttypes/vmimage/offers`;
const SKUS = `${OFFERS}/{offer}/skus`;

/** Routes that answer from the marketplace table. */
export function marketplaceRoutes(cloud: Cloud): Route[] {
  const get = (pattern: string, handle: Route["handle"]): Route => ({
    method: "GET",
    pattern,
    handle,
  });
  return [
    get(PUBLISHERS, (request) => names(request, "publisher")),
    get(OFFERS, (request) => names(request, "offer")),
    get(SKUS, (request) => names(request, "sku")),
    get(`${SKUS}/{sku}/versions`, (request) => listVersions(cloud, request)),
    get(`${SKUS}/{sku}/versions/{version}`, (request) => getVersion(cloud, request)),
  ];
}

/** The names one level below those in the path. */
function names({ params, path }: ArmRequest, field: "publisher" | "offer" | "sku") {
  const { location = "", publisher, offer } = params;
  const images = MARKETPLACE.filter(
    (image) => isAlike(image.publisher, publisher) && isAlike(image.offer, offer),
  );
  if (images.length === 0) throw artifactNotFound();
  return jsonAnswer(
    200,
    namesOf(images, field).map((name) => ({ location, name, id: `${path}/${name}` })),
  );
}

function isAlike(name: string, wanted: string | undefined): boolean {
  return wanted === undefined || name.toLowerCase() === wanted.toLowerCase();
}

function imageOf({ params }: ArmRequest): MarketplaceImage {
  const { publisher = "", offer = "", sku = "" } = params;
  const image = findMarketplaceImage(publisher, offer, sku);
  if (!image) throw artifactNotFound();
  return image;
}

/** Ordered by name unless `$orderby=name desc`. */
function listVersions({ seeds }: Cloud, request: ArmRequest) {
  const image = imageOf(request);
  const sorted = image.versions.toSorted();
  if (/^name\s+desc$/i.test(request.query.get("$orderby") ?? "")) sorted.reverse();
  const top = Number(request.query.get("$top") ?? sorted.length);
  const { location = "" } = request.params;
  const summaries = sorted
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
