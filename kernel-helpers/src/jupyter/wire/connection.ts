/** The connection file that Jupyter writes for a kernel. */
import { readFileSync } from "node:fs";

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

/** Reads a connection file; throws when it is missing or is no JSON. */
export function readConnection(file: string): Connection {
  return JSON.parse(readFileSync(file, "utf8")) as Connection;
}

/** The address of one of the five sockets. */
export function addressOf(connection: Connection, port: number): string {
  return connection.transport === "ipc"
    ? `ipc://${connection.ip}-${port}`
    : `${connection.transport}://${connection.ip}:${port}`;
}
