import { readFile } from "node:fs/promises";
import { execa } from "execa";
import { bpf, net } from "../../dist/api/index.js";
import { buildBpf, buildC, Peer } from "../peers.js";
import { figure, type Figures, type Medians, type Suite, type Way } from "../suite.js";

const PASSED = 100_000;
const DROPPED = 300_000;
const SOURCES = 1000;
/** Requests of a source in a second: so few that next to none of a flood passes, and more than any flood has. */
const CLOSED = 1;
const OPEN = 4_000_000_000;

const NONE = "no filter";
const FLOOR = "a program that drops all";
const OURS = "bpflab's filter, TCX";
const NFTABLES = "nftables, netdev ingress";

/** One way to keep pings away: puts it on the interface, and says how it comes off again. */
interface Filter {
  name: string;
  put(threshold: number): Promise<() => unknown>;
  /** Where there is only one thing that it can do. */
  only?: "passes" | "drops";
}

/** A table of nftables as long as its owner's socket is open, so that nothing stays behind, whatever ends this process. */
async function nftables(family: "netdev" | "inet", hook: string, threshold: number): Promise<() => Promise<unknown>> {
  const table = `table ${family} bpflab_bench_${process.pid}`;
  const limit = `icmp type echo-request update @sources { ip saddr limit rate over ${threshold}/second burst 1 packets } drop`;
  const sources = "set sources { type ipv4_addr; flags dynamic; size 65536; timeout 1m; }";
  const input = `${table} { flags owner; ${sources}; chain pings { type filter hook ${hook} priority 0; policy accept; ${limit}; }; }\nlist ${table}\n`;
  const nft = await Peer.start(["stdbuf", "-oL", "nft", "--interactive"], { input, ready: /policy accept;/ });
  return () => nft.end();
}

/** Sends floods of pings into an interface, from a bridge behind it: past no more than one veth pair. */
async function pinger(scratch: string, lab: net.Playground) {
  const binary = await buildC("pinger", scratch);
  const mac = (await readFile(`/sys/class/net/${lab.interface}/address`, "utf8")).trim();
  const bridge = lab.peers[0]!.namespace.replace(/peer1$/, "switch");
  const reached = async () => Number((await readFile("/proc/net/snmp", "utf8")).match(/^Icmp: (\d+)/m)![1]);
  return async (packets: number, sources = 1) => {
    const before = await reached();
    const from = sources > 1 ? ["240.0.0.0", packets, sources] : [lab.peers[0]!.ipv4, packets];
    const { stdout } = await execa("ip", ["netns", "exec", bridge, binary, "host", mac, lab.ipv4, ...from.map(String)]);
    const [ns, cpu_ns] = stdout.split(" ").map(Number) as [number, number];
    return {
      ns_per_packet: cpu_ns / packets,
      packets_per_s: (packets / ns) * 1e9,
      share: ((await reached()) - before) / packets,
    };
  };
}

async function filters(scratch: string, { interface: on }: net.Playground): Promise<Filter[]> {
  const xdp = await buildC("xdp", scratch, ["-lbpf"]);
  const object = await buildBpf("xdp", scratch);
  const drop = await bpf.compile(
    `#include "bpflab.h"\nchar LICENSE[] SEC("license") = "GPL";\nSEC("tc") int drop(void *ctx) { return 2; }`,
    { name: "drop" },
  );
  const ours = async (threshold: number, method: "tcx" | "clsact") => {
    const filter = await bpf.load("tc_icmp_filter", { globals: { threshold } });
    await filter.attach({ interface: on, method });
    return () => filter.close();
  };
  return [
    { name: NONE, put: async () => () => {}, only: "passes" },
    {
      name: FLOOR,
      async put() {
        const program = await (await bpf.load(drop)).attach({ interface: on });
        return () => program.close();
      },
      only: "drops",
    },
    { name: OURS, put: (threshold) => ours(threshold, "tcx") },
    { name: "bpflab's filter, clsact", put: (threshold) => ours(threshold, "clsact") },
    { name: NFTABLES, put: (threshold) => nftables("netdev", `ingress device "${on}"`, threshold) },
    { name: "nftables, inet input", put: (threshold) => nftables("inet", "input", threshold) },
    {
      name: "XDP in C, IPv4, counts only",
      async put(threshold) {
        const peer = await Peer.start([xdp, object, on, String(threshold)]);
        return () => peer.end();
      },
    },
  ];
}

/** What happens while a filter is there. */
async function beside<T>({ put }: Filter, threshold: number, work: () => Promise<T>): Promise<T> {
  const remove = await put(threshold);
  try {
    return await work();
  } finally {
    await remove();
  }
}

/** A peer that lets a flood in, or keeps out what it should not, would be measured doing something else. */
function expectShare(share: number, low: number, high: number): void {
  if (!(share >= low && share <= high))
    throw new Error(`${(share * 100).toFixed(1)} % of the packets reached the host`);
}

const dropped = (medians: Medians, way: string) => figure(medians, way, "ns_per_packet_dropped");

/** What a ping costs when it passes and when it is dropped. */
export const icmp: Suite = {
  name: "icmp",
  title: `what an echo request costs, its sender's share and the interface's included (CPU time of both), and how many a second find their end`,
  rounds: 5,
  async prepare(scratch) {
    const lab = await net.playground();
    const flood = await pinger(scratch, lab);
    const ways = (await filters(scratch, lab)).map((filter): Way => ({
      name: filter.name,
      async run() {
        const figures: Record<string, number> = {};
        if (filter.only !== "drops") {
          const one = await beside(filter, OPEN, () => flood(PASSED));
          expectShare(one.share, 1, Infinity);
          Object.assign(figures, { ns_per_packet_passed: one.ns_per_packet });
        }
        if (filter.only !== "passes") {
          const [one, many] = await beside(filter, CLOSED, async () => [
            await flood(DROPPED),
            await flood(DROPPED, SOURCES),
          ]);
          expectShare(Math.max(one.share, many.share), 0, 0.02);
          Object.assign(figures, {
            ns_per_packet_dropped: one.ns_per_packet,
            packets_per_s_1_source: one.packets_per_s,
            packets_per_s_1000_sources: many.packets_per_s,
          });
        }
        return figures;
      },
    }));
    return { ways, close: () => lab.close() };
  },
  derive: (medians) =>
    new Map(
      [...medians].map(([way, figures]): [string, Figures] => [
        way,
        {
          ...("ns_per_packet_passed" in figures
            ? { added_ns_passed: figures["ns_per_packet_passed"] - figure(medians, NONE, "ns_per_packet_passed") }
            : {}),
          ...("ns_per_packet_dropped" in figures
            ? { added_ns_dropped: dropped(medians, way) - dropped(medians, FLOOR) }
            : {}),
        },
      ]),
    ),
  goals: [
    {
      text: "a dropped packet, as a ratio to nftables at netdev ingress",
      of: (medians) => dropped(medians, OURS) / dropped(medians, NFTABLES),
      atMost: 0.8,
    },
    {
      text: "the filter's own part of it, as a ratio to nftables at netdev ingress",
      of: (medians) =>
        (dropped(medians, OURS) - dropped(medians, FLOOR)) / (dropped(medians, NFTABLES) - dropped(medians, FLOOR)),
      atMost: 0.8,
    },
  ],
};
