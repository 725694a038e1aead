/** Writes each ARM exchange as one JSON file, as if it had gone to the public cloud. Keeps no token and no signature. */

import { mkdir, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import type { Answer } from "./answers.ts";
import { withoutSignatures } from "./exchanges.ts";

const PUBLIC_ARM = "https://management.azure.com";
const LEFT_OUT = new Set(["authorization", "host", "connection", "content-length", "cookie"]);

/** One folder of numbered exchanges. */
export class Recording {
  readonly #folder: string;
  /** Several emulators may record into one folder, at once or one after the other. */
  readonly #start = `${new Date().toISOString().replace(/\D/g, "")}-${process.pid}`;
  #count = 0;
  #writes: Promise<void> = Promise.resolve();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async into(folder: string): Promise<Recording> {
    await mkdir(folder, { recursive: true });
    return new Recording(folder);
  }

  /** @param origin the emulator's own, replaced wherever it occurs */
  add(exchange: {
    req: IncomingMessage;
    requestBody: string;
    answer: Answer;
    origin: string;
    isInjected: boolean;
  }): void {
    const { req, answer, origin } = exchange;
    this.#count += 1;
    const number = String(this.#count).padStart(5, "0");
    const name = `${this.#start}-${number}-${req.method}-${answer.status}.json`;
    const publish = (text: string) => withoutSignatures(text.replaceAll(origin, PUBLIC_ARM));
    const content = {
      liveRequest: {
        method: req.method,
        url: publish(`${PUBLIC_ARM}${withSingleSlashes(req.url ?? "")}`),
        headers: requestHeaders(req),
        ...bodyOf(exchange.requestBody),
      },
      liveResponse: {
        statusCode: String(answer.status),
        headers: Object.fromEntries(
          Object.entries(answer.headers).map(([key, value]) => [key, publish(value)]),
        ),
        ...bodyOf(publish(answer.body ?? "")),
      },
      ...(exchange.isInjected ? { injected: true } : {}),
    };
    this.#writes = this.#writes.then(() =>
      writeFile(join(this.#folder, name), `${JSON.stringify(content, null, 1)}\n`),
    );
  }

  /** Resolves when everything recorded so far is written. */
  async flush(): Promise<void> {
    await this.#writes;
  }
}

/** ARM reads `//subscriptions` as `/subscriptions`; the documents know the latter only. */
function withSingleSlashes(url: string): string {
  const [path = "", ...query] = url.split("?");
  return [path.replace(/\/{2,}/g, "/"), ...query].join("?");
}

function requestHeaders(req: IncomingMessage): Record<string, string> {
  const entries = Object.entries(req.headers).filter(([name]) => !LEFT_OUT.has(name));
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

function bodyOf(text: string): { body?: unknown } {
  if (!text) return {};
  try {
    return { body: JSON.parse(text) };
  } catch {
    return { body: text };
  }
}
