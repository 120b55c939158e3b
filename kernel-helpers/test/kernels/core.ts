/**
 * What bpflab can do on the kernel that it runs on: compile, load, attach, count exactly, filter, rerun, end cleanly. Not a
 * test file: `npm run test:kernels` runs it on other kernels than this machine's. One line of JSON for each feature.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { bpf, collect, net } from "../../dist/api/index.js";
import { execa } from "execa";
import { idsOf } from "../workload/kernel-state.js";
import { until } from "../workload/until.js";
import { buildWriters } from "../workload/writers.js";

const index = JSON.stringify(new URL("../../dist/api/index.js", import.meta.url).href);
const bpflab = new URL("../../setup/bpflab.mjs", import.meta.url).pathname;
/** Patience with one feature on an emulated processor. */
const LIMIT_MS = 300_000;
const WRITES = 20_000;

const only = process.argv.slice(2);
const workload = await buildWriters();
let failures = 0;

/** Tries one feature, and says what became of it; what it returns is told with it. */
async function feature(name: string, attempt: () => Promise<unknown>): Promise<void> {
  if (only.length > 0 && !only.some((word) => name.includes(word))) return;
  const started = performance.now();
  const late = sleep(LIMIT_MS, undefined, { ref: false }).then(() => assert.fail("it has not ended in time"));
  const told = await Promise.race([attempt(), late]).then(
    (detail) => ({ ok: true, detail }),
    (error: Error) => ({ ok: false, detail: error.message }),
  );
  bpf.closeAll();
  if (!told.ok) failures++;
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  console.log(`FEATURE ${JSON.stringify({ name, ...told, seconds })}`);
}

/** How many lines of the trace pipe come of so many writes. */
async function traced(name: "minimal" | "hashmap", writes: number): Promise<number> {
  const dd = `read line; exec dd if=/dev/zero of=/dev/null bs=1 count=${writes} status=none`;
  const child = spawn("sh", ["-c", dd], { stdio: ["pipe", "ignore", "inherit"] });
  const ended = once(child, "close");
  const object = await bpf.load(name as "minimal", { globals: { watched_pid: child.pid! } });
  await object.attach();
  let lines = 0;
  const subscription = bpf.tracePipe().subscribe(({ pid }) => void (lines += Number(pid === child.pid)));
  child.stdin.end("go\n");
  await ended;
  await until("all lines have come", () => lines >= writes).catch(() => {}); // how many there are tells more
  await sleep(100); // and none too many
  subscription.unsubscribe();
  return lines;
}

await feature("doctor", async () => {
  const { exitCode, stdout } = await execa(process.execPath, [bpflab, "doctor"], { reject: false });
  const found = stdout.split("\n").filter((line) => /^(✗|–) /.test(line));
  assert.equal(exitCode, 0, found.join("; "));
  return found;
});
await feature("minimal", async () => assert.equal(await traced("minimal", 50), 50));
await feature("hashmap", async () => assert.equal(await traced("hashmap", 200), 200));
await feature("ringbuf", async () => {
  const writers = workload.start({ writes: WRITES });
  const ringbuf = await (await bpf.load("ringbuf", { globals: { watched_pid: writers.pid } })).attach();
  const table = await collect(ringbuf.events("rb"), { until: () => writers.run() });
  assert.equal(table.numRows(), WRITES);
  assert.deepEqual([...new Set(table.array("comm") as string[])], ["writers"]);
});
await feature("stats", async () => {
  const writers = workload.start({ writes: WRITES });
  const stats = await (await bpf.load("stats", { globals: { watched_pid: writers.pid } })).attach();
  await writers.run();
  const rows = stats.maps.stats_map.table().objects() as { pid: number; fd: number; writes: number }[];
  const ours = rows.filter(({ pid }) => pid === writers.pid).map(({ fd, writes }) => [fd, writes]);
  assert.deepEqual(
    ours.map(([, writes]) => writes),
    [WRITES],
    JSON.stringify(ours),
  );
});
await feature("stats, records", async () => {
  const writers = workload.start({ writes: 1000 });
  const stats = await (await bpf.load("stats", { globals: { watched_pid: writers.pid, every_n: 100 } })).attach();
  const table = await collect(stats.events("rb"), { until: () => writers.run() });
  assert.equal(table.numRows(), 10);
});
for (const method of ["tcx", "clsact"] as const)
  await feature(`tc_icmp_filter, ${method}`, async () => {
    const lab = await net.playground();
    try {
      const filter = await bpf.load("tc_icmp_filter");
      await filter.attach({ interface: lab.interface, method });
      Object.assign(filter.globals, { mode: "filter", threshold: 50, block_seconds: 0 });
      const [peer] = lab.peers;
      for (const family of [4, 6] as const) {
        const { sent, received } = await peer!.ping({ count: 120, flood: true, family, timeoutMs: 500 });
        assert.deepEqual([sent, received], [120, 50], `IPv${family}`);
      }
      filter.close();
      assert.equal((await peer!.ping({ count: 20, intervalMs: 5 })).received, 20);
    } finally {
      lab.close();
    }
  });

const program = (section: string, context: string, result: number) => `#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";
__u64 calls = 0;
SEC("${section}") int on_call(${context})
{
	__sync_fetch_and_add(&calls, 1);
	return ${result};
}`;

const touch = () => void spawnSync("rm", ["-f", "/tmp/nothing-of-this-name"]);
const registers = "struct pt_regs *ctx";
for (const [section, context] of [
  ["tp/sched/sched_process_exec", "void *ctx"],
  ["raw_tp/sched_process_exec", "void *ctx"],
  ["tp_btf/sched_process_exec", "void *ctx"],
  ["kprobe/do_unlinkat", registers],
  ["kretprobe/vfs_read", registers],
  ["ksyscall/openat", registers],
  ["kprobe.multi/vfs_*", registers],
  ["fentry/vfs_read", "void *ctx"],
  ["fexit/vfs_read", "void *ctx"],
  ["lsm/file_open", "void *ctx"],
  ["uprobe//usr/lib/x86_64-linux-gnu/libc.so.6:getenv", registers],
] as const)
  await feature(section.split(/[/]/)[0]!, async () => {
    const object = await bpf.load(await bpf.compile(program(section, context, 0), { name: "hook" }));
    await object.attach();
    touch();
    assert.ok((object.globals["calls"] as number) > 0, "attached, and never called");
  });

await feature("a rerun replaces", async () => {
  const load = async (result: number) =>
    bpf.load(await bpf.compile(program("tp/sched/sched_process_exec", "void *ctx", result), { name: "again" }));
  const first = await (await load(0)).attach();
  const second = await load(1);
  touch();
  assert.deepEqual([first.closed, second.attached, (second.globals["calls"] as number) > 0], [true, true, true]);
});
await feature("maps", async () => {
  const map = (name: string, type: string, key: string, flags = "0") =>
    `struct { __uint(type, BPF_MAP_TYPE_${type}); __uint(max_entries, 64); __uint(map_flags, ${flags}); __type(key, ${key}); __type(value, __u64); } ${name} SEC(".maps");`;
  const source = `${program("tp/sched/sched_process_exec", "void *ctx", 0)}
struct prefix { __u32 length; __u32 address; };
${map("hash", "HASH", "__u32")} ${map("lru", "LRU_HASH", "__u32")} ${map("array", "ARRAY", "__u32")}
${map("shares", "PERCPU_HASH", "__u32")} ${map("trie", "LPM_TRIE", "struct prefix", "BPF_F_NO_PREALLOC")}`;
  const { maps } = await bpf.load(await bpf.compile(source, { name: "maps" }));
  for (let i = 0; i < 50; i++) {
    maps["hash"]!.set(i, i);
    maps["lru"]!.set(i, i);
    maps["trie"]!.set({ length: 32, address: i }, i);
  }
  const entries = Object.fromEntries(
    ["hash", "lru", "array", "shares", "trie"].map((name) => [name, maps[name]!.entries().length]),
  );
  assert.deepEqual(entries, { hash: 50, lru: 50, array: 64, shares: 0, trie: 50 });
});
await feature("a program's cost", async () => {
  const ringbuf = await (await bpf.load("ringbuf")).attach();
  ringbuf.programs.handle_exit.stats();
  touch();
  await sleep(100);
  assert.ok(ringbuf.programs.handle_exit.stats().runs > 0);
});
await feature("a killed owner's clsact is swept", async () => {
  const lab = await net.playground();
  try {
    const qdiscs = async () => (await execa("tc", ["qdisc", "show", "dev", lab.interface])).stdout;
    const lines = `import { bpf } from ${index}; const filter = await bpf.load("tc_icmp_filter"); await filter.attach({ interface: "${lab.interface}", method: "clsact" }); console.log("attached"); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", lines], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    child.kill("SIGKILL");
    await once(child, "close");
    assert.match(await qdiscs(), /clsact/);
    await net.sweep();
    assert.doesNotMatch(await qdiscs(), /clsact/);
  } finally {
    lab.close();
  }
});
await feature("a verifier's refusal is explained", async () => {
  const source = program("tp/sched/sched_process_exec", "void *ctx", 0).replace(
    "return 0",
    "int *nowhere = 0; return *nowhere",
  );
  await assert.rejects(bpf.load(await bpf.compile(source, { name: "refused" })), { name: "VerifierError" });
});
await feature("a clean end", async () => {
  await until("no program and no link is left", () => idsOf("prog_id").size === 0 && idsOf("link_id").size === 0);
  assert.equal((await execa("ip", ["netns", "list"])).stdout, "");
});
await workload.remove();
console.log(`FEATURES-END ${failures}`);
process.exit(failures > 0 ? 1 : 0);
