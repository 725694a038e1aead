/** A plain client of a running emulator: no SDK, no retries, every answer as it came. */
import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { RunningEmulator } from "../contract/emulatorProcess.ts";

/** An answer as text, whatever its content type. */
export interface PlainAnswer {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  text: string;
}

/** A whole ARM resource, as far as these tests read it. */
export interface Resource {
  id: string;
  name: string;
  type: string;
  properties: {
    provisioningState?: string;
    exactStagingResourceGroup?: string;
    lastRunStatus?: { runState: string; runSubState?: string; message: string };
    [name: string]: unknown;
  };
}

/** What an answer needs beside method and path. */
export interface CallOptions {
  /** @default 2025-10-01 */
  apiVersion?: string;
  body?: unknown;
  /** Without an answer in time the request is given up. */
  timeoutInMs?: number;
}

const PATIENCE_IN_MS = 30_000;
const CLOSED = new Set(["Succeeded", "PartiallySucceeded", "Failed", "Canceled"]);

/** Talks to one emulator as its seeded principal. */
export class Arm {
  readonly env: Record<string, string>;
  readonly #agent: Agent;
  #token = "";

  constructor(emulator: RunningEmulator) {
    this.env = emulator.env;
    this.#agent = new Agent({ ca: readFileSync(this.value("CA_FILE"), "utf8"), keepAlive: false });
  }

  value(name: string): string {
    return this.env[`EMULATOR_${name}`] ?? "";
  }

  /** The id of an image template in the seeded group. */
  templateId(name: string): string {
    return `/subscriptions/${this.value("SUBSCRIPTION_ID")}/resourceGroups/${this.value("RESOURCE_GROUP")}/providers/Microsoft.VirtualMachineImages/imageTemplates/${name}`;
  }

  /** A template that the emulator takes; `changes` replace whole properties. */
  template(changes: Record<string, unknown> = {}) {
    return {
      location: this.value("LOCATION"),
      identity: {
        type: "UserAssigned",
        userAssignedIdentities: { [this.value("IDENTITY_ID")]: {} },
      },
      properties: {
        source: {
          type: "PlatformImage",
          publisher: "Canonical",
          offer: "ubuntu-24_04-lts",
          sku: "server",
          version: "latest",
        },
        customize: [{ type: "Shell", name: "greet", inline: ["echo hello"] }],
        distribute: [
          {
            type: "SharedImage",
            runOutputName: "gallery",
            galleryImageId: this.value("GALLERY_IMAGE_ID"),
            targetRegions: [{ name: this.value("LOCATION") }],
          },
        ],
        ...changes,
      },
    };
  }

  async token(scope = "https://management.azure.com/.default"): Promise<string> {
    const form = new URLSearchParams({
      grant_type: "client_credentials",
      client_id: this.value("CLIENT_ID"),
      client_secret: this.value("CLIENT_SECRET"),
      scope,
    });
    const url = `${this.value("AUTHORITY_HOST")}${this.value("TENANT_ID")}/oauth2/v2.0/token`;
    const type = "application/x-www-form-urlencoded";
    const { text } = await this.send("POST", url, { "content-type": type }, form.toString());
    return (JSON.parse(text) as { access_token: string }).access_token;
  }

  /** @param path an ARM path, or an absolute URL as operations have it */
  async call(method: string, path: string, options: CallOptions = {}): Promise<PlainAnswer> {
    const answer = await this.#call(method, path, options);
    if (!answer.text.includes("ExpiredAuthenticationToken")) return answer;
    this.#token = "";
    return this.#call(method, path, options);
  }

  async #call(method: string, path: string, options: CallOptions): Promise<PlainAnswer> {
    this.#token ||= await this.token();
    const url = path.startsWith("https:") ? path : this.#url(path, options);
    const headers = {
      authorization: `Bearer ${this.#token}`,
      ...(options.body === undefined ? {} : { "content-type": "application/json" }),
    };
    const body = options.body === undefined ? "" : JSON.stringify(options.body);
    return this.send(method, url, headers, body, options.timeoutInMs);
  }

  async get(path: string, options: CallOptions = {}): Promise<Resource> {
    const { status, text } = await this.call("GET", path, options);
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${text}`);
    return JSON.parse(text) as Resource;
  }

  /** Resolves with the template when its creation ended, however it ended. */
  async create(name: string, body = this.template(), options: CallOptions = {}): Promise<Resource> {
    const { status, text } = await this.call("PUT", this.templateId(name), { ...options, body });
    if (status !== 201) throw new Error(`PUT ${name}: ${status} ${text}`);
    const isMade = (made: Resource) => made.properties.provisioningState !== "Creating";
    return this.until(name, isMade, options);
  }

  /** Resolves with the template when its run ended, however it ended. */
  async run(name: string, options: CallOptions = {}): Promise<Resource> {
    const { status, text } = await this.call("POST", `${this.templateId(name)}/run`, options);
    if (status !== 202) throw new Error(`run ${name}: ${status} ${text}`);
    const isOver = (shown: Resource) =>
      CLOSED.has(shown.properties.lastRunStatus?.runState ?? "Running");
    return this.until(name, isOver, options);
  }

  /** Resolves when the template is gone. */
  async delete(name: string): Promise<void> {
    await this.call("DELETE", this.templateId(name));
    await this.poll(this.templateId(name), ({ status }) => status === 404);
  }

  /** Resolves with the answer of an operation that is no longer in progress. */
  async operation(started: PlainAnswer): Promise<PlainAnswer> {
    const url = String(started.headers["azure-asyncoperation"]);
    return this.poll(url, ({ text }) => !text.includes('"InProgress"'));
  }

  /** Asks again and again; gives up after half a real minute. */
  async poll(
    path: string,
    isReached: (answer: PlainAnswer) => boolean,
    options: CallOptions = {},
  ): Promise<PlainAnswer> {
    const giveUpAt = Date.now() + PATIENCE_IN_MS;
    for (;;) {
      const answer = await this.call("GET", path, options);
      if (isReached(answer)) return answer;
      if (Date.now() > giveUpAt) throw new Error(`Still ${answer.status} ${answer.text}`);
      await sleep(20);
    }
  }

  async until(
    name: string,
    isReached: (template: Resource) => boolean,
    options: CallOptions = {},
  ): Promise<Resource> {
    const read = ({ text }: PlainAnswer) => JSON.parse(text) as Resource;
    const isFine = (answer: PlainAnswer) => answer.status !== 200 || isReached(read(answer));
    const answer = await this.poll(this.templateId(name), isFine, options);
    if (answer.status !== 200) throw new Error(`GET ${name}: ${answer.status} ${answer.text}`);
    return read(answer);
  }

  /** Any request; rejects when the connection breaks, with the code of the error. */
  send(
    method: string,
    url: string,
    headers: Record<string, string>,
    body: string | Buffer,
    timeoutInMs = 30_000,
  ): Promise<PlainAnswer> {
    return new Promise((resolve, reject) => {
      const length = { "content-length": String(Buffer.byteLength(body)) };
      const options = { method, headers: { ...headers, ...length }, agent: this.#agent };
      const sent = request(url, options, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.once("error", reject);
        response.once("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
        });
      });
      sent.setTimeout(timeoutInMs, () => sent.destroy(new Error("no answer in time")));
      sent.once("error", reject);
      sent.end(body);
    });
  }

  #url(path: string, { apiVersion = "2025-10-01" }: CallOptions): string {
    const separator = path.includes("?") ? "&" : "?";
    return `${this.value("ARM_ENDPOINT")}${path.slice(1)}${separator}api-version=${apiVersion}`;
  }
}
