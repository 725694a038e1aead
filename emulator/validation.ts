/** What the service checks in an image template before it accepts it. Pure. */
import {
  badValue,
  invalidRequestContent,
  missingField,
  unknownField,
  validationFailed,
} from "./armErrors.ts";
import { isObject, type JsonObject, objectOf, objectsOf, stringOf, stringsOf } from "./json.ts";
import { type Fields, TABLES, UNIONS } from "./templateFields.ts";

/** From this api-version on, fields that the service does not know are refused; before, they are dropped. */
const STRICT_SINCE = "2024-02-01";
const NAME = /^[A-Za-z0-9-_.]{1,64}$/;
const GALLERY_IMAGE_ID =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Compute\/galleries\/[^/]+\/images\/[^/]+(\/versions\/\d+\.\d+\.\d+)?$/i;
const IMAGE_VERSION_ID =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Compute\/galleries\/[^/]+\/images\/[^/]+\/versions\/(\d+\.\d+\.\d+|latest)$/i;

/** @throws {ArmError} when the name is not one the service takes */
export function checkTemplateName(name: string): void {
  if (!NAME.test(name)) throw badValue("ImageTemplate", "name", name);
}

/**
 * The template with what the service keeps of it: known fields only, without those it sets itself.
 * @throws {ArmError} 400 in the service's words for the first thing wrong
 */
export function validateTemplate(body: unknown, apiVersion: string): JsonObject {
  if (!isObject(body)) throw invalidRequestContent("a JSON object is expected");
  const template = keepFields(body, tableOf("ImageTemplate"), {
    path: "ImageTemplate",
    apiVersion,
  });
  checkIdentity(objectOf(template["identity"]));
  checkProperties(objectOf(template["properties"]));
  return template;
}

interface Place {
  path: string;
  apiVersion: string;
}

function tableOf(kind: string): Fields {
  return TABLES[kind] ?? {};
}

function keepFields(value: JsonObject, fields: Fields, place: Place): JsonObject {
  if (place.apiVersion >= STRICT_SINCE) refuseUnknown(value, fields, place);
  const kept: JsonObject = {};
  for (const [name, kind] of Object.entries(fields)) {
    const given = value[name];
    const isMissing = given === undefined || given === null || given === "";
    if (kind.startsWith("!") && isMissing) throw missingField(place.path, name);
    if (kind === "readOnly" || given === undefined || given === null) continue;
    kept[name] = keepValue(given, kind.replace("!", ""), name, place);
  }
  return kept;
}

function refuseUnknown(value: JsonObject, fields: Fields, { apiVersion }: Place): void {
  const unknown = Object.keys(value).find((name) => !(name in fields));
  if (unknown !== undefined) throw unknownField(unknown, apiVersion);
}

function keepValue(value: unknown, kind: string, name: string, place: Place): unknown {
  if (kind.endsWith("[]")) return keepItems(value, kind.slice(0, -2), name, place);
  const inside = { ...place, path: `${place.path}.${name}` };
  const union = UNIONS[kind];
  if (union) {
    if (!isObject(value)) throw badValue(place.path, name, value);
    const choice = value[union.by];
    if (choice === undefined) throw missingField(inside.path, union.by);
    const fields = union.of[stringOf(choice)];
    if (!fields) throw badValue(inside.path, union.by, choice);
    return keepFields(value, fields, inside);
  }
  if (TABLES[kind]) {
    if (!isObject(value)) throw badValue(place.path, name, value);
    return keepFields(value, tableOf(kind), inside);
  }
  if (!isPlainValue(value, kind)) throw badValue(place.path, name, value);
  return value;
}

function keepItems(value: unknown, kind: string, name: string, place: Place): unknown[] {
  if (!Array.isArray(value)) throw badValue(place.path, name, value);
  return value.map((item, index) => keepValue(item, kind, `${name}[${index}]`, place));
}

function isPlainValue(value: unknown, kind: string): boolean {
  if (kind === "any") return true;
  if (kind === "boolean") return typeof value === "boolean";
  if (kind === "map") return isObject(value) && Object.values(value).every(isString);
  if (kind.startsWith("integer")) return isInRange(value, kind.slice("integer ".length));
  if (!isString(value)) return false;
  if (kind === "uri") return value === "" || /^https?:\/\/[^/\s]+\/\S+$/i.test(value);
  if (kind === "name") return NAME.test(value);
  // Source: image-builder-json.md, "sha256Checksum": lower-case hex of the file.
  if (kind === "checksum") return value === "" || /^[0-9a-f]{64}$/.test(value);
  return kind === "string" || kind.split("|").includes(value);
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}

function isInRange(value: unknown, range: string): boolean {
  const [low, high] = range.split("..").map(Number);
  const isWhole = typeof value === "number" && Number.isInteger(value);
  return isWhole && value >= (low ?? 0) && value <= (high ?? 0);
}

function checkIdentity(identity: JsonObject): void {
  const ids = Object.keys(objectOf(identity["userAssignedIdentities"]));
  if (identity["type"] !== "UserAssigned") {
    throw badValue("ImageTemplate.identity", "type", identity["type"]);
  }
  if (ids.length !== 1) {
    throw validationFailed(
      `Validation failed: 'ImageTemplate.identity': Field 'userAssignedIdentities' has a bad value: '${ids.length} identities'. Exactly one user-assigned identity is supported.`,
    );
  }
}

function checkProperties(properties: JsonObject): void {
  const path = "ImageTemplate.properties";
  const source = objectOf(properties["source"]);
  const versionId = stringOf(source["imageVersionId"]);
  if (versionId && !IMAGE_VERSION_ID.test(versionId)) {
    throw badValue(`${path}.source`, "imageVersionId", versionId);
  }
  for (const [index, customizer] of objectsOf(properties["customize"]).entries()) {
    checkScript(customizer, `${path}.customize[${index}]`);
  }
  const validators = objectsOf(objectOf(properties["validate"])["inVMValidations"]);
  for (const [index, validator] of validators.entries()) {
    checkScript(validator, `${path}.validate.inVMValidations[${index}]`);
  }
  checkDistributors(objectsOf(properties["distribute"]), `${path}.distribute`);
  checkNetwork(objectOf(objectOf(properties["vmProfile"])["vnetConfig"]), `${path}.vmProfile`);
}

function checkScript(script: JsonObject, path: string): void {
  const type = stringOf(script["type"]);
  if (type === "File") {
    if (!script["sourceUri"]) throw missingField(path, "sourceUri");
    if (!script["destination"]) throw missingField(path, "destination");
  }
  if (type !== "Shell" && type !== "PowerShell") return;
  const given = [Boolean(script["scriptUri"]), stringsOf(script["inline"]).length > 0];
  if (given.filter(Boolean).length === 1) {
    if (script["runAsSystem"] && !script["runElevated"]) throw badValue(path, "runAsSystem", true);
    return;
  }
  throw validationFailed(
    `Validation failed: '${path}': Exactly one of the fields 'scriptUri' and 'inline' must be given.`,
  );
}

function checkDistributors(distributors: JsonObject[], path: string): void {
  if (distributors.length === 0) throw missingField("ImageTemplate.properties", "distribute");
  const names = new Set<string>();
  for (const [index, distributor] of distributors.entries()) {
    const name = stringOf(distributor["runOutputName"]);
    if (names.has(name)) throw badValue(`${path}[${index}]`, "runOutputName", name);
    names.add(name);
    checkGalleryDistributor(distributor, `${path}[${index}]`);
  }
}

function checkGalleryDistributor(distributor: JsonObject, path: string): void {
  if (distributor["type"] !== "SharedImage") return;
  const id = stringOf(distributor["galleryImageId"]);
  if (!GALLERY_IMAGE_ID.test(id)) throw badValue(path, "galleryImageId", id);
  if (distributor["replicationRegions"] && distributor["targetRegions"]) {
    throw badValue(path, "replicationRegions", distributor["replicationRegions"]);
  }
  if (distributor["storageAccountType"] && distributor["targetRegions"]) {
    throw badValue(path, "storageAccountType", distributor["storageAccountType"]);
  }
}

/** Source: image-builder-networking.md: the container subnet goes with a build subnet and without a proxy VM. */
function checkNetwork(network: JsonObject, path: string): void {
  const containerSubnet = network["containerInstanceSubnetId"];
  if (!containerSubnet) return;
  if (!network["subnetId"]) throw missingField(`${path}.vnetConfig`, "subnetId");
  if (network["proxyVmSize"]) {
    throw badValue(`${path}.vnetConfig`, "proxyVmSize", network["proxyVmSize"]);
  }
}
