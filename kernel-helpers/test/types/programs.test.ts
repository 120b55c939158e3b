/** What the compiler knows of the shipped programs: all of this must compile, and each marked line must not. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import type { Observable } from "rxjs";
import { GENERATED_FILE, programTypes } from "../../dist/cli/program-types.js";
import {
  bpf,
  charts,
  collect,
  latency,
  type BpfMap,
  type BpfObject,
  type BpfProgram,
  type EventBatch,
  type EventTable,
  type ShippedPrograms,
} from "../../dist/api/index.js";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Compiles only if both types are one and the same. */
function same<A, B>(..._: Same<A, B> extends true ? [] : ["these types differ"]): void {}

type Ringbuf = ShippedPrograms["ringbuf"];
interface Write {
  start_ns: number;
  duration_ns: number;
  pid: number;
  tid: number;
  fd: number;
  ret: number;
  comm: string;
}

// Never called: the compiler's judgement is the test.
async function handles(): Promise<void> {
  const ringbuf = await bpf.load("ringbuf");
  same<typeof ringbuf, BpfObject<Ringbuf>>();
  // @ts-expect-error no such program
  await bpf.load("ringbuff");

  same<typeof ringbuf.globals.rb_lost, number>();
  ringbuf.globals.watched_pid = 7;
  // @ts-expect-error no such global
  ringbuf.globals.treshold;
  // @ts-expect-error a number, not text
  ringbuf.globals.watched_pid = "7";
  // @ts-expect-error constants are no globals
  ringbuf.globals.own_tgid;

  same<typeof ringbuf.maps.begun_map, BpfMap<number, { ts: number; fd: number }>>();
  // @ts-expect-error no such map
  ringbuf.maps.rbb;
  // @ts-expect-error maps cannot be put in
  ringbuf.maps.rb = ringbuf.maps.begun_map;

  same<keyof typeof ringbuf.programs, "handle_enter" | "handle_exit">();
  same<typeof ringbuf.programs.handle_exit, BpfProgram>();
  // @ts-expect-error no such program in it
  ringbuf.programs.handle_entry;
}

async function maps(): Promise<void> {
  const { match_map } = (await bpf.load("hashmap")).maps;
  same<ReturnType<typeof match_map.get>, { ts: number; fd: number } | undefined>();
  for (const [thread, event] of match_map.entries()) same<[typeof thread, typeof event.fd], [number, number]>();
  match_map.set(1, { ts: 1, fd: 2 });
  // @ts-expect-error a number is the key
  match_map.get("1");
  // @ts-expect-error no such field
  match_map.get(1)?.fdd;
  // @ts-expect-error no such field either
  match_map.set(1, { ts: 1, fdd: 2 });
  // @ts-expect-error a field of another type
  match_map.set(1, { ts: "now", fd: 2 });

  const { peers } = (await bpf.load("tc_icmp_filter")).maps;
  same<Parameters<typeof peers.get>[0], string>();
  const state = peers.get("198.18.0.2")?.state;
  if (state === "blacklisted") return;
}

async function options(): Promise<void> {
  await bpf.load("ringbuf", {
    constants: { own_tgid: 1 },
    globals: { watched_pid: 2 },
    maxEntries: { rb: 4096 },
    keep: ["begun_map"],
  });
  // @ts-expect-error no such constant
  await bpf.load("ringbuf", { constants: { own_pid: 1 } });
  // @ts-expect-error a constant of another type
  await bpf.load("ringbuf", { constants: { own_tgid: true } });
  // @ts-expect-error no such global
  await bpf.load("ringbuf", { globals: { threshold: 1 } });
  // @ts-expect-error no such map to size
  await bpf.load("ringbuf", { maxEntries: { ring: 4096 } });
  // @ts-expect-error no such map to keep
  await bpf.load("ringbuf", { keep: ["match_map"] });
}

async function events(): Promise<void> {
  const ringbuf = await bpf.load("ringbuf");
  const stream = ringbuf.events("rb");
  same<typeof stream, Observable<EventBatch<Ringbuf["events"]["rb"]>>>();
  same<Ringbuf["events"]["rb"], Write>();
  stream.subscribe((batch) => same<[typeof batch.table, typeof batch.lost], [EventTable<Write>, number | undefined]>());
  same<ReturnType<typeof ringbuf.totals>["unread"], number>();
  // @ts-expect-error no such ring
  ringbuf.events("ring");
  // @ts-expect-error a map that is no ring
  ringbuf.events("begun_map");
  // @ts-expect-error no such ring to count
  ringbuf.totals("ring");
  // @ts-expect-error a program without rings
  (await bpf.load("hashmap")).events("rb");
  // @ts-expect-error no such option
  ringbuf.events("rb", { bufferByte: 1 });
}

async function tables(): Promise<void> {
  const writes = await collect((await bpf.load("ringbuf")).events("rb"), { seconds: 1 });
  same<typeof writes, EventTable<Write>>();
  charts.histogram(writes, { x: "duration_ns", by: "comm" });
  charts.heatmap(writes, { x: "start_ns", y: "duration_ns" });
  latency.summary(writes, { by: ["comm", "fd"] });
  charts.histogram(writes.derive({ us: (d: Write) => d.duration_ns / 1000 }), { x: "us", by: "comm" });
  // @ts-expect-error no such column
  charts.histogram(writes, { x: "latency_ns" });
  // @ts-expect-error no such column in a derived table either
  charts.histogram(writes.derive({ us: (d: Write) => d.duration_ns / 1000 }), { x: "ms" });
  const served = writes.filter((d: Write) => d.ret > 0);
  charts.histogram(served, { x: "duration_ns" });
  // @ts-expect-error nor in a filtered one
  charts.ecdf(served, { x: "latency_ns" });
  // @ts-expect-error no such column to group by
  latency.summary(writes, { by: "command" });
  // @ts-expect-error no such way to end
  await collect((await bpf.load("ringbuf")).events("rb"), { minutes: 1 });
}

async function unknownPrograms(): Promise<void> {
  const mine = await bpf.load(await bpf.compile("", { name: "mine" }));
  mine.globals["anything"] = 1;
  mine.maps["any"]!.get("key");
  const table = await collect(mine.events("rb"));
  charts.histogram(table, { x: "whatever" });
  const typed = await bpf.load<Ringbuf>(await bpf.compile("", { name: "mine" }));
  // @ts-expect-error as typed as a shipped one
  typed.globals.anything;
}

describe("the types of the shipped programs", () => {
  test("are those of their BTF", async () => {
    assert.equal(await readFile(GENERATED_FILE, "utf8"), await programTypes());
  });

  test("are checked by the compiler", () => {
    for (const contract of [handles, maps, options, events, tables, unknownPrograms])
      assert.equal(typeof contract, "function");
  });
});
