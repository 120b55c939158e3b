import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { buildBpf, buildC, makeRecords, Peer, peerSources, READER, readerFigures } from "../peers.js";
import { figure, type Figures, type Medians, type Suite } from "../suite.js";

const RECORDS = 10_000_000;
/** A thousandth of it takes the naive addon as long, and its objects fill the memory. */
const NAIVE_RECORDS = 1_000_000;

const OURS = "bpflab, into a table";
const BYTES = "libbpf in C, storing the bytes";
const STRUCTS = "libbpf in C, decoding to structs";
const NAIVE = "naive addon, an object a record";

const per = (name: string, of: string, to: string) => (medians: Medians) =>
  figure(medians, of, name) / figure(medians, to, name);

/** How fast records get from a ring into user space, when nothing else costs. */
export const ingestion: Suite = {
  name: "ingestion",
  title: `${RECORDS.toLocaleString("en")} records of 48 bytes that a BPF program makes on one CPU, read on another`,
  rounds: 5,
  async prepare(scratch) {
    const producer = await buildC("producer", scratch, ["-lbpf"]);
    const consumer = await buildC("consumer", scratch, ["-lbpf"]);
    const object = await buildBpf("burst", scratch);
    const naive = [process.execPath, fileURLToPath(new URL("../naive-reader.js", import.meta.url))];
    const way = (name: string, command: string[], records = RECORDS) => ({
      name,
      run: async (): Promise<Figures> => {
        const reader = await Peer.start(command);
        const seconds = await makeRecords(producer, reader, records);
        return { million_records_per_s: records / seconds / 1e6, ...readerFigures(await reader.end()) };
      },
    });
    return {
      ways: [
        way(OURS, [...READER, join(peerSources, "burst.bpf.c"), "rb", String(RECORDS)]),
        way(BYTES, [consumer, object, String(RECORDS), "bytes"]),
        way(STRUCTS, [consumer, object, String(RECORDS), "structs"]),
        way(NAIVE, [...naive, object, String(NAIVE_RECORDS)], NAIVE_RECORDS),
      ],
    };
  },
  goals: [
    {
      text: "million records a second on two CPUs",
      of: (medians) => figure(medians, OURS, "million_records_per_s"),
      atLeast: 10,
    },
    {
      text: "records a second, as a ratio to C decoding to structs",
      of: per("million_records_per_s", OURS, STRUCTS),
      atLeast: 2,
    },
    {
      text: "reader's CPU time, as a ratio to C decoding to structs",
      of: per("reader_ns_per_event", OURS, STRUCTS),
      atMost: 0.5,
    },
    // The bounded buffer of 256 MiB would be allowed on top.
    {
      text: "memory, as a ratio to the bytes of the table's columns",
      of: (medians) => figure(medians, OURS, "memory_MB") / figure(medians, OURS, "columns_MB"),
      atMost: 1.2,
    },
  ],
};
