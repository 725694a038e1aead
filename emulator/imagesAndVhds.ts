/** Distribution to managed images and VHD blobs. */
import type { Cloud } from "./cloud.ts";
import { type JsonObject, objectOf, stringOf } from "./json.ts";
import { tracked } from "./resourceBodies.ts";
import { regionKey } from "./resourceIds.ts";
import type { RunOutput, Template } from "./template.ts";

/** The image could not go there; the message is the cause in the service's words. */
export class DistributionError extends Error {}

/** A managed image of the same id is replaced. */
export function makeManagedImage(
  cloud: Cloud,
  template: Template,
  distributor: JsonObject,
): RunOutput {
  const { resources } = cloud;
  const id = stringOf(distributor["imageId"]);
  const groupId = id.split("/").slice(0, 5).join("/");
  if (!resources.has(groupId)) {
    throw new DistributionError('StatusCode=404 -- Original Error: Code="ResourceGroupNotFound"');
  }
  // Source: image.json, api-version 2024-07-01.
  const osDisk = {
    osType: template.osType,
    osState: "Generalized",
    diskSizeGB: 30,
    caching: "ReadWrite",
    storageAccountType: "Standard_LRS",
  };
  resources.put({
    ...tracked(id, "Microsoft.Compute/images", regionKey(stringOf(distributor["location"]))),
    tags: objectOf(distributor["artifactTags"]),
    properties: {
      storageProfile: { osDisk, dataDisks: [] },
      provisioningState: "Succeeded",
      hyperVGeneration: "V2",
    },
  });
  return { name: stringOf(distributor["runOutputName"]), artifactId: id };
}

/** A blob of one footer: it says that it is a VHD, and holds no disk. */
const VHD_FOOTER = Buffer.concat([Buffer.from("conectix"), Buffer.alloc(504)]);

/** To the distributor's `uri`, else to the staging account, with which it goes. The URI carries no signature. */
export async function makeVhd(
  { blobs }: Cloud,
  template: Template,
  distributor: JsonObject,
): Promise<RunOutput> {
  const name = stringOf(distributor["runOutputName"]);
  const account = template.staging?.account ?? "";
  const own = stringOf(distributor["uri"]);
  const artifactUri = own || `${blobs.endpoint(account)}vhds/${template.name}-${name}.vhd`;
  const address = blobs.addressOf(artifactUri);
  if (!address) throw new DistributionError(`The blob '${own}' cannot be reached.`);
  if (!own) await blobs.makeContainer(address.account, address.container);
  await blobs.write(address, VHD_FOOTER);
  if (!(await blobs.read(address))) {
    throw new DistributionError('StatusCode=404 -- Original Error: Code="ContainerNotFound"');
  }
  return { name, artifactUri };
}
