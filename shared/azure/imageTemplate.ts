/** One image template of Azure VM Image Builder: create, run, cancel, delete, read. One request each, no waiting. */

import { ArmError, isNotFound } from "../errors.ts";
import type { LastRunStatus } from "../runStatus.ts";
import type { ArmClient } from "./arm.ts";

const API_VERSION = "2025-10-01";

/** What is sent: an `ImageTemplate`, api-version 2025-10-01, as plain JSON. */
export interface ImageTemplateBody {
  readonly location: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly identity: unknown;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** What is read back, as far as the product looks at it. */
export interface ImageTemplate {
  readonly id: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly properties: {
    readonly provisioningState: string;
    readonly provisioningError?: {
      readonly provisioningErrorCode?: string;
      readonly message?: string;
    };
    /** Absent until the first run. */
    readonly lastRunStatus?: LastRunStatus;
    /** Resource group that the service made for itself; empty until the template is created. */
    readonly exactStagingResourceGroup?: string;
  };
}

/** True when a template carries exactly the tags that were sent: among them the run id and a moment. */
export function isSameTemplate(template: ImageTemplate, body: ImageTemplateBody): boolean {
  const sent = Object.entries(body.tags);
  return sent.every(([name, value]) => template.tags?.[name] === value);
}

/** One result of a run. */
export interface RunOutput {
  readonly name: string;
  readonly artifactId: string;
  readonly provisioningState: string;
}

/** Good JSON of another shape comes from something between us and Azure, so a later read may do better. */
function strangeAnswer(expected: string): ArmError {
  const facts = { statusCode: 0, code: "INVALID_ANSWER" };
  return new ArmError(`Azure answered with something other than ${expected}.`, facts);
}

interface RunOutputList {
  readonly value: readonly {
    readonly name: string;
    readonly properties?: {
      readonly artifactId?: string;
      readonly artifactUri?: string;
      readonly provisioningState?: string;
    };
  }[];
}

/** Sends the requests that concern one image template. */
export class ImageTemplateClient {
  readonly id: string;
  readonly #arm: ArmClient;

  constructor(arm: ArmClient, id: string) {
    this.#arm = arm;
    this.id = id;
  }

  /** Undefined when there is no such template. */
  async get(signal: AbortSignal): Promise<ImageTemplate | undefined> {
    try {
      return await this.require(signal);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** @throws {ArmError} with status 404 when there is no such template. */
  async require(signal: AbortSignal): Promise<ImageTemplate> {
    const found = await this.#send<ImageTemplate>("GET", "", "read the image template", signal);
    if (!found?.properties) throw strangeAnswer("an image template");
    return found;
  }

  create(body: ImageTemplateBody, signal: AbortSignal): Promise<ImageTemplate> {
    return this.#send("PUT", "", "create the image template", signal, body);
  }

  /** Sends `run` once. Without an answer it is unknown whether the run started: read the template to find out. */
  run(signal: AbortSignal): Promise<void> {
    return this.#send("POST", "/run", "run the image template", signal);
  }

  /** The service answers at once; the run stays in state Canceling for some minutes. */
  cancel(signal: AbortSignal): Promise<void> {
    return this.#send("POST", "/cancel", "cancel the run", signal);
  }

  /** The service answers at once and takes a minute or two; refused while a run lasts. */
  async delete(signal: AbortSignal): Promise<void> {
    try {
      await this.#send("DELETE", "", "delete the image template", signal);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** What the runs of this template have made so far, one entry per distributor. */
  async runOutputs(signal: AbortSignal): Promise<RunOutput[]> {
    const action = "read the run outputs";
    const list = await this.#send<RunOutputList>("GET", "/runOutputs", action, signal);
    if (!Array.isArray(list?.value)) throw strangeAnswer("a list of run outputs");
    return list.value.map(({ name, properties }) => ({
      name,
      artifactId: properties?.artifactId ?? properties?.artifactUri ?? "",
      provisioningState: properties?.provisioningState ?? "",
    }));
  }

  #send<Body>(
    method: "GET" | "PUT" | "POST" | "DELETE",
    path: string,
    action: string,
    signal: AbortSignal,
    body?: unknown,
  ): Promise<Body> {
    const name = `${action} "${this.id.split("/").at(-1)}"`;
    return this.#arm<Body>({
      method,
      path: this.id + path,
      apiVersion: API_VERSION,
      action: name,
      signal,
      body,
    });
  }
}
