import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { execa } from "execa";
import { bpf, collect } from "../../dist/api/index.js";
import { heldByUs, idsOf } from "../workload/kernel-state.js";

const dist = (path: string) => JSON.stringify(new URL(`../../${path}`, import.meta.url).href);

describe("a rerun replaces, an end leaves nothing", () => {
  afterEach(() => bpf.closeAll());

  // In a process of its own, whose heap does not breathe: V8's young generation alone grows by more than any leak here.
  const reruns = (size: string) => `
    import { bpf, collect } from ${dist("dist/api/index.js")};
    import { heldByUs, openDescriptors, residentKiB } from ${dist("dist-test/workload/kernel-state.js")};
    const rerun = async (run) => {
      const ringbuf = await (await bpf.load("ringbuf", { maxEntries: { rb: ${size} }, globals: { watched_pid: process.pid } })).attach();
      await collect(ringbuf.events("rb"), { seconds: 0.02 });
    };
    let run = 0;
    const twenty = async () => { for (const end = run + 20; run < end; run++) await rerun(run); };
    await twenty(); // what is made once is made by now
    const descriptors = openDescriptors();
    // A heap may take a step once, for reasons of its own; a leak grows every time.
    const growth = [];
    for (let times = 0; times < 3; times++) {
      const memory = await residentKiB();
      await twenty();
      growth.push((await residentKiB()) - memory);
    }
    const { programs, links } = await heldByUs();
    console.log(JSON.stringify({ programs, links, moreDescriptors: openDescriptors() - descriptors, growth }));
    bpf.closeAll();`;

  for (const [what, size] of [
    ["unchanged", "1 << 20"],
    ["changed each time", "run % 2 ? 1 << 20 : 1 << 21"],
  ] as const) {
    test(`an attach cell ${what}, rerun many times, leaves one pair of programs and no growth`, async () => {
      const { stdout } = await execa(
        process.execPath,
        ["--max-semi-space-size=1", "--input-type=module", "-e", reruns(size)],
        { env: { MALLOC_ARENA_MAX: "1" } },
      );
      const { growth, ...held } = JSON.parse(stdout) as Record<string, unknown> & { growth: number[] };
      assert.deepEqual(held, { programs: ["handle_enter", "handle_exit"], links: 2, moreDescriptors: 0 });
      assert.ok(Math.min(...growth) < 2 * 1024, `memory grew by ${growth.join(", ")} KiB in 20 reruns each`);
    });
  }

  test("the same source and constants keep the running instance and apply globals", async () => {
    const first = await bpf.load("hashmap", { globals: { watched_pid: 1 } });
    const second = await bpf.load("hashmap", { globals: { watched_pid: 2 } });
    assert.equal(second, first);
    assert.equal(first.globals.watched_pid, 2);
  });

  const counter = (body: string) => `
    #include "bpflab.h"
    char LICENSE[] SEC("license") = "GPL";
    __u64 calls = 0;
    struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, __u64); } kept SEC(".maps");
    SEC("tp/syscalls/sys_enter_getpid") int on_getpid(void *ctx) { ${body} }`;
  const load = async (body: string, options = {}) =>
    bpf.load(await bpf.compile(counter(body), { name: "counter" }), options);

  test("a changed source takes the old one's place, also on its hook", async () => {
    const before = await (await load("calls += 1; return 0;")).attach();
    const after = await load("calls += 10; return 0;");
    assert.equal(before.closed, true);
    assert.equal(after.attached, true);
    assert.deepEqual((await heldByUs()).programs, ["on_getpid"]);
  });

  test("a source that the verifier rejects leaves the old one attached", async () => {
    const before = await (await load("calls += 1; return 0;")).attach();
    await assert.rejects(load("return *(int *)(long)bpf_get_prandom_u32();"), { name: "VerifierError" });
    assert.equal(before.attached, true);
    assert.equal(await bpf.load(await bpf.compile(counter("calls += 1; return 0;"), { name: "counter" })), before);
  });

  test("keep hands a map over with what it holds", async () => {
    const before = await load("calls += 1; return 0;");
    before.maps.kept!.set(7, 77);
    const after = await load("calls += 2; return 0;", { keep: ["kept"] });
    assert.equal(after.maps.kept!.get(7), 77);
    const fresh = await load("calls += 3; return 0;");
    assert.equal(fresh.maps.kept!.get(7), undefined);
  });

  test("two loads of one name at once come one after the other", async () => {
    const bodies = [
      "calls += 1; return 0;",
      "calls += 2; return 0;",
      "return *(int *)(long)bpf_get_prandom_u32();",
      "calls += 3; return 0;",
    ];
    const [one, two, rejected, three] = await Promise.all(
      bodies.map((body) => bpf.compile(counter(body), { name: "counter" })),
    );
    const [first, same, other] = await Promise.all([bpf.load(one!), bpf.load(one!), bpf.load(two!)]);
    assert.equal(same, first);
    assert.deepEqual([first.closed, other.closed], [true, false]);
    await other.attach();
    const all = await Promise.allSettled([bpf.load(one!), bpf.load(rejected!), bpf.load(three!)]);
    assert.deepEqual(
      all.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    const last = (all[2] as PromiseFulfilledResult<typeof other>).value;
    assert.deepEqual(bpf.allRunning(), [last]);
    assert.equal(last.attached, true);
    assert.deepEqual((await heldByUs()).programs, ["on_getpid"]);
  });

  test("keep refuses a map that is not there, or is another one now", async () => {
    const before = await (await load("calls += 1; return 0;")).attach();
    await assert.rejects(
      load("calls += 2; return 0;", { keep: ["kapt"] }),
      /counter has no map "kapt"\.\nIt has: kept\./,
    );
    const changed = (from: string, to: string) =>
      bpf.compile(counter("calls += 2; return 0;").replace(from, to), { name: "counter" });
    const other = [
      await changed("__type(value, __u64)", "__type(value, __u32)"),
      await changed("__type(key, __u32)", "__type(key, __u64)"),
      await changed("BPF_MAP_TYPE_HASH", "BPF_MAP_TYPE_LRU_HASH"),
    ];
    for (const compiled of other)
      await assert.rejects(
        bpf.load(compiled, { keep: ["kept"] }),
        /^ArgumentError: keep: the map counter\.kept .* so its entries cannot be kept\./,
      );
    await assert.rejects(
      bpf.load(await changed("kept SEC", "renamed SEC"), { keep: ["kept"] }),
      /counter has no map "kept"\.\nIt has: renamed\./,
    );
    assert.equal(before.attached, true);
  });

  test("detaching and closing win over an attach that is under way", async () => {
    const object = await load("calls += 1; return 0;");
    const { on_getpid } = object.programs;
    const [one, two] = [object.attach(), on_getpid!.attach()];
    object.detach();
    await Promise.all([one, two]);
    assert.equal(object.attached, false);
    assert.equal((await heldByUs()).links, 0);

    // Many times over: whether the cancelled one reaches the hook first is a matter of luck.
    for (let i = 0; i < 20; i++) {
      const cancelled = object.attach();
      object.detach();
      await Promise.all([cancelled, object.attach()]);
      assert.equal(object.attached, true);
      assert.equal(idsOf("link_id").size, 1);
      object.detach();
    }

    const last = object.attach();
    object.close();
    await assert.rejects(last, { name: "ClosedError" });
    assert.equal((await heldByUs()).links, 0);
  });

  test("closing detaches, frees the maps and can be repeated", async () => {
    const object = await (await bpf.load("ringbuf")).attach();
    await collect(object.events("rb"), { seconds: 0.01 });
    object.close();
    object.close();
    object[Symbol.dispose]();
    assert.deepEqual(await heldByUs(), { programs: [], links: 0, maps: 0 });
  });
});
