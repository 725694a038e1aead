/** The control endpoint: what the emulator holds, and levers for tests. Plain http on loopback, no part of the emulated cloud. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import { type Answer, jsonAnswer, readBody, send } from "./answers.ts";
import type { Cloud } from "./cloud.ts";
import type { Exchanges } from "./exchanges.ts";
import { parseFaultRules } from "./faultRules.ts";
import type { FaultPlan } from "./faults.ts";
import type { ImageTemplates } from "./imageTemplates.ts";
import { isObject, type JsonObject } from "./json.ts";
import { isRoleName, ROLES } from "./roles.ts";
import { SCENARIOS } from "./scenarios.ts";
import { templateBody } from "./template.ts";

/** What the levers move and the lists show. */
export interface ControlParts {
  cloud: Cloud;
  templates: ImageTemplates;
  exchanges: Exchanges;
  faults: FaultPlan;
  /** @throws {Error} when there is no such scenario */
  setScenario: (name: string) => void;
}

type Get = (parts: ControlParts) => unknown[] | Promise<unknown[]>;

/** A lever refuses what it does not understand by throwing a plain Error with one sentence. */
type Lever = (parts: ControlParts, body: unknown) => void;

const GETS: Readonly<Record<string, Get>> = {
  "/templates": listTemplates,
  "/runs": listRuns,
  "/blobs": listBlobs,
  "/image-versions": ({ templates }) => templates.runs.flatMap((run) => run.versions),
  "/requests": ({ exchanges }) => exchanges.log,
  "/roles": ({ cloud }) => cloud.roles.list(),
  "/faults": ({ faults }) => faults.list(),
  "/resources": ({ cloud }) =>
    cloud.resources.below(`/subscriptions/${cloud.seeds.subscriptionId}`),
  "/clock": ({ cloud }) => [{ now: new Date(cloud.clock.now()), speed: cloud.clock.speed }],
  "/scenarios": () => SCENARIOS.map(({ name, description }) => ({ name, description })),
};

const LEVERS: Readonly<Record<string, Lever>> = {
  "POST /roles": setRole,
  "POST /faults": ({ faults }, body) => faults.add(parseFaultRules(body)),
  "DELETE /faults": ({ faults }) => faults.clear(),
  "POST /clock": advanceClock,
  "POST /scenario": ({ setScenario }, body) => setScenario(String(fieldsOf(body)["name"])),
};

/** A server that does not listen yet. */
export function makeControl(parts: () => ControlParts): Server {
  return createServer((req, res) => {
    answer(req, parts).then(
      (made) => send(res, made),
      (error: unknown) => send(res, jsonAnswer(400, { error: messageOf(error) })),
    );
  });
}

async function answer(req: IncomingMessage, given: () => ControlParts): Promise<Answer> {
  const parts = given();
  const path = (req.url ?? "/").replace(/\/{2,}/g, "/").split("?")[0] ?? "/";
  const get = req.method === "GET" ? GETS[path] : undefined;
  if (get) return jsonAnswer(200, await get(parts));
  const lever = LEVERS[`${req.method} ${path}`];
  if (!lever) return jsonAnswer(404, { error: `There is no ${req.method} ${path}.` });
  const body = await readBody(req);
  lever(parts, body ? JSON.parse(body) : undefined);
  return { status: 204, headers: {} };
}

function listTemplates({ templates, cloud }: ControlParts): unknown[] {
  return templates.list(`/subscriptions/${cloud.seeds.subscriptionId}`).map((template) => ({
    id: template.id,
    name: template.name,
    tags: template.tags,
    provisioningState: template.provisioningState,
    runState: template.lastRunStatus?.runState,
    resource: templateBody(template),
  }));
}

function listRuns({ templates }: ControlParts): unknown[] {
  return templates.runs.map(({ template, status, log }) => ({
    templateId: template.id,
    templateName: template.name,
    runState: status.runState,
    runSubState: status.runSubState,
    startedAt: new Date(status.startedAtInMs).toISOString(),
    ...(status.endedAtInMs ? { endedAt: new Date(status.endedAtInMs).toISOString() } : {}),
    message: status.message,
    log,
  }));
}

async function listBlobs({ cloud }: ControlParts): Promise<unknown[]> {
  const account = cloud.seeds.storageAccount;
  const blobs = await cloud.blobs.list(account);
  return blobs
    .filter(({ container }) => container !== "vhds")
    .map((blob) => ({ account, ...blob }));
}

function setRole({ cloud }: ControlParts, body: unknown): void {
  const { name, granted } = fieldsOf(body);
  if (typeof name !== "string" || !isRoleName(name) || typeof granted !== "boolean") {
    const names = ROLES.map((role) => role.name).join(", ");
    throw new Error(`Send {"name", "granted"}; the roles are ${names}.`);
  }
  cloud.roles.set(name, granted);
}

function advanceClock({ cloud }: ControlParts, body: unknown): void {
  const { advanceInMs } = fieldsOf(body);
  if (typeof advanceInMs !== "number" || !(advanceInMs >= 0)) {
    throw new Error('Send {"advanceInMs": milliseconds}.');
  }
  cloud.clock.advance(advanceInMs);
}

function fieldsOf(body: unknown): JsonObject {
  if (!isObject(body)) throw new Error("Send a JSON object.");
  return body;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
