export { formatAddress, parseAddress, parsePrefix, type Prefix } from "../bpf/address.js";
export type { NetworkHook } from "../bpf/link/network.js";
export type { FloodOptions, FloodResult } from "../net/flood.js";
export {
  allow,
  block,
  disallow,
  peers,
  release,
  sample,
  type FilterLike,
  type IcmpFilter,
  type SampleOptions,
} from "../net/icmp-filter.js";
export { interfaces, type Interface } from "../bpf/link/interfaces.js";
export { Peer, type PingOptions } from "../net/peer.js";
export type { PingResult } from "../net/ping.js";
export { playground, Playground, type PlaygroundOptions } from "../net/playground.js";
export { sweep } from "../net/orphans.js";
