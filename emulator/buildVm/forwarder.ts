/**
 * A process of its own in the network namespace of a build VM: what it listens on exists in the VM only, and goes on to
 * unix sockets of the emulator. Arguments are `host:port=path`. Ends with its input.
 */
import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";

// The VM's processes are many; the emulator's file descriptors are not.
const MOST_CONNECTIONS = 256;

async function forward(argument: string): Promise<Server> {
  const [, host = "", port = "", path = ""] = /^(.*?):(\d+)=(.*)$/.exec(argument) ?? [];
  const server = createServer((client) => {
    const target = connect(path);
    client.once("error", () => target.destroy());
    target.once("error", () => client.destroy());
    client.pipe(target).pipe(client);
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.listen(Number(port), host);
  await once(server, "listening");
  return server;
}

await Promise.all(process.argv.slice(2).map(forward));
process.stdin.resume();
process.stdin.once("end", () => process.kill(process.pid, "SIGKILL"));
process.stdout.write("ready\n");
