/**
 * `unprivileged.js INTERFACE`: is started as root with some capabilities and a cache of its own (XDG_CACHE_HOME), goes on
 * as nobody with the same capabilities, and does what notebooks do, step by step. Prints as JSON what came of each: "works", or the error's name and message.
 */
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { table as makeTable } from "arquero";
import { bpf, BpflabError, capture, charts, collect, net } from "../../dist/api/index.js";
import { bundleOf } from "../../dist/base/display.js";
import { compileShipped } from "../../dist/clang/compile.js";

const [interfaceName = ""] = process.argv.slice(2);
const NOBODY = 65_534;
const head = `#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";
__u64 hits;
`;
const one = (name: string, section: string, returns = 0) =>
  bpf.compile(`${head}SEC("${section}") int f(void *ctx) { hits++; return ${returns}; }`, { name });

// As root, for the clone may be in a directory that nobody else may read.
const compiled = {
  ringbuf: await compileShipped("ringbuf"),
  hashmap: await compileShipped("hashmap"),
  socket: await one("socket", "socket"),
  raw: await one("raw", "raw_tp/sys_enter"),
  tracepoint: await one("tracepoint", "tp/sched/sched_process_exit"),
  sample: await one("sample", "perf_event"),
  uprobe: await one("uprobe", "uprobe//proc/self/exe:main"),
  tc: await one("tc", "tc"),
  xdp: await one("xdp", "xdp", 2),
};
await bundleOf(charts.bar(makeTable({ comm: ["a"] }), { x: "comm" })); // so are modules that are loaded when they are used

execFileSync("chmod", ["-R", "a+rX", process.env["XDG_CACHE_HOME"]!]); // vmlinux.h, which it has found by now
process.setgroups!([]);
process.setgid!(NOBODY);
process.setuid!(NOBODY);
const directory = mkdtempSync(join(tmpdir(), "bpflab-nobody-"));
process.env["XDG_CACHE_HOME"] = directory;
process.chdir(directory);

const sink = openSync("/dev/null", "w");
const steps: Record<string, () => Promise<unknown>> = {
  "a chart": () => bundleOf(charts.bar(makeTable({ comm: ["a", "b"] }), { x: "comm" })),
  "a capture": async () => {
    const file = join(directory, "kept.parquet");
    await capture.save(makeTable({ start_ns: [1, 2], comm: ["a", "b"] }) as never, file);
    if ((await capture.open(file)).numRows() !== 2) throw new Error("rows are missing");
  },
  "a socket filter": () => bpf.load(compiled.socket),
  "a map": async () => {
    const { match_map } = (await bpf.load(compiled.hashmap)).maps;
    match_map!.set(7 as never, { ts: 8, fd: 1 } as never);
    match_map!.table();
  },
  "a raw tracepoint": async () => (await bpf.load(compiled.raw)).attach(),
  "a tracepoint": async () => (await bpf.load(compiled.tracepoint)).attach(),
  "events of a ring": async () => {
    const ringbuf = await (await bpf.load(compiled.ringbuf, { globals: { watched_pid: process.pid } })).attach();
    const table = await collect(ringbuf.events("rb"), { until: async () => void writeSync(sink, "x") });
    if (table.numRows() === 0) throw new Error("no events came");
  },
  "a perf event": async () => (await bpf.load(compiled.sample)).attach({ frequency: 99 }),
  "a uprobe": async () => (await bpf.load(compiled.uprobe)).attach(),
  "a tc filter": async () => (await bpf.load(compiled.tc)).attach({ interface: interfaceName }),
  "an XDP program": async () => (await bpf.load(compiled.xdp)).attach({ interface: interfaceName }),
  "run counts": async () => {
    (await bpf.load(compiled.socket)).programs["f"]!.stats();
  },
  "the machine's programs": async () => bpf.list(),
  "the trace pipe": () =>
    new Promise<void>((resolve, reject) => {
      const lines = bpf.tracePipe().subscribe({ error: reject });
      setTimeout(() => (lines.unsubscribe(), resolve()), 20);
    }),
  "test hosts": async () => (await net.playground()).close(),
};

const outcomes: Record<string, string> = {};
for (const [name, step] of Object.entries(steps)) {
  try {
    await step();
    outcomes[name] = "works";
  } catch (error) {
    const known = error instanceof BpflabError;
    outcomes[name] = known ? `${error.name}: ${error.message}` : `a bare error: ${(error as Error).stack}`;
  }
  bpf.closeAll();
}
closeSync(sink);
rmSync(directory, { recursive: true });
console.log(JSON.stringify(outcomes));
