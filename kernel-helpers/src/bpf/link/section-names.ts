import { listNames, nearest } from "../../base/names.js";

/** What SEC() begins with, of hooks that have a name behind it or none. */
const kinds = [
  ...["tp", "tracepoint", "raw_tp", "raw_tracepoint", "tp_btf", "kprobe", "kretprobe", "kprobe.multi", "ksyscall"],
  ...["fentry", "fexit", "fmod_ret", "uprobe", "uretprobe", "usdt", "lsm", "iter", "perf_event", "xdp", "tc"],
  ...["classifier", "netfilter", "socket", "sk_msg", "sk_lookup", "sockops", "flow_dissector", "struct_ops", "syscall"],
];

/** Those behind whose slash only these may stand. */
const families: Record<string, readonly string[]> = {
  tc: ["ingress", "egress"],
  tcx: ["ingress", "egress"],
  netkit: ["primary", "peer"],
  xdp: ["devmap", "cpumap"],
  sk_skb: ["stream_parser", "stream_verdict"],
  cgroup: [
    ...["skb", "dev", "sock_create", "sock_release", "post_bind4", "post_bind6", "sysctl", "getsockopt", "setsockopt"],
    ...["bind", "connect", "sendmsg", "recvmsg", "getpeername", "getsockname"].flatMap((of) => [`${of}4`, `${of}6`]),
  ],
  cgroup_skb: ["ingress", "egress"],
};

/** Those that nothing may follow, though loaders before libbpf 1.0 let it, and some others do. */
const alone = [
  ...["xdp", "tc", "classifier", "action", "perf_event", "socket", "sockops", "sk_msg", "sk_lookup", "flow_dissector"],
  ...["netfilter", "syscall"],
];

/** What to write in place of a SEC() that is not a kind of hook. */
export function sectionAdvice(section: string): string {
  const [kind = "", ...name] = section.trim().replace(/^\/+/, "").split("/");
  const single = alone.find((one) => section.startsWith(one) && /^[/_.\d]/.test(section.slice(one.length)));
  const family = Object.hasOwn(families, kind) ? families[kind]! : undefined;
  if (family)
    return `${kind}/ may be followed by ${listNames(family)}${kinds.includes(kind) ? `, or SEC("${kind}") may stand alone` : ""}.`;
  if (single)
    return `SEC("${single}") stands alone: since libbpf 1.0 programs are told apart by the names of their functions. Whatever else the hook needs to know is an option of attach().`;
  const all = [...kinds, ...Object.keys(families)];
  const lower = kind.toLowerCase();
  const [meant] = all.includes(lower) ? [lower] : kind.length < 3 ? [] : nearest(lower, all, 1, 2);
  const guess = meant === undefined ? "" : `Did you mean SEC("${[meant, ...name].join("/")}")? `;
  return `${guess}A section begins with tp/, raw_tp/, tp_btf/, kprobe/, fentry/, uprobe/, usdt/, perf_event, xdp, tc, cgroup/, …`;
}
