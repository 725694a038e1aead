/** Subscriptions, providers, resource groups and cloud metadata: Microsoft.Resources and the ARM front door itself. */
import { type Answer, jsonAnswer } from "../answers.ts";
import { resourceGroupNotFound } from "../armErrors.ts";
import type { Cloud } from "../cloud.ts";
import { REGIONS, type Region } from "../regions.ts";
import { type ArmRequest, emptyAnswer, type Route } from "./routes.ts";
import { TEMPLATE_API_VERSIONS } from "./templateRequests.ts";

const SUBSCRIPTION = "/subscriptions/{subscription}";
const GROUP = `${SUBSCRIPTION}/resourceGroups/{group}`;

/** Providers that a build needs and the resource types that clients ask about. */
const PROVIDERS: Readonly<Record<string, readonly string[]>> = {
  "Microsoft.VirtualMachineImages": ["imageTemplates", "locations", "operations"],
  "Microsoft.Compute": ["galleries", "images", "virtualMachines", "locations/publishers"],
  "Microsoft.Storage": ["storageAccounts"],
  "Microsoft.Network": ["virtualNetworks"],
  "Microsoft.KeyVault": ["vaults"],
  "Microsoft.ContainerInstance": ["containerGroups"],
  "Microsoft.ManagedIdentity": ["userAssignedIdentities"],
};

/** Routes above and beside the resources: subscriptions, providers, groups, metadata. */
export function subscriptionRoutes(cloud: Cloud, origin: string): Route[] {
  const { seeds, resources, behaviour } = cloud;
  const subscription = subscriptionBody(seeds.subscriptionId, seeds.tenantId);
  const provider = ({ params }: ArmRequest, isRegistering = false): Answer => {
    const isMissing = Boolean(behaviour().isProviderUnregistered) && !isRegistering;
    return providerAnswer(seeds.subscriptionId, params["namespace"] ?? "", isMissing);
  };
  const group = ({ params }: ArmRequest) => {
    const id = `/subscriptions/${params["subscription"]}/resourceGroups/${params["group"]}`;
    const found = resources.get(id);
    if (!found) throw resourceGroupNotFound(params["group"] ?? "");
    return found;
  };
  const groups = () => resources.ofType(`/subscriptions/${seeds.subscriptionId}`, GROUP_TYPE);
  return [
    {
      method: "GET",
      pattern: "/metadata/endpoints",
      isAnonymous: true,
      handle: ({ apiVersion }) => jsonAnswer(200, metadata(origin, seeds.tenantId, apiVersion)),
    },
    get("/subscriptions", () => ({ value: [subscription], count: { type: "Total", value: 1 } })),
    get("/tenants", () => ({
      value: [{ id: `/tenants/${seeds.tenantId}`, tenantId: seeds.tenantId }],
    })),
    get(SUBSCRIPTION, () => subscription),
    get(`${SUBSCRIPTION}/locations`, () => ({
      value: REGIONS.map((region) => locationBody(seeds.subscriptionId, region)),
    })),
    { method: "GET", pattern: `${SUBSCRIPTION}/providers/{namespace}`, handle: (r) => provider(r) },
    {
      method: "POST",
      pattern: `${SUBSCRIPTION}/providers/{namespace}/register`,
      handle: (request) => provider(request, true),
    },
    get(`${SUBSCRIPTION}/resourceGroups`, () => ({ value: groups() })),
    get(GROUP, group),
    {
      method: "HEAD",
      pattern: GROUP,
      handle: (request) => emptyAnswer(group(request) ? 204 : 404),
    },
    get(`${GROUP}/resources`, (request) => ({
      value: resources
        .below(group(request).id)
        .map(({ id, name, type, location, tags }) => ({ id, name, type, location, tags })),
    })),
  ];
}

const GROUP_TYPE = "Microsoft.Resources/resourceGroups";

function get(pattern: string, body: (request: ArmRequest) => unknown): Route {
  return { method: "GET", pattern, handle: (request) => jsonAnswer(200, body(request)) };
}

function subscriptionBody(id: string, tenantId: string) {
  return {
    id: `/subscriptions/${id}`,
    authorizationSource: "RoleBased",
    managedByTenants: [],
    subscriptionId: id,
    tenantId,
    displayName: "Emulated subscription",
    state: "Enabled",
    subscriptionPolicies: {
      locationPlacementId: "Public_2014-09-01",
      quotaId: "PayAsYouGo_2014-09-01",
      spendingLimit: "Off",
    },
  };
}

function locationBody(subscriptionId: string, { name, displayName }: Region) {
  return {
    id: `/subscriptions/${subscriptionId}/locations/${name}`,
    name,
    type: "Region",
    displayName,
    regionalDisplayName: displayName,
    metadata: { regionType: "Physical", regionCategory: "Recommended" },
  };
}

function providerAnswer(subscriptionId: string, asked: string, isMissing: boolean): Answer {
  const known = Object.keys(PROVIDERS).find((name) => name.toLowerCase() === asked.toLowerCase());
  const namespace = known ?? asked;
  const isImageBuilder = namespace === "Microsoft.VirtualMachineImages";
  const isRegistered = known !== undefined && !(isMissing && isImageBuilder);
  return jsonAnswer(200, {
    id: `/subscriptions/${subscriptionId}/providers/${namespace}`,
    namespace,
    resourceTypes: (PROVIDERS[namespace] ?? []).map((resourceType) => ({
      resourceType,
      locations: REGIONS.map(({ displayName }) => displayName),
      apiVersions: isImageBuilder ? TEMPLATE_API_VERSIONS.toReversed() : ["2024-03-03"],
      capabilities: "SupportsTags, SupportsLocation",
    })),
    registrationState: isRegistered ? "Registered" : "NotRegistered",
    registrationPolicy: "RegistrationRequired",
  });
}

/** Every Azure cloud answers this; 2015-01-01 in the older, single-object form. */
function metadata(origin: string, tenantId: string, apiVersion: string): unknown {
  const authentication = {
    loginEndpoint: `${origin}/`,
    audiences: ["https://management.core.windows.net/", "https://management.azure.com/"],
    tenant: "common",
    identityProvider: "AAD",
  };
  const graph = `${origin}/`;
  if (apiVersion < "2019-05-01") {
    return {
      galleryEndpoint: `${origin}/`,
      graphEndpoint: graph,
      portalEndpoint: `${origin}/`,
      authentication: { loginEndpoint: `${origin}/`, audiences: authentication.audiences },
    };
  }
  const { host } = new URL(origin);
  return [
    {
      portal: `${origin}/`,
      authentication: { ...authentication, tenant: tenantId },
      media: `${origin}/`,
      graphAudience: graph,
      graph,
      name: "AzureEmulator",
      suffixes: {
        azureDataLakeStoreFileSystem: host,
        acrLoginServer: host,
        sqlServerHostname: host,
        azureDataLakeAnalyticsCatalogAndJob: host,
        keyVaultDns: host,
        storage: host,
        azureFrontDoorEndpointSuffix: host,
      },
      batch: `${origin}/`,
      resourceManager: `${origin}/`,
      vmImageAliasDoc: `${origin}/`,
      activeDirectoryDataLake: `${origin}/`,
      sqlManagement: `${origin}/`,
      gallery: `${origin}/`,
    },
  ];
}
