import { execa } from "execa";
import { buildC } from "../peers.js";
import { figure, type Figures, type Medians, type Suite, type Way } from "../suite.js";
import { bpftracePrint, handout, ours, type Workload } from "../tracers.js";

const WRITES = 1_000_000;
const OURS = "bpflab, into a table";
const STORE = "libbpf in C, storing";
const PRINT = "libbpf in C, printing";
const BPFTRACE = "bpftrace, printing";

const writers = (way: string, count: 1 | 2) => `${way}, ${count} writer${count === 1 ? "" : "s"}`;
const per = (name: string, of: string, to: string) => (medians: Medians) =>
  figure(medians, of, name) / figure(medians, to, name);

/** How many events a second get to user space while writers write as fast as they can, and what is lost. */
export const throughput: Suite = {
  name: "throughput",
  title: `${WRITES.toLocaleString("en")} traced writes by one and by two writers at full speed`,
  rounds: 3,
  async prepare(scratch) {
    const writer = await buildC("writer", scratch);
    const ways: Way[] = [];
    for (const count of [1, 2] as const) {
      const workload: Workload = async (): Promise<Figures> => ({
        million_writes_per_s:
          (1000 * WRITES) / Number((await execa(writer, [String(count), String(WRITES / count)])).stdout),
      });
      ways.push(
        ours(writers(OURS, count), "ringbuf", workload),
        await handout(writers(STORE, count), scratch, "store", workload),
        await handout(writers(PRINT, count), scratch, "print", workload),
        bpftracePrint(writers(BPFTRACE, count), scratch, workload),
      );
    }
    return { ways };
  },
  // The machine writes too, so there may be some more.
  derive: (medians) =>
    new Map(
      [...medians].map(
        ([way, { events }]) => [way, { percent_missing: Math.max(0, 100 * (1 - (events ?? NaN) / WRITES)) }] as const,
      ),
    ),
  goals: [
    ...([1, 2] as const).flatMap((count) => [
      {
        text: `events lost, ${count} writer${count === 1 ? "" : "s"}`,
        of: (medians: Medians) => figure(medians, writers(OURS, count), "lost"),
        atMost: 0,
      },
      {
        text: `events a second, as a ratio to C storing, ${count} writer${count === 1 ? "" : "s"}`,
        of: per("million_writes_per_s", writers(OURS, count), writers(STORE, count)),
        atLeast: 1,
      },
    ]),
    {
      text: "reader's CPU time, as a ratio to C storing",
      of: per("reader_ns_per_event", writers(OURS, 2), writers(STORE, 2)),
      atMost: 0.5,
    },
  ],
};
