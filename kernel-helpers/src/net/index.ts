export { formatAddress, parseAddress, parsePrefix, type Prefix } from "./address.js";
export type { NetworkHook } from "./attach.js";
export type { FloodOptions, FloodResult } from "./flood.js";
export { allow, block, disallow, peers, release, sample, type IcmpFilter, type SampleOptions } from "./icmp-filter.js";
export { interfaces, type Interface } from "./interfaces.js";
export { Peer, type PingOptions } from "./peer.js";
export type { PingResult } from "./ping.js";
export { playground, Playground, type PlaygroundOptions } from "./playground.js";
export { sweep } from "./sweep.js";
