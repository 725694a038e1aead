/** A named pipe as the output of a build VM. */
import { execFile } from "node:child_process";
import { chownSync, constants, openSync, unlinkSync } from "node:fs";
import { Socket } from "node:net";
import { promisify } from "node:util";

/** Its two ends. The writing end is a file descriptor, for a child process; who has passed it on closes it. */
export interface Pipe {
  reader: Socket;
  writer: number;
}

/**
 * Node's own pipes are sockets, and root's: a script could not open `/dev/stderr`, which it can on a real VM.
 * @param uid the user who may open it by that name
 */
export async function makePipe(file: string, uid: number): Promise<Pipe> {
  await promisify(execFile)("mkfifo", ["-m", "600", file]);
  chownSync(file, uid, uid);
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(file, constants.O_WRONLY);
  unlinkSync(file);
  return { reader: new Socket({ fd, readable: true, writable: false }), writer };
}
