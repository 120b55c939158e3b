import assert from "node:assert/strict";
import { closeSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { bpf } from "../../dist/api/index.js";
import { tracefs } from "../../dist/bpf/link/tracefs.js";
import { parseTraceLine, TraceParser, tracePipeRead, type TraceLine } from "../../dist/streams/trace-pipe.js";
import { buildWriters } from "../workload/writers.js";

describe("trace pipe lines", () => {
  const line = (comm: string, rest = "") =>
    `${comm.padStart(16)}-4711    [001] d..21  2419.647683: bpf_trace_printk: hello${rest}`;

  test("are read whatever a process calls itself", () => {
    for (const comm of ["cat", "my app", "a-1 [000] b", "x: y", "tmux: server"]) {
      assert.deepEqual(parseTraceLine(line(comm)), {
        comm,
        pid: 4711,
        cpu: 1,
        timestamp_ns: 2419647683000,
        message: "hello",
        lost: 0,
      });
    }
  });

  test("with the option record-tgid too", () => {
    const text = "             cat-4711    (   4711) [001] d..21  2419.647683: bpf_trace_printk: hello";
    assert.equal(parseTraceLine(text)?.pid, 4711);
  });

  test("of others than bpf_printk are passed over", () => {
    assert.equal(parseTraceLine("  cat-1 [000] d..1 1.000001: sys_enter: NR 1"), undefined);
    assert.equal(parseTraceLine("CPU:1 [LOST 12 EVENTS]"), undefined);
  });

  test("come whole from chunks cut anywhere, with what their CPU lost before them", () => {
    const text = `${line("a")}\nCPU:1 [LOST 12 EVENTS]\n${line("b", " world")}\n${line("c")}\n`;
    for (let cut = 0; cut < text.length; cut += 7) {
      const parser = new TraceParser();
      const lines = [...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))];
      assert.deepEqual(
        lines.map((l) => [l.comm, l.message, l.lost]),
        [
          ["a", "hello", 0],
          ["b", "hello world", 12],
          ["c", "hello", 0],
        ],
      );
    }
  });
});

describe("the printing programs, through the trace pipe", () => {
  let workload: Awaited<ReturnType<typeof buildWriters>>;
  before(async () => void (workload = await buildWriters()));
  after(async () => {
    bpf.closeAll();
    await workload.remove();
  });

  /** What is printed while something runs. */
  async function linesWhile(run: () => Promise<unknown>): Promise<TraceLine[]> {
    const lines: TraceLine[] = [];
    const subscription = bpf.tracePipe().subscribe((line) => lines.push(line));
    await run();
    await sleep(200);
    subscription.unsubscribe();
    return lines;
  }

  test("minimal prints each write of the watched process and of no other", async () => {
    const [watched, other] = [workload.start({ writes: 50, bytes: 7 }), workload.start({ writes: 50, bytes: 8 })];
    const minimal = await (await bpf.load("minimal", { globals: { watched_pid: watched.pid } })).attach();
    const lines = await linesWhile(() => Promise.all([watched.run(), other.run()]));
    minimal.close();
    assert.equal(
      lines.filter((line) => line.message === `process ${watched.pid} writes 7 bytes to descriptor 3`).length,
      50,
    );
    assert.equal(lines.filter((line) => line.message.startsWith(`process ${other.pid} `)).length, 0);
    assert.ok(lines.every((line) => line.comm === "writers" && line.lost === 0));
  });

  test("every reader gets every line, in this process and in others; a killed one's buffers are removed", async () => {
    const writers = workload.start({ writes: 100 });
    const minimal = await (await bpf.load("minimal", { globals: { watched_pid: writers.pid } })).attach();
    const script = `import { bpf } from ${JSON.stringify(new URL("../../dist/api/index.js", import.meta.url).href)};
      let lines = 0;
      bpf.tracePipe().subscribe(({ message }) => message.startsWith("process ${writers.pid} ") && console.log(++lines));
      console.log("ready");
      setTimeout(() => {}, 60_000);`;
    const other = execa(process.execPath, ["--input-type=module", "-e", script], { reject: false, buffer: false });
    try {
      const rows = other.iterable();
      assert.equal((await rows.next()).value, "ready");
      let here = 0;
      const subscription = bpf.tracePipe().subscribe(({ message }) => {
        if (message.startsWith(`process ${writers.pid} `)) here++;
      });
      await writers.run();
      let there = 0;
      while (there < 100) there = Number((await rows.next()).value);
      for (let i = 0; i < 100 && here < 100; i++) await sleep(10);
      subscription.unsubscribe();
      assert.deepEqual([here, there], [100, 100]);
    } finally {
      minimal.close();
      other.kill("SIGKILL");
      await other;
    }
    const instance = (pid: number) =>
      readdirSync(join(tracefs(), "instances")).filter((one) => one.endsWith(`-${pid}`));
    assert.equal(instance(other.pid!).length, 1, "it could not remove its own");
    const third = await execa(process.execPath, [
      "--input-type=module",
      "-e",
      `${script.split("\n")[0]!} bpf.tracePipe().subscribe().unsubscribe(); console.log(process.pid);`,
    ]);
    assert.deepEqual([instance(other.pid!), instance(Number(third.stdout))], [[], []]);
  });

  for (const [ending, code, signal] of [
    ["process.exit(3)", 3, undefined],
    ['process.kill(process.pid, "SIGTERM")', undefined, "SIGTERM"],
  ] as const)
    test(`a process that ends by ${ending} while it reads leaves no buffers`, async () => {
      const ended = await execa(
        process.execPath,
        [
          "--input-type=module",
          "-e",
          `import { bpf } from ${JSON.stringify(new URL("../../dist/api/index.js", import.meta.url).href)};
            bpf.tracePipe().subscribe();
            console.log(process.pid);
            ${ending};
            setTimeout(() => {}, 60_000);`,
        ],
        { reject: false },
      );
      assert.deepEqual([ended.exitCode, ended.signal, ended.stderr], [code, signal, ""]);
      const left = readdirSync(join(tracefs(), "instances")).filter((one) => one.endsWith(`-${ended.stdout}`));
      assert.deepEqual(left, []);
    });

  test("one that leaves in the middle is let go at once: its descriptor is another file's from then on", async () => {
    const writers = workload.start({ writes: 20 });
    const minimal = await (await bpf.load("minimal", { globals: { watched_pid: writers.pid } })).attach();
    const text = "not for the trace pipe";
    const file = join(tmpdir(), `bpflab-trace-pipe-${process.pid}`);
    writeFileSync(file, text);
    let fds: number[] = [];
    let lines = 0;
    const subscription = bpf.tracePipe().subscribe(() => {
      lines++;
      subscription.unsubscribe();
      fds = Array.from({ length: 50 }, () => openSync(file, "r"));
      rmSync(file);
    });
    await writers.run();
    await sleep(100);
    minimal.close();
    const unread = fds.filter((fd) => readFileSync(fd, "utf8") === text);
    fds.forEach((fd) => closeSync(fd));
    assert.deepEqual([lines, unread.length], [1, 50]);
  });

  test("hashmap prints the duration of each write, and its map is empty when no write is under way", async () => {
    const writers = workload.start({ writes: 50 });
    const hashmap = await (await bpf.load("hashmap", { globals: { watched_pid: writers.pid } })).attach();
    let tid = 0;
    const lines = await linesWhile(async () => void (tid = (await writers.run())[0]!.tid));
    const durations = lines
      .filter((line) => line.pid === tid)
      .flatMap((line) => /^write to descriptor 3 took (\d+) ns$/.exec(line.message)?.[1] ?? []);
    assert.equal(durations.length, 50);
    assert.ok(durations.every((duration) => Number(duration) > 0));
    assert.deepEqual(hashmap.maps.match_map.entries(), []);
    assert.equal(hashmap.globals.unmatched, 0);
    hashmap.close();
  });

  test("a write that is under way stands in match_map, under its thread", async () => {
    const writers = workload.start({ writes: 4, bytes: 4096, slow_us: 200_000 });
    const hashmap = await (await bpf.load("hashmap", { globals: { watched_pid: writers.pid } })).attach();
    const done = writers.run();
    let seen: [number, { ts: number; fd: number }][] = [];
    for (let i = 0; i < 100 && seen.length === 0; i++) {
      await sleep(10);
      seen = hashmap.maps.match_map.entries();
    }
    const [thread] = await done;
    assert.equal(seen.length, 1);
    assert.equal(seen[0]![0], thread!.tid);
    assert.equal(seen[0]![1].fd, thread!.fd);
    assert.ok(seen[0]![1].ts > 0);
    hashmap.close();
  });
});

test("all that was printed is there once the pipe has been read, however much it is", async () => {
  const source = `#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";
u32 my_pid = 0;
SEC("tp/syscalls/sys_enter_pwrite64")
int enter(struct trace_event_raw_sys_enter *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 == my_pid)
		bpf_printk("%lu", ctx->args[3]);
	return 0;
}
`;
  const printing = await bpf.load(await bpf.compile(source, { name: "printing" }), {
    globals: { my_pid: process.pid },
  });
  await printing.attach();
  const seen: number[] = [];
  const subscription = bpf.tracePipe().subscribe(({ pid, message }) => {
    if (pid === process.pid) seen.push(Number(message));
  });
  const nowhere = openSync("/dev/null", "w");
  try {
    const all = Array.from({ length: 5000 }, (_, i) => i);
    for (const i of all) writeSync(nowhere, "x", i);
    assert.deepEqual(seen, []);
    assert.equal(await tracePipeRead(20_000), true);
    assert.deepEqual(seen, all);
    subscription.unsubscribe();
    assert.equal(await tracePipeRead(50), false, "nobody reads");
  } finally {
    subscription.unsubscribe();
    closeSync(nowhere);
    printing.close();
  }
});
