/** All that a build VM reaches: its identity endpoint and the blob endpoint, by way of unix sockets. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import type { Machine } from "./machine.ts";

/** What stands behind the two. */
export interface NetworkOptions {
  machine: Machine;
  /** For the sockets. */
  folder: string;
  /** The blob endpoint has the same port inside as outside. */
  blobPort: number;
  /** Does not listen yet. */
  identityEndpoint: Server;
}

/** Up from `connect` to `end`. */
export class Network {
  readonly #forwarder: ChildProcess;
  readonly #servers: readonly Server[];
  readonly #sockets: readonly string[];

  private constructor(forwarder: ChildProcess, servers: Server[], sockets: string[]) {
    this.#forwarder = forwarder;
    this.#servers = servers;
    this.#sockets = sockets;
  }

  /** @throws {Error} when the forwarder does not start */
  static async connect(options: NetworkOptions): Promise<Network> {
    const { machine, folder, blobPort, identityEndpoint } = options;
    const blobs = createServer((client) => {
      const target = connect(blobPort, "127.0.0.1");
      client.once("error", () => target.destroy());
      target.once("error", () => client.destroy());
      client.pipe(target).pipe(client);
    });
    const sockets = [join(folder, "identity"), join(folder, "blobs")];
    const servers = [identityEndpoint, blobs];
    for (const [index, server] of servers.entries()) await listen(server, sockets[index] ?? "");
    const addresses = [`169.254.169.254:80=${sockets[0]}`, `127.0.0.1:${blobPort}=${sockets[1]}`];
    const network = new Network(startForwarder(machine, addresses), servers, sockets);
    try {
      await network.#untilReady();
    } catch (error) {
      await network.end();
      throw error;
    }
    return network;
  }

  async end(): Promise<void> {
    this.#forwarder.kill("SIGKILL");
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) await rm(socket, { force: true });
  }

  async #untilReady(): Promise<void> {
    const failed = once(this.#forwarder, "exit").then(([code]) => {
      throw new Error(`The network of the build VM could not be made: exit code ${code}`);
    });
    const ready = this.#forwarder.stdout ? once(this.#forwarder.stdout, "data") : failed;
    await Promise.race([ready, failed]);
  }
}

function startForwarder(machine: Machine, addresses: readonly string[]): ChildProcess {
  const script = join(import.meta.dirname, "forwarder.ts");
  const command = ["nsenter", `--net=/proc/${machine.pid}/ns/net`, "--", process.execPath, script];
  return spawn("setpriv", ["--pdeathsig", "KILL", ...command, ...addresses], {
    stdio: ["pipe", "pipe", "ignore"],
    env: { PATH: process.env["PATH"] ?? "" },
  });
}

async function listen(server: Server, socket: string): Promise<void> {
  server.listen(socket);
  await once(server, "listening");
}
