import { requireInteger } from "../../base/arguments.js";
import { ArgumentError } from "../../base/errors.js";
import { native } from "../../base/native.js";
import { attachToEach, byDescriptor, type HookKind } from "./attachment.js";
import { namedInterfaces } from "./interfaces.js";

/** A socket by its descriptor, or one of Node's: net.Socket, net.Server, dgram.Socket. */
export type SocketLike = number | object;

/** The socket, or the interfaces, whose packets a filter sees. */
export interface SocketHook {
  /** A socket of this process: what the filter returns 0 for does not reach it. */
  socket?: SocketLike;
  /** In its place: a copy of each packet of an interface, or of several, taken by a packet socket made for it. */
  interface?: string | string[];
}

/** SEC("socket"). */
export const socketFilter: HookKind<SocketHook> = {
  to: "a socket",
  takes: ["socket", "interface"],
  attach(program, { socket, interface: names }) {
    if ((socket === undefined) === (names === undefined))
      throw new ArgumentError(
        `The program ${program.name} attaches to a socket of this process or to an interface's packets, one of which must be named.`,
        { hint: 'For example attach({ interface: "lo" }), or attach({ socket: server }).' },
      );
    if (names === undefined) {
      const link = native.socket_attach_bpf(program.object, program.name, descriptorOf(socket!));
      return byDescriptor(link, "a socket");
    }
    return attachToEach(namedInterfaces(program.name, names, 'attach({ interface: "eth0" })'), (on) =>
      byDescriptor(native.packet_socket_attach_bpf(program.object, program.name, on.index), `packets of ${on.name}`),
    );
  },
};

/** Node says no descriptor of its sockets but in the handle below them, which tells it once they are bound or connected. */
function descriptorOf(socket: SocketLike): number {
  if (typeof socket === "number") return requireInteger("socket", socket, { from: 0, to: 2 ** 31 - 1 });
  const below = socket as { _handle?: { fd?: number } | null } & { [key: symbol]: { handle?: { fd?: number } } };
  const state = Object.getOwnPropertySymbols(below).find((key) => key.description === "state symbol");
  const fd = (state ? below[state]?.handle : below._handle)?.fd;
  if (fd === undefined || fd < 0)
    throw new ArgumentError("socket: expected an open socket of this process or its descriptor.", {
      hint: "A Node.js socket has a descriptor once it is connected, listening or bound.",
    });
  return fd;
}
