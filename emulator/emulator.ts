/** Composition root: puts the parts together, starts the servers, stops them. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ArmFront } from "./arm/front.ts";
import { imageTemplateRoutes } from "./arm/imageTemplates.ts";
import { readRoutes } from "./arm/reads.ts";
import { subscriptionRoutes } from "./arm/subscription.ts";
import { type Azurite, startAzurite } from "./azurite.ts";
import { makeBlobFront } from "./blobFront.ts";
import { BlobStore } from "./blobStore.ts";
import { type Certificates, makeCertificates } from "./certificates.ts";
import { Clock } from "./clock.ts";
import type { Cloud } from "./cloud.ts";
import type { CommandLine } from "./commandLine.ts";
import { makeControl } from "./control.ts";
import { SimulatedCustomizers } from "./customizers.ts";
import { Entra } from "./entra.ts";
import { Exchanges } from "./exchanges.ts";
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

export interface Emulator {
  /** The lines of the env file, in order. */
  env: Record<string, string>;
  /** Resolves with a sentence when it cannot go on. */
  failed: Promise<string>;
  stop(): Promise<void>;
}

export interface EmulatorOptions extends CommandLine {
  /** In ms since the epoch. */
  clockOriginInMs: number;
}

/** Resolves when every port listens. */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const folder = await mkdtemp(join(tmpdir(), "azure-emulator-"));
  const certificates = await makeCertificates(folder);
  const accounts = await storageAccounts(options.stateFolder);
  const azurite = await startAzurite({
    certificates,
    accounts,
    ...(options.stateFolder ? { stateFolder: options.stateFolder } : {}),
  });
  const stopAll = async (servers: readonly Server[], recording?: Recording) => {
    clock.stop();
    await Promise.all(servers.map(close));
    await azurite.stop();
    await recording?.flush();
    await rm(folder, { recursive: true, force: true });
  };
  const clock = new Clock({ speed: options.speed, originInMs: options.clockOriginInMs });
  const recording = options.recordFolder ? await Recording.into(options.recordFolder) : undefined;
  const parts = { options, certificates, azurite, clock, recording };
  try {
    const { env, servers } = await startServers(
      parts,
      accounts.map(({ name }) => name),
    );
    const failed = azurite.ended.then((code) => `Azurite ended with code ${code}.`);
    return { env, failed, stop: () => stopAll(servers, recording) };
  } catch (error) {
    await stopAll([]);
    throw error;
  }
}

interface Parts {
  options: EmulatorOptions;
  certificates: Certificates;
  azurite: Azurite;
  clock: Clock;
  recording: Recording | undefined;
}

/** The ports are bound before anything is made that must know them. */
async function startServers(parts: Parts, accountNames: readonly string[]) {
  const { options, certificates } = parts;
  const front = makeServer(certificates, () => world);
  const blobFront = makeBlobFront(certificates, () => world);
  const control = makeControl(() => world);
  const origin = `https://localhost:${await listen(front, options.port)}`;
  const blobOrigin = `https://localhost:${await listen(blobFront, 0)}`;
  const controlUrl = `http://127.0.0.1:${await listen(control, 0)}/`;
  const world = await makeWorld(parts, accountNames, origin, blobOrigin);
  const env = {
    ...environment(world.cloud, origin, certificates),
    EMULATOR_CONTROL_URL: controlUrl,
  };
  return { env, servers: [front, blobFront, control] };
}

async function makeWorld(
  { options, certificates, azurite, clock, recording }: Parts,
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
  const stage = new Stage(options);
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
  const templates = new ImageTemplates(cloud, new SimulatedCustomizers(cloud.behaviour));
  const tokens = await Tokens.make(clock);
  const entra = new Entra({ seeds, tokens, clock, origin });
  const routes = [
    ...imageTemplateRoutes(cloud, templates),
    ...subscriptionRoutes(cloud, origin),
    ...readRoutes(cloud),
  ];
  return {
    cloud,
    templates,
    tokens,
    recording,
    certificates,
    azuritePort,
    faults: stage.faults,
    exchanges: new Exchanges(stage.faults, clock),
    arm: new ArmFront({ cloud, tokens, routes, origin }),
    sources: { seeds, tokens, entra, origin },
    isUnlikeTheService: () => cloud.behaviour().hasUnknownStates === true,
    setScenario: (name: string) => stage.set(name),
  };
}

/** The scenario that is on, and the roles and faults that it sets. */
class Stage {
  readonly roles = new RoleAssignments();
  readonly faults = new FaultPlan();
  scenario: Scenario;
  readonly #options: EmulatorOptions;

  constructor(options: EmulatorOptions) {
    this.#options = options;
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
