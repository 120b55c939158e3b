/** The connection file that Jupyter writes for a kernel. */
import { readFileSync, statSync } from "node:fs";

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
 * Reads a connection file. Whoever can write to it chooses the key with which messages are signed, and so what runs here
 * as root.
 *
 * @throws when it is missing, is no JSON, belongs to neither this user nor root, or others can write to it
 */
export function readConnection(file: string): Connection {
  const { uid, mode } = statSync(file);
  if ((uid !== 0 && uid !== process.geteuid?.()) || (mode & 0o022) !== 0)
    throw new Error(`The connection file ${file} can be written to by other users: Jupyter makes it with mode 600.`);
  return JSON.parse(readFileSync(file, "utf8")) as Connection;
}

/** The address of one of the five sockets. */
export function addressOf(connection: Connection, port: number): string {
  return connection.transport === "ipc"
    ? `ipc://${connection.ip}-${port}`
    : `${connection.transport}://${connection.ip}:${port}`;
}
