import { execa } from "execa";
import { buildC } from "../peers.js";
import { figure, type Figures, type Medians, type Suite } from "../suite.js";
import { bpftraceHistogram, floor, handout, nothing, ours } from "../tracers.js";

const WRITES = 2_000_000;
const OTHERS = 1_000_000;
const NONE = "no tracing";
const FLOOR = "two programs that return 0";
const OURS = "bpflab ringbuf, every event in a table";
const BTF = "bpflab, on tp_btf, a slot per CPU";
const BPFTRACE = "bpftrace, a histogram, no events";
const HANDOUT = "libbpf in C as in the hand-out, storing";

const added = (medians: Medians, way: string, name = "us_per_write") =>
  figure(medians, way, name) - figure(medians, NONE, name);
const ratio = (of: string, to: string) => (medians: Medians) => added(medians, of) / added(medians, to);

/** What looking adds to a write(2), and to a system call that nobody looks at. */
export const writes: Suite = {
  name: "writes",
  title: `what one traced write(2) costs its writer: ${WRITES.toLocaleString("en")} one-byte writes to /dev/null; and getppid(2), which is not traced`,
  rounds: 5,
  async prepare(scratch) {
    const writer = await buildC("writer", scratch);
    const workload = async (): Promise<Figures> => {
      const [writes, others] = [
        await execa(writer, ["1", String(WRITES)]),
        await execa(writer, ["1", String(OTHERS), "0"]),
      ];
      return {
        us_per_write: Number(writes.stdout) / WRITES / 1000,
        us_per_getppid: Number(others.stdout) / OTHERS / 1000,
      };
    };
    return {
      ways: [
        nothing(NONE, workload),
        await floor(FLOOR, workload),
        ours(OURS, "ringbuf", workload),
        ours(BTF, "ringbuf_btf.bpf.c", workload),
        bpftraceHistogram(BPFTRACE, workload),
        await handout(HANDOUT, scratch, "store", workload),
      ],
    };
  },
  derive: (medians) =>
    new Map(
      [...medians.keys()].map(
        (way) =>
          [
            way,
            {
              added_us: added(medians, way),
              times_the_floor: ratio(way, FLOOR)(medians),
              added_us_per_getppid: added(medians, way, "us_per_getppid"),
            },
          ] as const,
      ),
    ),
  goals: [
    { text: "added cost, as a ratio to two programs that return 0", of: ratio(OURS, FLOOR), atMost: 1.5 },
    {
      text: "the same on tp_btf with a slot per CPU, which costs all other calls more",
      of: ratio(BTF, FLOOR),
      atMost: 1.5,
    },
    { text: "added cost, as a ratio to bpftrace's histogram", of: ratio(OURS, BPFTRACE), atMost: 0.65 },
    { text: "added cost, as a ratio to the hand-out's design in C", of: ratio(OURS, HANDOUT), atMost: 0.2 },
    { text: "events lost", of: (medians) => figure(medians, OURS, "lost"), atMost: 0 },
    {
      text: "reader's CPU time, as a ratio to the hand-out's C program",
      of: (medians) => figure(medians, OURS, "reader_ns_per_event") / figure(medians, HANDOUT, "reader_ns_per_event"),
      atMost: 0.5,
    },
  ],
};
