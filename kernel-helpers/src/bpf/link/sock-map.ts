import { ArgumentError } from "../../base/errors.js";
import { isNativeError, native, type MapHandle } from "../../base/native.js";
import { byDescriptor, byUpdatableLink, type HookKind } from "./attachment.js";

/** A map's handle, whatever its key and value are. */
export interface HasMapHandle {
  readonly name: string;
  readonly type: string;
  /** @internal */
  readonly handle: MapHandle;
}

/** The map of sockets whose data an sk_msg or sk_skb program sees. */
export interface SockMapHook {
  /** A map of type sockmap or sockhash: `object.maps.sockets`. */
  map: HasMapHandle;
}

const SK_SKB_VERDICT = 38; // BPF_SK_SKB_VERDICT: what SEC("sk_skb") means

export const sockMap: HookKind<SockMapHook> = {
  to: "a map of sockets",
  takes: ["map"],
  attach(program, { map }) {
    if (!map || !["sockmap", "sockhash"].includes(map.type))
      throw new ArgumentError(
        `The program ${program.name} attaches to a map of sockets (sockmap or sockhash), which must be given${map ? `; ${map.name} is of type ${map.type}` : ""}.`,
        { hint: "For example attach({ map: object.maps.sockets })." },
      );
    const type = program.attachType || SK_SKB_VERDICT;
    const target = native.bpf_map__fd(map.handle);
    const where = `map ${map.name}`;
    try {
      return byUpdatableLink(native.bpf_link_create(program.object, program.name, target, type), where);
    } catch (error) {
      // Links came with Linux 6.10. Without one the new program takes the old one's place, and goes with the map.
      if (!isNativeError(error) || error.code !== "EINVAL") throw error;
      return byDescriptor(native.bpf_prog_attach(program.object, program.name, target, type), where);
    }
  },
};
