import { execa } from "execa";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Observable } from "rxjs";
import { bpf, op, probe, type BpfMap, type BpfObject, type EventBatch, type Probe } from "../../dist/api/index.js";
import { buildC, Peer } from "../peers.js";
import { figure, type Figures, type Medians, type Suite, type Way } from "../suite.js";
import { nothing } from "../tracers.js";

const WRITES = 1_000_000;
const NONE = "no tracing";
const SUMS = "a probe: count, sum and log2 histogram by comm";
const FIRST = "the same, the first question of a process";
const SUMS_C = "the same by hand in C";
const SUMS_BPFTRACE = "the same in bpftrace";
const PAIRS = "a probe: each write with its time, in a ring buffer";
const PAIRS_C = "the same by hand in C (ringbuf.bpf.c)";
const PAIRS_BPFTRACE = "bpftrace, a histogram of the times alone";

/** What somebody who knows BPF writes for the question that the probe asks. */
const sumsByHand = `
#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";
struct sums_key { char comm[16]; } __attribute__((aligned(8)));
struct sums_totals { __u64 n; __s64 bytes; __u64 sizes[64]; };
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
  __uint(max_entries, 4096);
  __type(key, struct sums_key);
  __type(value, struct sums_totals);
} by_comm SEC(".maps");
static __always_inline __u32 slot_of(__u64 value)
{
  __u32 slot = 0;
#pragma unroll
  for (int bits = 32; bits > 0; bits /= 2)
    if (value >> bits) {
      slot += bits;
      value >>= bits;
    }
  return slot & 63;
}
SEC("tp/syscalls/sys_exit_write")
int on_exit(struct trace_event_raw_sys_exit *ctx)
{
  static const struct sums_totals none = {};
  struct sums_key key;
  struct sums_totals *totals;
  long ret = ctx->ret;
  if (is_own_process() || ret <= 0)
    return 0;
  copy_comm(key.comm);
  totals = bpf_map_lookup_elem(&by_comm, &key);
  if (!totals) {
    bpf_map_update_elem(&by_comm, &key, &none, BPF_NOEXIST);
    totals = bpf_map_lookup_elem(&by_comm, &key);
    if (!totals)
      return 0;
  }
  totals->n++;
  totals->bytes += ret;
  totals->sizes[slot_of(ret)]++;
  return 0;
}`;

/** @param salt differs from run to run, so that the same program is compiled anew */
export const sums = (salt: number) =>
  probe("tp/syscalls/sys_exit_write")
    .filter(`d => d.ret > 0 /* question ${salt} */`)
    .groupby("comm")
    .rollup({ n: op.count(), bytes: op.sum("ret"), sizes: op.log2("ret") });
const pairs = (salt: number) =>
  probe("tp/syscalls/sys_enter_write")
    .to("tp/syscalls/sys_exit_write")
    .filter(`d => true /* question ${salt} */`)
    .select("start_ns", "duration_ns", "pid", "tid", "fd", "ret", "comm");

/** Makes each question of this benchmark a new one. */
let salt = Date.now();

/** How many of the workload's writes a way has seen; what other processes wrote is left out, where the way tells them apart. */
type Seen = { events: number; lost?: number };

/** The writes that a table of sums has of the workload's process. */
const ofWriter = (rows: Iterable<object>): Seen => ({
  events: [...(rows as Iterable<{ comm: string; n: number }>)].find(({ comm }) => comm === "writer")?.n ?? 0,
});

/** Counts the rows of a stream, of all processes, until as many have come as the workload has written. */
function rowsOf(stream: Observable<EventBatch>): { seen(): Promise<Seen>; unsubscribe(): void } {
  let [rows, lost] = [0, 0];
  const subscription = stream.subscribe((batch) => {
    rows += batch.rows;
    lost = (batch.lost ?? 0) + batch.dropped;
  });
  return {
    async seen() {
      for (let tries = 0; rows + lost < WRITES && tries < 100; tries++) await delay(20);
      return { events: rows, lost };
    },
    unsubscribe: () => subscription.unsubscribe(),
  };
}

/** A probe; the time to attach it is from the question to the last hook. */
const asked = (name: string, question: (salt: number) => Probe<any>, workload: () => Promise<Figures>): Way => ({
  name,
  async run() {
    const begun = performance.now();
    const running = await question(salt++).attach();
    const ms_to_attach = performance.now() - begun;
    const drained = running.isRollup ? undefined : rowsOf(running.events());
    try {
      const figures = await workload();
      const seen = drained ? await drained.seen() : ofWriter((await running.table()).objects());
      return { ...figures, ...seen, ms_to_attach };
    } finally {
      drained?.unsubscribe();
      running.close();
    }
  },
});

/** A process that has imported everything and asks its first question. */
const first: Way = {
  name: FIRST,
  async run() {
    const peer = await Peer.start([
      process.execPath,
      fileURLToPath(new URL("../first-question.js", import.meta.url)),
      String(salt++),
    ]);
    const [ms_to_attach] = await peer.end();
    return { ms_to_attach: ms_to_attach! };
  },
};

/** @param counted the counts of events in what it prints at its end; their sum is how many it saw */
const bpftrace = (name: string, script: string, counted: RegExp, workload: () => Promise<Figures>): Way => ({
  name,
  async run() {
    const begun = performance.now();
    // It says "attached" before it is: the first tick is the first sign of it.
    const tick = 'interval:ms:10 { printf("tick\\n"); }';
    const peer = await Peer.start(["bpftrace", "-e", `${script} ${tick}`], { tracefs: true, ready: /tick/ });
    const ms_to_attach = performance.now() - begun;
    const figures = await workload();
    await peer.end("SIGINT");
    const events = [...peer.said.matchAll(counted)].reduce((sum, [, count]) => sum + Number(count), 0);
    return { ...figures, events, ms_to_attach };
  },
});

const seen = (medians: Medians, way: string) => figure(medians, way, "events") + (medians.get(way)?.["lost"] ?? 0);
const added = (medians: Medians, way: string) =>
  figure(medians, way, "us_per_write") - figure(medians, NONE, "us_per_write");
const ratio = (of: string, to: string) => (medians: Medians) => added(medians, of) / added(medians, to);

/** A question in a line, beside the same by hand in C and in bpftrace. */
export const probes: Suite = {
  name: "probe",
  title: `a question in arquero's verbs, by hand in C, and in bpftrace: ${WRITES.toLocaleString("en")} one-byte writes to /dev/null`,
  rounds: 5,
  async prepare(scratch) {
    const writer = await buildC("writer", scratch);
    const workload = async (): Promise<Figures> => ({
      us_per_write: Number((await execa(writer, ["1", String(WRITES)])).stdout) / WRITES / 1000,
    });
    const byHand = (name: string, load: () => Promise<BpfObject<any>>, seenBy: "rb" | "by_comm"): Way => ({
      name,
      async run() {
        const object = await (await load()).attach();
        const drained = seenBy === "rb" ? rowsOf(object.events(seenBy)) : undefined;
        try {
          const figures = await workload();
          return {
            ...figures,
            ...(drained ? await drained.seen() : ofWriter((object.maps[seenBy] as BpfMap).table().objects())),
          };
        } finally {
          drained?.unsubscribe();
          object.close();
        }
      },
    });
    const compiled = await bpf.compile(sumsByHand, { name: "by_hand" });
    const exit = "tracepoint:syscalls:sys_exit_write";
    return {
      ways: [
        nothing(NONE, workload),
        asked(SUMS, sums, workload),
        first,
        byHand(SUMS_C, () => bpf.load(compiled), "by_comm"),
        bpftrace(
          SUMS_BPFTRACE,
          `${exit} /args->ret > 0/ { @n[comm] = count(); @bytes[comm] = sum(args->ret); @sizes[comm] = hist(args->ret); }`,
          /^@n\[writer\]: (\d+)$/gm,
          workload,
        ),
        asked(PAIRS, pairs, workload),
        byHand(PAIRS_C, () => bpf.load("ringbuf"), "rb"),
        bpftrace(
          PAIRS_BPFTRACE,
          `tracepoint:syscalls:sys_enter_write { @begun[tid] = nsecs; } ${exit} /@begun[tid]/ { @ = hist(nsecs - @begun[tid]); delete(@begun[tid]); }`,
          /^[[(].*[\])] +(\d+) \|/gm,
          workload,
        ),
      ],
    };
  },
  derive: (medians) => new Map([...medians.keys()].map((way) => [way, { added_us: added(medians, way) }] as const)),
  goals: [
    {
      text: "writes seen or counted as lost, by the way with the fewest, as a ratio to those made",
      of: (medians) =>
        Math.min(
          ...[...medians.keys()].filter((way) => way !== NONE && way !== FIRST).map((way) => seen(medians, way)),
        ) / WRITES,
      atLeast: 1,
    },
    { text: "sums: added cost, as a ratio to C by hand", of: ratio(SUMS, SUMS_C), atMost: 1.1 },
    { text: "sums: added cost, as a ratio to bpftrace", of: ratio(SUMS, SUMS_BPFTRACE), atMost: 1 },
    { text: "events: added cost, as a ratio to C by hand", of: ratio(PAIRS, PAIRS_C), atMost: 1.1 },
    { text: "events: added cost, as a ratio to bpftrace's histogram", of: ratio(PAIRS, PAIRS_BPFTRACE), atMost: 1 },
    {
      text: "from the question to attached, as a ratio to bpftrace",
      of: (medians) => figure(medians, SUMS, "ms_to_attach") / figure(medians, SUMS_BPFTRACE, "ms_to_attach"),
      atMost: 0.5,
    },
    {
      text: "the same of the first question of a process",
      of: (medians) => figure(medians, FIRST, "ms_to_attach") / figure(medians, SUMS_BPFTRACE, "ms_to_attach"),
      atMost: 0.5,
    },
  ],
};
