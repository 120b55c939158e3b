import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { bpf } from "../../dist/api/index.js";

describe("what a program has cost", () => {
  afterEach(() => bpf.closeAll());

  test("runs and their time, from the first question on", async () => {
    const source =
      '#include "bpflab.h"\nchar LICENSE[] SEC("license") = "GPL";\n__u64 calls = 0;\nSEC("raw_tp") int on_call(void *ctx) { calls++; return 0; }';
    const object = await bpf.load(await bpf.compile(source, { name: "counted" }));
    const on_call = object.programs["on_call"]!;
    const before = on_call.stats();
    for (let i = 0; i < 100; i++) on_call.testRun();
    const { runs, run_time_ns, ns_per_run, missed } = on_call.stats();
    assert.equal(runs - before.runs, 100);
    assert.equal(object.globals["calls"], 100);
    assert.ok(run_time_ns > before.run_time_ns);
    assert.equal(ns_per_run, run_time_ns / runs);
    assert.equal(missed, 0);
    assert.ok(before.runs > 0 || Number.isNaN(before.ns_per_run));
  });

  test("and how often the kernel did not run it, because a map was being changed on that CPU", async () => {
    // The kernel asks for memory while it puts a key into a trie: in there it runs no program on a tracepoint.
    const source = `#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";
struct prefix { __u32 prefixlen, address; };
struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(max_entries, 1000); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, struct prefix); __type(value, __u64); } routes SEC(".maps");
SEC("tp/kmem/kmalloc") int on_kmalloc(void *ctx) { return 0; }`;
    const { maps, programs } = await (await bpf.load(await bpf.compile(source, { name: "missing" }))).attach();
    for (let address = 0; address < 1000; address++) maps["routes"]!.set({ prefixlen: 32, address }, 1);
    assert.ok(programs["on_kmalloc"]!.stats().missed > 0);
  });
});
