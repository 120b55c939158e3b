/**
 * `refused.js FILE MOST`: does what users do, again and again; each time the kernel refuses another one of the calls that
 * the addon and libbpf make for it (workload/refuse.c), MOST a scenario. Says as JSON how many calls were refused, and what was wrong then.
 */
import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { constants } from "node:os";
import { bpf, BpflabError, collect, net } from "../../dist/api/index.js";
import { idsOf, openDescriptors } from "../workload/kernel-state.js";
import { until } from "../workload/until.js";

const [file = "", most = "1"] = process.argv.slice(2);
const control = openSync(file, "r+");
const sink = openSync("/dev/null", "w");

const PID = 0;
const COUNTDOWN = 4;
const ERROR = 8;
const CALLS = 12;
const REFUSED = 16;
function tell(offset: number, value: number): void {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  writeSync(control, bytes, 0, 4, offset);
}
function told(): { calls: number; refused: string } {
  const bytes = Buffer.alloc(64);
  readSync(control, bytes, 0, 64, 0);
  return { calls: bytes.readInt32LE(CALLS), refused: bytes.toString("latin1", REFUSED).replace(/\0.*$/s, "") };
}

const perf = await bpf.compile(
  `#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";
struct seen { __u64 number; };
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __type(key, __u32); __type(value, struct seen); } out SEC(".maps");
SEC("tp/syscalls/sys_enter_write") int on_write(void *ctx) {
  struct seen seen = { 1 };
  bpf_perf_event_output(ctx, &out, BPF_F_CURRENT_CPU, &seen, sizeof(seen));
  return 0;
}`,
  { name: "refused_perf" },
);
const iterator = await bpf.compile(
  `#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
char LICENSE[] SEC("license") = "GPL";
SEC("iter/bpf_map") int each(struct bpf_iter__bpf_map *ctx) {
  struct bpf_map *map = ctx->map;
  if (map) BPF_SEQ_PRINTF(ctx->meta->seq, "%u\\n", map->id);
  return 0;
}`,
  { name: "refused_iterator" },
);
using lab = await net.playground({ peers: 1 });

const write = () => writeSync(sink, "x");
const scenarios: Record<string, () => Promise<unknown>> = {
  ring: async () => {
    const ringbuf = await bpf.load("ringbuf", { maxEntries: { rb: 1 << 16 }, globals: { watched_pid: process.pid } });
    await ringbuf.attach();
    await collect(ringbuf.events("rb"), { until: async () => write() });
    ringbuf.totals("rb");
    ringbuf.programs.handle_exit.stats();
  },
  map: async () => {
    const hashmap = await bpf.load("hashmap", { globals: { watched_pid: process.pid } });
    await hashmap.attach();
    write();
    const { match_map } = hashmap.maps;
    match_map.entries();
    match_map.table();
    match_map.set(7 as never, { ts: 8, fd: 1 } as never);
    match_map.get(7 as never);
    match_map.delete(7 as never);
    hashmap.detach();
  },
  swap: async () => {
    await (await bpf.load("ringbuf", { constants: {}, maxEntries: { rb: 1 << 16 } })).attach();
    await bpf.load("ringbuf", { maxEntries: { rb: 1 << 17 } });
  },
  perf: async () => {
    const object = await (await bpf.load(perf)).attach();
    await collect(object.events("out"), { until: async () => write() });
  },
  filter: async () => {
    const filter = await bpf.load("tc_icmp_filter");
    await filter.attach({ interface: lab.interface });
    filter.globals.threshold = 3;
    await bpf.load("tc_icmp_filter", { maxEntries: { peers: 64 } as never }).catch(() => {});
  },
  iterator: async () => {
    const object = await bpf.load(iterator);
    await object.attach();
    object.programs["each"]!.read();
  },
  foreign: async () => {
    const hashmap = await bpf.load("hashmap");
    const id = Math.max(...idsOf("map_id")); // any
    bpf.map(id).close();
    bpf.program(Math.max(...idsOf("prog_id"))).close();
    hashmap.close();
  },
  pipe: async () => {
    await new Promise<void>((resolve, reject) => {
      const lines = bpf.tracePipe().subscribe({ error: reject });
      setTimeout(() => (lines.unsubscribe(), resolve()), 20);
    });
  },
};

const held = () => ({
  programs: idsOf("prog_id").size,
  links: idsOf("link_id").size,
  maps: idsOf("map_id").size,
  descriptors: openDescriptors(),
});
const errors = [constants.errno.EPERM, constants.errno.ENOMEM, constants.errno.EINVAL, constants.errno.EBUSY];
const wrong: string[] = [];
const classes: Record<string, number> = {};
let refusals = 0;
tell(PID, process.pid);
for (const [name, act] of Object.entries(scenarios)) {
  for (let i = 0; i < 2; i++) {
    await act(); // what is made once is made by now
    bpf.closeAll();
  }
  const before = held();
  tell(CALLS, 0);
  await act();
  bpf.closeAll();
  const { calls } = told();
  for (let call = 1; call <= calls; call += Math.ceil(calls / Number(most))) {
    tell(ERROR, errors[call % errors.length]!);
    tell(REFUSED, 0);
    tell(COUNTDOWN, call);
    let outcome = "went on";
    try {
      await act();
    } catch (error) {
      outcome = error instanceof BpflabError ? error.constructor.name : "a bare error";
      if (outcome === "a bare error") wrong.push(`${name}, call ${call} (${told().refused}): ${String(error)}`);
    }
    tell(COUNTDOWN, 0);
    const { refused } = told();
    if (!refused) continue; // it took a shorter way this time
    refusals++;
    classes[outcome] = (classes[outcome] ?? 0) + 1;
    bpf.closeAll();
    await until(`${name}, call ${call} (${refused}) leaves nothing open`, () => {
      const after = held();
      return Object.entries(before).every(([kind, count]) => after[kind as keyof typeof after] <= count);
    }).catch((error: Error) => wrong.push(`${error.message}: ${JSON.stringify([before, held()])}`));
    try {
      await act();
    } catch (error) {
      wrong.push(`${name} after call ${call} (${refused}): ${String(error)}`);
    }
    bpf.closeAll();
  }
}
closeSync(control);
rmSync(file);
console.log(JSON.stringify({ refusals, classes, wrong }));
