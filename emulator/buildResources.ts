/** What a run keeps in its stagingResourceGroup while it lasts: the build container and what Packer makes for the build VM. */
import { randomBytes, randomUUID } from "node:crypto";
import type { Cloud } from "./cloud.ts";
import type { ImageRun } from "./imageRun.ts";
import { objectOf, stringOf } from "./json.ts";
import { type StoredBody, tracked } from "./resourceBodies.ts";
import type { Template } from "./template.ts";

/** Its resource type. */
export const CONTAINER_GROUP = "Microsoft.ContainerInstance/containerGroups";

/** Puts them into the store. Answers how to take them away when the run is over. */
export function placeBuildResources({ resources }: Cloud, run: ImageRun): () => void {
  const { template } = run;
  const container = buildContainer(template);
  const machine = buildMachine(template);
  for (const body of [container, ...machine]) resources.put(body);
  return () => {
    resources.delete(container.id);
    if (isKeptAfterError(run)) return;
    for (const { id } of machine) resources.delete(id);
  };
}

/** Source: image-builder-json.md, errorHandling: `abort` leaves the build VM and its network to their owner. */
function isKeptAfterError({ template, status }: ImageRun): boolean {
  const { onCustomizerError } = objectOf(template.properties["errorHandling"]);
  return status.runState === "Failed" && onCustomizerError === "abort";
}

/** Source: image-builder-troubleshoot.md for the name; containerInstance.json, api-version 2023-05-01, for the shape. */
function buildContainer(template: Template): StoredBody {
  const name = `vmimagebuilder-build-container-${randomUUID()}`;
  return inStaging(template, CONTAINER_GROUP, name, {
    provisioningState: "Succeeded",
    osType: "Linux",
    sku: "Standard",
    restartPolicy: "Never",
    containers: [
      {
        name,
        properties: {
          image: "mcr.microsoft.com/azureimagebuilder/build",
          // Source: image-builder-troubleshoot.md, quota of Azure Container Instances.
          resources: { requests: { cpu: 4, memoryInGB: 8 } },
          instanceView: { restartCount: 0, currentState: { state: "Running" } },
        },
      },
    ],
    instanceView: { state: "Running", events: [] },
  });
}

/** Names as packer-plugin-azure makes them. In a network of one's own there is neither a network nor an address. */
function buildMachine(template: Template): StoredBody[] {
  const suffix = randomBytes(5).toString("hex");
  const { subnetId } = objectOf(objectOf(template.properties["vmProfile"])["vnetConfig"]);
  const network: Array<[string, string]> = stringOf(subnetId)
    ? []
    : [
        ["Microsoft.Network/virtualNetworks", "pkrvn"],
        ["Microsoft.Network/networkSecurityGroups", "pkrsg"],
        ["Microsoft.Network/publicIPAddresses", "pkrip"],
      ];
  const parts: Array<[string, string]> = [
    ...network,
    ["Microsoft.Network/networkInterfaces", "pkrni"],
    ["Microsoft.Compute/disks", "pkros"],
    ["Microsoft.Compute/virtualMachines", "pkrvm"],
  ];
  return parts.map(([type, prefix]) =>
    inStaging(template, type, `${prefix}${suffix}`, { provisioningState: "Succeeded" }),
  );
}

function inStaging(
  template: Template,
  type: string,
  name: string,
  properties: Record<string, unknown>,
): StoredBody {
  const id = `${template.staging?.id ?? ""}/providers/${type}/${name}`;
  const tags = objectOf(template.properties["managedResourceTags"]);
  return { ...tracked(id, type, template.location), tags, properties };
}
