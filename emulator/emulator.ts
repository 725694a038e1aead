/** Composition root: puts the parts together, starts the servers, stops them. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { computeRoutes } from "./arm/compute.ts";
import { containerRoutes } from "./arm/containerInstance.ts";
import { ArmFront } from "./arm/front.ts";
import { imageTemplateRoutes } from "./arm/imageTemplates.ts";
import { marketplaceRoutes } from "./arm/marketplace.ts";
import { readRoutes } from "./arm/reads.ts";
import { resourceGroupRoutes } from "./arm/resourceGroups.ts";
import { subscriptionRoutes } from "./arm/subscription.ts";
import { triggerRoutes } from "./arm/triggers.ts";
import { type Azurite, startAzurite } from "./azurite.ts";
import { makeBlobFront } from "./blobFront.ts";
import { BlobStore } from "./blobStore.ts";
import { BuildVms } from "./buildVm/buildVms.ts";
import { type Certificates, makeCertificates } from "./certificates.ts";
import { Clock } from "./clock.ts";
import type { Cloud } from "./cloud.ts";
import type { CommandLine } from "./commandLine.ts";
import { ComputeResources } from "./computeResources.ts";
import { makeControl } from "./control.ts";
import { Entra } from "./entra.ts";
import { Exchanges } from "./exchanges.ts";
import { Connections } from "./faultActions.ts";
import { FaultPlan } from "./faults.ts";
import { ImageTemplates } from "./imageTemplates.ts";
import { Operations } from "./operations.ts";
import { Recording } from "./recording.ts";
import { ResourceStore } from "./resourceStore.ts";
import { RoleAssignments } from "./roles.ts";
import { findScenario, type Scenario } from "./scenarios.ts";
import { makeSeeds, SEEDED_CONTAINER, seedResources } from "./seeds.ts";
import { makeServer, PATHS } from "./server.ts";
import { StagingResourceGroups } from "./stagingResourceGroups.ts";
import { storageAccounts } from "./storageAccounts.ts";
import { Tokens } from "./tokens.ts";
import { Triggers } from "./triggers.ts";

/** A running emulator. */
export interface Emulator {
  /** The lines of the env file, in order. */
  env: Record<string, string>;
  /** Resolves with a sentence when it cannot go on. */
  failed: Promise<string>;
  stop(): Promise<void>;
}

/** The command line, and the clock that only the environment sets. */
export interface EmulatorOptions extends CommandLine {
  /** In ms since the epoch. */
  clockOriginInMs: number;
}

/** What has to be undone, in the order in which it was done. */
type CleanUps = Array<() => Promise<unknown>>;

/** Resolves when every port listens. What was begun is undone when something fails on the way. */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const cleanUps: CleanUps = [];
  const stop = async () => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp();
  };
  try {
    return { ...(await start(options, cleanUps)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(options: EmulatorOptions, cleanUps: CleanUps) {
  const { recordFolder, stateFolder, speed, clockOriginInMs } = options;
  const folder = await mkdtemp(join(tmpdir(), "azure-emulator-"));
  cleanUps.push(() => rm(folder, { recursive: true, force: true }));
  const certificates = await makeCertificates(folder);
  const accounts = await storageAccounts(stateFolder);
  const azurite = await startAzurite({
    certificates,
    accounts,
    ...(stateFolder ? { stateFolder } : {}),
  });
  cleanUps.push(() => azurite.stop());
  const clock = new Clock({ speed, originInMs: clockOriginInMs });
  const recording = recordFolder ? await Recording.into(recordFolder) : undefined;
  cleanUps.push(async () => recording?.flush());
  const names = accounts.map(({ name }) => name);
  const env = await startServers(
    { options, certificates, azurite, clock, recording },
    names,
    cleanUps,
  );
  cleanUps.push(async () => clock.stop());
  const failed = azurite.ended.then((code) => `Azurite ended by itself, with code ${code}.`);
  return { env, failed };
}

interface Parts {
  options: EmulatorOptions;
  certificates: Certificates;
  azurite: Azurite;
  clock: Clock;
  recording: Recording | undefined;
}

/** The ports are bound before anything is made that must know them. Answers the env file's lines. */
async function startServers(
  parts: Parts,
  accountNames: readonly string[],
  cleanUps: CleanUps,
): Promise<Record<string, string>> {
  const { options, certificates } = parts;
  const connections = new Connections();
  const open = async (server: Server, port: number) => {
    connections.watch(server);
    const bound = await listen(server, port);
    cleanUps.push(() => close(server));
    return bound;
  };
  const front = await open(
    makeServer(certificates, () => world),
    options.port,
  );
  const blobFront = await open(
    makeBlobFront(certificates, () => world),
    0,
  );
  const control = await open(
    makeControl(() => world),
    0,
  );
  const origin = `https://localhost:${front}`;
  const world = await makeWorld(
    { ...parts, connections },
    accountNames,
    origin,
    `https://localhost:${blobFront}`,
  );
  cleanUps.push(() => world.buildVms.stop());
  return {
    ...environment(world.cloud, origin, certificates),
    EMULATOR_CONTROL_URL: `http://127.0.0.1:${control}/`,
  };
}

async function makeWorld(
  {
    options,
    certificates,
    azurite,
    clock,
    recording,
    connections,
  }: Parts & {
    connections: Connections;
  },
  [stagingAccount = "", ...pool]: readonly string[],
  origin: string,
  frontOrigin: string,
) {
  const seeds = makeSeeds(stagingAccount);
  const { tenantId } = seeds;
  const azuritePort = azurite.port;
  const blobs = new BlobStore({ azuritePort, ca: certificates.ca, tenantId, frontOrigin });
  const resources = new ResourceStore();
  seedResources(resources, seeds, blobs.endpoint(stagingAccount));
  await blobs.makeContainer(stagingAccount, SEEDED_CONTAINER);
  const stage = new Stage(options, clock);
  const cloud: Cloud = {
    clock,
    seeds,
    resources,
    blobs,
    staging: new StagingResourceGroups(resources, blobs, pool),
    operations: new Operations(clock, origin, seeds.subscriptionId),
    roles: stage.roles,
    behaviour: () => stage.scenario.behaviour ?? {},
  };
  const tokens = await Tokens.make(clock);
  const entra = new Entra({ seeds, tokens, clock, origin });
  const buildVms = await BuildVms.make({
    kind: options.buildVm,
    diskSizeInGb: options.buildVmDiskInGb,
    folder: join(options.stateFolder ?? dirname(certificates.caFile), "build-vms"),
    ca: certificates.ca,
    hiddenFolders: [
      dirname(certificates.caFile),
      ...(options.stateFolder ? [options.stateFolder] : []),
    ],
    blobPort: Number(new URL(frontOrigin).port),
    identities: { entra, resources, origin, now: () => clock.now() },
    behaviour: cloud.behaviour,
  });
  const templates = new ImageTemplates(cloud, buildVms);
  const triggers = new Triggers(cloud, templates);
  const compute = new ComputeResources(cloud, (definitionId) => triggers.fire(definitionId));
  const routes = [
    ...imageTemplateRoutes(cloud, templates),
    ...subscriptionRoutes(cloud, origin),
    ...triggerRoutes(cloud, templates, triggers),
    ...computeRoutes(cloud, compute),
    ...marketplaceRoutes(cloud),
    ...resourceGroupRoutes(cloud, templates),
    ...readRoutes(cloud),
    ...containerRoutes(cloud, templates),
  ];
  return {
    cloud,
    buildVms,
    templates,
    tokens,
    recording,
    certificates,
    azuritePort,
    faults: stage.faults,
    exchanges: new Exchanges({ faults: stage.faults, clock, connections }),
    arm: new ArmFront({ cloud, tokens, routes, origin }),
    sources: { seeds, tokens, entra, origin },
    isUnlikeTheService: () => cloud.behaviour().hasUnknownStates === true,
    setScenario: (name: string) => stage.set(name),
  };
}

/** The scenario that is on, and the roles and faults that it sets. */
class Stage {
  readonly roles = new RoleAssignments();
  readonly faults: FaultPlan;
  scenario: Scenario;
  readonly #options: EmulatorOptions;

  constructor(options: EmulatorOptions, clock: Clock) {
    this.#options = options;
    this.faults = new FaultPlan(() => clock.now());
    this.scenario = this.set(options.scenario);
  }

  /** Takes back what the scenario before set, and what was set by hand. @throws {Error} for an unknown name */
  set(name: string): Scenario {
    const scenario = findScenario(name);
    if (!scenario) throw new Error(`There is no scenario "${name}".`);
    this.roles.reset([...(scenario.withoutRoles ?? []), ...this.#options.withoutRoles]);
    this.faults.clear();
    this.faults.add(scenario.faults ?? []);
    this.scenario = scenario;
    return scenario;
  }
}

function environment(
  { seeds, blobs }: Cloud,
  origin: string,
  certificates: Certificates,
): Record<string, string> {
  return {
    EMULATOR_ARM_ENDPOINT: `${origin}/`,
    EMULATOR_AUTHORITY_HOST: `${origin}/`,
    EMULATOR_CA_FILE: certificates.caFile,
    EMULATOR_TENANT_ID: seeds.tenantId,
    EMULATOR_SUBSCRIPTION_ID: seeds.subscriptionId,
    EMULATOR_CLIENT_ID: seeds.clientId,
    EMULATOR_CLIENT_SECRET: seeds.clientSecret,
    EMULATOR_MSI_ENDPOINT: `${origin}${PATHS.managedIdentity}`,
    // Like GitHub's, the URL has a query already: clients append `&audience=…`.
    EMULATOR_GITHUB_OIDC_URL: `${origin}${PATHS.github}?api-version=2.0`,
    EMULATOR_GITHUB_OIDC_TOKEN: seeds.githubToken,
    EMULATOR_PIPELINES_OIDC_URL: `${origin}${PATHS.pipelines}`,
    EMULATOR_PIPELINES_TOKEN: seeds.pipelinesToken,
    EMULATOR_RESOURCE_GROUP: seeds.resourceGroup,
    EMULATOR_LOCATION: seeds.location,
    EMULATOR_IDENTITY_ID: seeds.identityId,
    EMULATOR_GALLERY_IMAGE_ID: seeds.galleryImageId,
    EMULATOR_STORAGE_ACCOUNT: seeds.storageAccount,
    EMULATOR_BLOB_ENDPOINT: blobs.endpoint(seeds.storageAccount),
  };
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address ? address.port : port;
}

async function close(server: Server & { closeAllConnections?: () => void }): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections?.();
  await closed;
}
