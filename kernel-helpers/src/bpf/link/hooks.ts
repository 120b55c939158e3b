import type { ProgramDescription } from "../../base/native.js";
import type { HookKind } from "./attachment.js";
import { byHand } from "./by-hand.js";
import { cgroup, type CgroupHook } from "./cgroup.js";
import { iterator, type IteratorHook } from "./iterator.js";
import { kprobeMulti, type KprobeMultiHook } from "./kprobe-multi.js";
import { kprobe, ksyscall, type KprobeHook, type KsyscallHook } from "./kprobe.js";
import { netNamespace, type NetNamespaceHook } from "./net-namespace.js";
import { netkit } from "./netkit.js";
import { netfilter, type NetfilterHook } from "./netfilter.js";
import { network, type NetworkHook } from "./network.js";
import { perfEvent, type PerfEventHook } from "./perf-event.js";
import { rawTracepoint, type RawTracepointHook } from "./raw-tracepoint.js";
import { sockMap, type SockMapHook } from "./sock-map.js";
import { socketFilter, type SocketHook } from "./socket.js";
import { tracepoint, type TracepointHook } from "./tracepoint.js";
import { tracing } from "./tracing.js";
import { uprobeMulti, type UprobeMultiHook } from "./uprobe-multi.js";
import { uprobe, type UprobeHook } from "./uprobe.js";
import { usdt, type UsdtHook } from "./usdt.js";
import { xdp, type XdpHook } from "./xdp.js";

/** What a program is attached to, as far as its SEC() does not say it: the options of one kind of hook. */
export type Hook =
  | NetworkHook
  | XdpHook
  | CgroupHook
  | SockMapHook
  | SocketHook
  | NetNamespaceHook
  | NetfilterHook
  | PerfEventHook
  | TracepointHook
  | RawTracepointHook
  | KprobeHook
  | KprobeMultiHook
  | KsyscallHook
  | UprobeHook
  | UprobeMultiHook
  | UsdtHook
  | IteratorHook;

/** Options for all programs of an object that take them, and for single ones; `false` leaves a program out. */
export type AttachOptions<Program extends string = string> = Hook & {
  /** Options of single programs by name; `false` leaves one out, `true` attaches it by its SEC() alone. */
  programs?: { readonly [P in Program]?: Hook | boolean };
};

// enum bpf_attach_type
const XDP_DEVMAP = 33;
const XDP_CPUMAP = 35;
const TRACE_ITER = 28;
const LSM_CGROUP = 43;
const NETKIT_PRIMARY = 54;
const NETKIT_PEER = 55;

const byTypeName: Record<string, HookKind<any>> = {
  tracepoint,
  raw_tracepoint: rawTracepoint,
  raw_tracepoint_writable: rawTracepoint,
  ext: tracing,
  perf_event: perfEvent,
  sched_act: network,
  cgroup_skb: cgroup,
  cgroup_sock: cgroup,
  cgroup_sock_addr: cgroup,
  cgroup_sockopt: cgroup,
  cgroup_sysctl: cgroup,
  cgroup_device: cgroup,
  sock_ops: cgroup,
  sk_msg: sockMap,
  sk_skb: sockMap,
  sk_lookup: netNamespace,
  flow_dissector: netNamespace,
  socket_filter: socketFilter,
  netfilter,
  syscall: byHand('Programs of SEC("syscall") run when they are called: programs.NAME.testRun({ context }).'),
  struct_ops: byHand('Programs of SEC("struct_ops") are attached with the map in .struct_ops that names them.'),
  lwt_in: byHand("ip route add … encap bpf puts them on a route."),
  lwt_out: byHand("ip route add … encap bpf puts them on a route."),
  lwt_xmit: byHand("ip route add … encap bpf puts them on a route."),
  lwt_seg6local: byHand("ip route add … encap seg6local puts them on a route."),
  sk_reuseport: byHand("SO_ATTACH_REUSEPORT_EBPF puts them on a group of sockets."),
  lirc_mode2: byHand("They are attached to the device of an infrared receiver."),
};

/** The kind of hook that a program has. */
export function kindOf({ typeName, attachType, section }: ProgramDescription): HookKind<any> {
  switch (typeName) {
    case "kprobe":
      if (/^u(ret)?probe\.(multi|session)/.test(section)) return uprobeMulti;
      if (/^k(ret)?probe\.(multi|session)/.test(section)) return kprobeMulti;
      if (/^u(ret)?probe/.test(section)) return uprobe;
      if (section.startsWith("usdt")) return usdt;
      return /^k(ret)?syscall/.test(section) ? ksyscall : kprobe;
    case "sched_cls":
      return attachType === NETKIT_PRIMARY || attachType === NETKIT_PEER ? netkit : network;
    case "tracing":
      return attachType === TRACE_ITER ? iterator : tracing;
    case "lsm":
      return attachType === LSM_CGROUP ? cgroup : tracing;
    case "xdp":
      if (attachType === XDP_DEVMAP || attachType === XDP_CPUMAP)
        return byHand("They run for packets that are redirected: put their id into a devmap or cpumap.");
      return xdp;
    default:
      return byTypeName[typeName] ?? byHand(`bpflab knows no hook for programs of type ${typeName}.`);
  }
}
