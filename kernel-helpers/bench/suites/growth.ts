import { join } from "node:path";
import { execa } from "execa";
import { bpf, net } from "../../dist/api/index.js";
import { buildC, makeRecords, Peer, peerSources, READER, readerFigures } from "../peers.js";
import type { Figures, Suite, Way } from "../suite.js";

const source = join(peerSources, "burst.bpf.c");

/** Events into a table: the time of each, from the first made to the table. */
const events = (producer: string, records: number, rings = 1): Way => ({
  name: `${records.toLocaleString("en")} events, ${rings} ring${rings === 1 ? "" : "s"}`,
  async run(): Promise<Figures> {
    const reader = await Peer.start([...READER, source, "rb", String(records / rings), String(rings)]);
    const seconds = await makeRecords(producer, reader, records / rings);
    const { events: _, ...figures } = readerFigures(await reader.end());
    return { ns_per_event: (seconds * 1e9) / records, ...figures };
  },
});

/** Statistics in the kernel, by descriptor: what a write costs its writer, and reading the map. */
const descriptors = (writer: string, count: number): Way => ({
  name: `stats of ${count.toLocaleString("en")} descriptor${count === 1 ? "" : "s"}`,
  async run(): Promise<Figures> {
    const writes = 500_000;
    const stats = await (await bpf.load("stats")).attach();
    try {
      const ns_per_write = Number((await execa(writer, ["1", String(writes), String(count)])).stdout) / writes;
      const begun = performance.now();
      const rows = stats.maps.stats_map.table().numRows();
      return { ns_per_write, map_rows: rows, ms_to_read_the_map: performance.now() - begun };
    } finally {
      stats.close();
    }
  },
});

/** The ICMP filter, in its own program run: ns for a request, from one of so many sources. */
const sources = (count: number): Way => ({
  name: `filter, ${count.toLocaleString("en")} source${count === 1 ? "" : "s"}`,
  async run(): Promise<Figures> {
    const filter = await bpf.load("tc_icmp_filter", { globals: { mode: "filter", threshold: 50 } });
    try {
      const { icmp_filter } = filter.programs;
      const packets = 100_000;
      let ns = 0;
      for (let i = 0; i < packets; i++) ns += icmp_filter.testRun({ data: echoRequest(i % count) }).duration_ns;
      const begun = performance.now();
      const rows = net.peers(filter).numRows();
      return { ns_per_packet: ns / packets, map_rows: rows, ms_to_read_the_map: performance.now() - begun };
    } finally {
      filter.close();
    }
  },
});

/** An Ethernet frame with an ICMP echo request from 240.0.0.0 + n. */
function echoRequest(n: number): Buffer {
  const frame = Buffer.alloc(14 + 20 + 8 + 22);
  frame.writeUInt16BE(0x0800, 12);
  frame.set([0x45, 0, 0, frame.length - 14, 0, 0, 0, 0, 64, 1], 14);
  frame.writeUInt32BE(0xf0000000 + n, 26);
  frame.writeUInt32BE(0xc6120001, 30);
  frame[34] = 8;
  return frame;
}

/** How cost grows with the number of events, rings, descriptors and sources. */
export const growth: Suite = {
  name: "growth",
  title: "how the cost of one grows with the number of all",
  rounds: 1,
  async prepare(scratch) {
    const [producer, writer] = [await buildC("producer", scratch, ["-lbpf"]), await buildC("writer", scratch)];
    return {
      ways: [
        ...[1000, 100_000, 1_000_000, 10_000_000].map((records) => events(producer, records)),
        ...[2, 4, 8].map((rings) => events(producer, 4_000_000, rings)),
        ...[1, 100, 1000].map((count) => descriptors(writer, count)),
        ...[1, 1000, 100_000].map(sources),
      ],
    };
  },
};
