/**
 * What bpflab can do on the kernel that it runs on: compile, load, attach, count exactly, filter, rerun, end cleanly. Not a
 * test file: `npm run test:kernels` runs it on other kernels than this machine's.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { bpf, net } from "../../dist/api/index.js";
import { execa } from "execa";
import { idsOf } from "../workload/kernel-state.js";
import { counting, loadText } from "../workload/programs.js";
import { until } from "../workload/until.js";
import { end, feature } from "./feature.js";
import { tryHooks } from "./hooks.js";
import { tryQuestions } from "./questions.js";
import { tryShipped } from "./shipped.js";

const index = JSON.stringify(new URL("../../dist/api/index.js", import.meta.url).href);
const bpflab = new URL("../../setup/bpflab.mjs", import.meta.url).pathname;
const touch = () => void spawnSync("rm", ["-f", "/tmp/nothing-of-this-name"]);

await feature("doctor", async () => {
  const { exitCode, stdout } = await execa(process.execPath, [bpflab, "doctor"], { reject: false });
  const found = stdout.split("\n").filter((line) => /^(✗|–) /.test(line));
  for (const line of stdout.split("\n")) console.log(line);
  assert.equal(exitCode, 0, found.join("; "));
});
await tryShipped();
await tryHooks();
await tryQuestions();
await feature("a rerun replaces", async () => {
  const load = (result: number) => loadText("again", counting("tp/sched/sched_process_exec", "void", result));
  const first = await (await load(0)).attach();
  const second = await load(1);
  touch();
  assert.deepEqual([first.closed, second.attached, Number(second.globals["hits"]) > 0], [true, true, true]);
});
await feature("maps", async () => {
  const map = (name: string, type: string, key: string, flags = "0") =>
    `struct { __uint(type, BPF_MAP_TYPE_${type}); __uint(max_entries, 64); __uint(map_flags, ${flags}); __type(key, ${key}); __type(value, __u64); } ${name} SEC(".maps");`;
  const source = `${counting("tp/sched/sched_process_exec", "void")}
struct prefix { __u32 length; __u32 address; };
${map("hash", "HASH", "__u32")} ${map("lru", "LRU_HASH", "__u32")} ${map("array", "ARRAY", "__u32")}
${map("shares", "PERCPU_HASH", "__u32")} ${map("trie", "LPM_TRIE", "struct prefix", "BPF_F_NO_PREALLOC")}`;
  const { maps } = await loadText("maps", source);
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
  const source = counting("tp/sched/sched_process_exec", "void").replace(
    "return 0",
    "int *nowhere = 0; return *nowhere",
  );
  await assert.rejects(loadText("refused", source), { name: "VerifierError" });
});
await feature("what it lacks is named", async () => {
  const onExec = (body: string) => `SEC("tp/sched/sched_process_exec") int on_exec(void *ctx) { ${body} }`;
  const newer = [
    onExec("return __sync_fetch_and_add(&hits, 1) > 5;"),
    // By their numbers: what a kernel lacks is not in its vmlinux.h. Task storage, and a Bloom filter.
    `struct { __uint(type, 29); __uint(map_flags, 1); __type(key, int); __type(value, __u64); } of_task SEC(".maps");\n${onExec("return 0;")}`,
    `struct { __uint(type, 30); __uint(max_entries, 8); __type(value, __u64); } seen SEC(".maps");\n${onExec("return 0;")}`,
  ];
  const refused: string[] = [];
  for (const text of newer)
    await loadText("newer", text).catch((error: Error) => {
      assert.match(error.message, /came with Linux \d/);
      refused.push(error.message);
    });
  return refused.length === 0 ? "it lacks nothing" : `${refused.length} of ${newer.length}`;
});
await feature("a clean end", async () => {
  await until("no program and no link is left", () => idsOf("prog_id").size === 0 && idsOf("link_id").size === 0);
  assert.equal((await execa("ip", ["netns", "list"])).stdout, "");
});
end();
