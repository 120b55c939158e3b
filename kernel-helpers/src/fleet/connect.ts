import { refuseUnknownOptions } from "../base/names.js";
import type { ConnectionOptions } from "./connection.js";
import type { Fleet } from "./fleet.js";

export type { ConnectionOptions } from "./connection.js";

/**
 * Connects to the server that the agents of a fleet are connected to (`npx bpflab agent`).
 *
 * @param url such as `tls://fleet.example:4222`
 * @throws ArgumentError for a URL or credentials that cannot be used; BpflabError when the server does not let us in
 * @example
 * const fleet = await connectFleet("tls://fleet.example:4222", { creds: "/root/notebook.nk" });
 * fleet.hosts()
 * await fleet.close();
 */
export async function connectFleet(url: string, options: ConnectionOptions = {}): Promise<Fleet> {
  refuseUnknownOptions("connectFleet", options, ["creds", "ca"]);
  const { Fleet } = await import("./fleet.js"); // most notebooks do without NATS's clients
  return Fleet.connect(url, options);
}
