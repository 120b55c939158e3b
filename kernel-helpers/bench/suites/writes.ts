import { execa } from "execa";
import { bpf } from "../../dist/index.js";
import { buildBpf, buildC, Peer, readerFigures, READER } from "../peers.js";
import { figure, type Figures, type Medians, type Suite, type Way } from "../suite.js";

const WRITES = 2_000_000;
const NONE = "no tracing";
const FLOOR = "two programs that return 0";
const OURS = "bpflab, every event in a table";
const BPFTRACE = "bpftrace, a histogram, no events";
const HANDOUT = "libbpf in C as in the hand-out, storing";

const BPFTRACE_MATCHED = "tracepoint:syscalls:sys_enter_write { @begun[tid] = nsecs; } tracepoint:syscalls:sys_exit_write /@begun[tid]/";

/** Every way to look at writes, with a workload that it is to be run under. */
async function instrumentations(scratch: string, workload: () => Promise<Figures>): Promise<Way[]> {
  const handout = await buildC("handout", scratch, ["-lbpf"]);
  const object = await buildBpf("handout", scratch);
  const programs = ["enter", "exit"].map((end) => `SEC("tp/syscalls/sys_${end}_write") int handle_${end}(void *ctx) { return 0; }`);
  const floor = await bpf.compile(`#include "bpflab.h"\nchar LICENSE[] SEC("license") = "GPL";\n${programs.join("\n")}`, { name: "floor" });

  const under = (name: string, command: string[], tracefs: boolean): Way => ({
    name,
    async run() {
      const peer = await Peer.start(command, { tracefs });
      const figures = await workload();
      return { ...figures, ...readerFigures(await peer.end()) };
    },
  });
  const underBpftrace = (name: string, script: string): Way => ({
    name,
    async run() {
      // It says "attached" before it is.
      const peer = await Peer.start(["bpftrace", "-e", `${script} interval:ms:200 { printf("tick\\n"); }`], { tracefs: true, ready: /tick[\s\S]*tick/ });
      const figures = await workload();
      await peer.end("SIGINT");
      return figures;
    },
  });
  return [
    { name: NONE, run: workload },
    {
      name: FLOOR,
      async run() {
        const programs = await (await bpf.load(floor)).attach();
        return workload().finally(() => programs.close());
      },
    },
    under(OURS, [...READER, "ringbuf", "rb"], false),
    underBpftrace(BPFTRACE, `${BPFTRACE_MATCHED} { @ = hist(nsecs - @begun[tid]); delete(@begun[tid]); }`),
    under(HANDOUT, [handout, object, "store"], true),
  ];
}

const added = (medians: Medians, way: string) => figure(medians, way, "us_per_write") - figure(medians, NONE, "us_per_write");
const ratio = (of: string, to: string) => (medians: Medians) => added(medians, of) / added(medians, to);

/** What looking adds to a write(2), with one writer. */
export const writes: Suite = {
  name: "writes",
  title: `what one traced write(2) costs its writer: ${WRITES.toLocaleString("en")} one-byte writes to /dev/null`,
  rounds: 5,
  async prepare(scratch) {
    const writer = await buildC("writer", scratch);
    return { ways: await instrumentations(scratch, async () => ({ us_per_write: Number((await execa(writer, ["1", String(WRITES)])).stdout) / WRITES / 1000 })) };
  },
  derive: (medians) => new Map([...medians.keys()].map((way) => [way, { added_us: added(medians, way), times_the_floor: ratio(way, FLOOR)(medians) }] as const)),
  goals: [
    { text: "added cost, as a ratio to two programs that return 0", of: ratio(OURS, FLOOR), atMost: 1.5 },
    { text: "added cost, as a ratio to bpftrace's histogram", of: ratio(OURS, BPFTRACE), atMost: 0.65 },
    { text: "added cost, as a ratio to the hand-out's design in C", of: ratio(OURS, HANDOUT), atMost: 0.2 },
    { text: "events lost", of: (medians) => figure(medians, OURS, "lost"), atMost: 0 },
    { text: "reader's CPU time, as a ratio to the hand-out's C program", of: (medians) => figure(medians, OURS, "reader_ns_per_event") / figure(medians, HANDOUT, "reader_ns_per_event"), atMost: 0.5 },
  ],
};
