/** The connection file that Jupyter writes for a kernel. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { visible } from "../../base/text.js";

/** Where to bind, and the key that signs every message. */
export interface Connection {
  transport: string;
  ip: string;
  key: string;
  signature_scheme: string;
  shell_port: number;
  iopub_port: number;
  stdin_port: number;
  control_port: number;
  hb_port: number;
}

/**
 * Reads a connection file. Whoever knows the key in it can sign messages, and so choose what runs here as root.
 *
 * @throws when it is missing, a link, no JSON, belongs to neither this user nor root, or others can read or write it
 */
export function readConnection(file: string): Connection {
  const opened = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { uid, mode } = fstatSync(opened); // of what is read, whatever has its name by now
    const wrong =
      uid !== 0 && uid !== process.geteuid?.()
        ? `belongs to user ${uid}`
        : (mode & 0o077) !== 0
          ? "can be read or written by other users"
          : undefined;
    if (wrong !== undefined)
      throw new Error(
        `The connection file ${visible(file)} ${wrong}, who could run code here with it: Jupyter makes it with mode 600.`,
      );
    return JSON.parse(readFileSync(opened, "utf8")) as Connection;
  } finally {
    closeSync(opened);
  }
}

/** The address of one of the five sockets. */
export function addressOf(connection: Connection, port: number): string {
  return connection.transport === "ipc"
    ? `ipc://${connection.ip}-${port}`
    : `${connection.transport}://${connection.ip}:${port}`;
}
