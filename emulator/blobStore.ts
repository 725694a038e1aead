/** The emulator's own access to the blobs in Azurite, past roles and faults. */
import { request } from "node:https";
import { azuriteToken } from "./tokens.ts";

const API_VERSION = "2025-07-05";

/** Where a blob is; the blob name is not URL-encoded. */
export interface BlobAddress {
  account: string;
  container: string;
  blob: string;
}

/** A blob as a listing shows it. */
export interface ListedBlob {
  container: string;
  name: string;
  sizeInBytes: number;
}

/** How to reach Azurite, and how clients do. */
export interface BlobStoreOptions {
  azuritePort: number;
  ca: string;
  tenantId: string;
  /** Where clients reach blobs, ending with a slash; the account name is the first path segment. */
  frontOrigin: string;
}

interface BlobResponse {
  status: number;
  body: Buffer;
}

/** What others may ask of the store; a test puts one in memory in its place. */
export type Blobs = Pick<BlobStore, keyof BlobStore>;

/** Talks to Azurite directly. A failed write is silent: the emulator reads back what matters. */
export class BlobStore {
  readonly #options: BlobStoreOptions;

  constructor(options: BlobStoreOptions) {
    this.#options = options;
  }

  /** The endpoint of an account, as its resource shows it. */
  endpoint(account: string): string {
    return `${this.#options.frontOrigin}/${account}/`;
  }

  /** Undefined when the URI does not point to a blob of this emulator. */
  addressOf(uri: string): BlobAddress | undefined {
    if (!URL.canParse(uri) || new URL(uri).origin !== this.#options.frontOrigin) return undefined;
    const [, account = "", container = "", ...rest] = new URL(uri).pathname.split("/");
    const blob = decodeURIComponent(rest.join("/"));
    return blob ? { account, container, blob } : undefined;
  }

  /** Undefined when there is no such blob. */
  async read(address: BlobAddress): Promise<Buffer | undefined> {
    const response = await this.#send("GET", pathOf(address));
    return response.status === 200 ? response.body : undefined;
  }

  /** The status of reading a URI as it stands, with the signature it carries and no other right. */
  async readSigned(uri: string): Promise<Buffer | undefined> {
    const { pathname, search } = new URL(uri);
    const response = await this.#send("GET", `${pathname}${search}`, { authorization: "" });
    return response.status === 200 ? response.body : undefined;
  }

  async makeContainer(account: string, container: string): Promise<void> {
    await this.#send("PUT", `/${account}/${container}?restype=container`);
  }

  async makeAppendBlob(address: BlobAddress): Promise<void> {
    await this.#send("PUT", pathOf(address), {
      "x-ms-blob-type": "AppendBlob",
      "x-ms-blob-content-type": "text/plain",
    });
  }

  async append(address: BlobAddress, text: string): Promise<void> {
    await this.#send("PUT", `${pathOf(address)}?comp=appendblock`, {}, Buffer.from(text));
  }

  async write(address: BlobAddress, content: Buffer): Promise<void> {
    await this.#send("PUT", pathOf(address), { "x-ms-blob-type": "BlockBlob" }, content);
  }

  async containers(account: string): Promise<string[]> {
    const { body } = await this.#send("GET", `/${account}?comp=list`);
    return [...body.toString().matchAll(/<Container><Name>([^<]*)<\/Name>/g)].map(
      (match) => match[1] ?? "",
    );
  }

  async list(account: string): Promise<ListedBlob[]> {
    const found: ListedBlob[] = [];
    for (const container of await this.containers(account)) {
      const { body } = await this.#send(
        "GET",
        `/${account}/${container}?restype=container&comp=list`,
      );
      for (const [, blob = ""] of body.toString().matchAll(/<Blob>(.*?)<\/Blob>/gs)) {
        found.push({ container, ...listedBlob(blob) });
      }
    }
    return found;
  }

  async deleteEverything(account: string): Promise<void> {
    for (const container of await this.containers(account)) {
      await this.#send("DELETE", `/${account}/${container}?restype=container`);
    }
  }

  #send(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    content: Buffer = Buffer.alloc(0),
  ): Promise<BlobResponse> {
    const { azuritePort, ca, tenantId } = this.#options;
    const { authorization, ...others } = {
      authorization: `Bearer ${azuriteToken(tenantId, tenantId)}`,
      ...headers,
    };
    return new Promise((resolve, reject) => {
      const call = request({
        host: "127.0.0.1",
        port: azuritePort,
        method,
        path,
        ca,
        headers: {
          "x-ms-version": API_VERSION,
          "Content-Length": content.length,
          ...(authorization ? { authorization } : {}),
          ...others,
        },
      });
      call.once("error", reject);
      call.once("response", (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.once("error", reject);
        response.once("end", () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }),
        );
      });
      call.end(content);
    });
  }
}

function pathOf({ account, container, blob }: BlobAddress): string {
  return `/${account}/${container}/${blob.split("/").map(encodeURIComponent).join("/")}`;
}

function listedBlob(xml: string): { name: string; sizeInBytes: number } {
  const name = /<Name>([^<]*)<\/Name>/.exec(xml)?.[1] ?? "";
  const size = /<Content-Length>(\d+)<\/Content-Length>/.exec(xml)?.[1] ?? "0";
  return { name, sizeInBytes: Number(size) };
}
