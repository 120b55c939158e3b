import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, test } from "node:test";
import { bpf, type BpfObject, type Hook } from "../../../dist/api/index.js";
import { functionHook, whyTracepoints } from "../../../dist/bpf/link/system-calls.js";
import { callMkfifo, counts, hits, python, useHookLab } from "../../workload/hook-lab.js";
import { congestionControl, counting, loadText, sendUnderControl } from "../../workload/programs.js";
import { until } from "../../workload/until.js";

// A small program for each kind of hook that traces, driven by what it is there for, and read with the right count.

useHookLab();

describe("user space", () => {
  const uprobes: [name: string, section: string, on: Hook | undefined, expected: number][] = [
    ["uprobe, named by options", "uprobe", { path: "libc.so.6", function: "mkfifo" }, 10],
    ["uprobe, named by SEC()", "uprobe/libc.so.6:mkfifo", undefined, 10],
    ["uretprobe", "uretprobe/libc.so.6:mkfifo", undefined, 10],
    ["uprobe.multi by a pattern", "uprobe.multi/libc.so.6:mkfif*", undefined, 10],
    ["uretprobe.multi by names", "uretprobe.multi", { path: "libc.so.6", functions: ["mkfifo", "mkfifoat"] }, 10],
  ];
  for (const [name, section, on, expected] of uprobes)
    test(name, async () => {
      await counts(counting(section, "void"), on, () => callMkfifo(10), expected);
    });

  test("uprobe of one process, with a cookie", async () => {
    const child = spawn("/usr/bin/python3", ["-c", "import os\nwhile input(): os.getppid(); print(flush=True)"]);
    try {
      const object = await loadText(
        "hook",
        'SEC("uprobe") int count(void *ctx) { __sync_fetch_and_add(&hits, bpf_get_attach_cookie(ctx)); return 0; }',
      );
      await object.attach({ path: "libc.so.6", function: "getppid", pid: child.pid!, cookie: 2n ** 40n });
      const ask = async () => {
        child.stdin.write("x\n");
        await once(child.stdout, "data");
      };
      assert.equal(
        await hits(object, async () => {
          await ask();
          await ask();
          callMkfifo(10);
        }),
        2 * 2 ** 40,
      );
    } finally {
      child.kill();
      await once(child, "close");
    }
  });

  const usdt = `#include <bpf/usdt.bpf.h>
SEC("usdt") int count(struct pt_regs *ctx)
{
	long generation = 0;

	bpf_usdt_arg(ctx, 0, &generation);
	__sync_fetch_and_add(&hits, generation * 1000 + bpf_usdt_cookie(ctx));
	return 0;
}`;
  test("usdt, with its argument and a cookie", async () => {
    const script = "import gc\ngc.disable()\nprint(flush=True)\nwhile input(): gc.collect(2); print(flush=True)";
    const child = spawn("/usr/bin/python3", ["-c", script]);
    try {
      await once(child.stdout, "data");
      const object = await loadText("hook", usdt);
      const on = { path: "/usr/bin/python3", provider: "python", probe: "gc__start", cookie: 7, pid: child.pid! };
      await object.attach(on);
      const collect = async () => {
        child.stdin.write("x\n");
        await once(child.stdout, "data");
      };
      assert.equal(await hits(object, collect), 2007);
      object.detach();
      assert.equal(await hits(object, collect), 0);
    } finally {
      child.kill();
      await once(child, "close");
    }
  });
});

describe("perf events", () => {
  const spin = "const end = Date.now() + 400; while (Date.now() < end);";

  test("sampling one process at a frequency", async () => {
    const child = spawn(process.execPath, ["-e", `process.stdin.once("data", () => { ${spin} process.exit() })`]);
    const object = await loadText("hook", counting("perf_event", "void"));
    await object.attach({ frequency: 1000, pid: child.pid! });
    const count = await hits(object, async () => {
      child.stdin.write("go\n");
      await once(child, "close");
    });
    assert.ok(count > 20 && count < 2000, `${count} samples`);
    assert.match(object.programs["count"]!.where!, /^1000 Hz of cpu-clock of process \d+ on all CPUs$/);
  });

  test("sampling a CPU, and an event by its period", async () => {
    const object = await loadText("hook", counting("perf_event", "void"));
    await object.attach({ frequency: 99, cpu: 0 });
    await until(
      "CPU 0 is sampled",
      () =>
        Number(object.globals["hits"]) > 0 || (spawnSync("taskset", ["-c", "0", process.execPath, "-e", spin]), false),
    );
    await object.attach({ period: 1, event: "page-faults" });
    assert.ok((await hits(object, () => python("bytearray(1 << 22)"))) > 500);
  });
});

describe("the kernel", () => {
  test("a system call: by its function where doctor says so, by its tracepoint when asked", async () => {
    const where = async (constants?: { syscall_by_fentry: boolean }) => {
      const object = await (await bpf.load("ringbuf", constants ? { constants } : {})).attach();
      return Object.values(object.programs).map((program) => program.where);
    };
    const tracepoints = ["tracepoint syscalls/sys_enter_write", "tracepoint syscalls/sys_exit_write"];
    const functions = [functionHook("tp/syscalls/sys_enter_write"), functionHook("tp/syscalls/sys_exit_write")].map(
      (hook) => `${hook!.kind === "enter" ? "fentry" : "fexit"} ${hook!.name}`,
    );
    assert.deepEqual(await where(), whyTracepoints() === undefined ? functions : tracepoints);
    assert.deepEqual(await where({ syscall_by_fentry: false }), tracepoints);
    assert.equal(functionHook("tp/sched/sched_switch"), undefined);
  });

  test("tp, raw_tp and tp_btf, attached together", async () => {
    const object = await loadText(
      "hook",
      ["tp/sched/sched_switch", "raw_tp/sched_switch", "tp_btf/sched_switch"]
        .map((section, i) =>
          counting(section, "void").replace("count", `by_${i}`).replace(/\{/, "{ if (0) return ctx != 0;"),
        )
        .join(""),
    );
    await object.attach();
    assert.ok((await hits(object, () => sleep(20))) > 0);
    assert.deepEqual(
      Object.values(object.programs).map((program) => program.where),
      ["tracepoint sched/sched_switch", "raw_tp sched_switch", "tp_btf sched_switch"],
    );
  });

  test("tp and raw_tp that name no tracepoint, with an option", async () => {
    const text = counting("tp", "void") + counting("raw_tp", "void").replace("count", "raw");
    const object = await loadText("hook", text);
    await object.programs["count"]!.attach({ tracepoint: "sched/sched_switch" });
    assert.ok((await hits(object, () => sleep(20))) > 0);
    object.detach();
    await object.programs["raw"]!.attach({ tracepoint: "sched_switch" });
    assert.ok((await hits(object, () => sleep(20))) > 0);
    assert.equal(object.programs["raw"]!.where, "raw_tp sched_switch");
  });

  test("an iterator prints what it walks over", async () => {
    const object = await loadText(
      "hook",
      `SEC("iter/task") int list(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (task && task->pid == task->tgid)
		BPF_SEQ_PRINTF(ctx->meta->seq, "%d\\n", task->pid);
	return 0;
}`,
    );
    assert.throws(() => object.programs["list"]!.read(), /The iterator list is not attached\./);
    await object.attach();
    assert.ok(object.programs["list"]!.read().split("\n").includes(String(process.pid)));
    await object.programs["list"]!.attach({ pid: process.pid });
    assert.equal(object.programs["list"]!.read(), `${process.pid}\n`);
  });

  test("an iterator over the elements of a map", async () => {
    const object = await loadText(
      "hook",
      `struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, __u32); } squares SEC(".maps");
SEC("iter/bpf_map_elem") int list(struct bpf_iter__bpf_map_elem *ctx)
{
	__u32 *key = ctx->key, *value = ctx->value;

	if (key && value)
		BPF_SEQ_PRINTF(ctx->meta->seq, "%u %u\\n", *key, *value);
	return 0;
}`,
    );
    for (const i of [1, 2, 3]) object.maps["squares"]!.set(i, i * i);
    await object.attach({ map: object.maps["squares"]! });
    assert.deepEqual(object.programs["list"]!.read().trim().split("\n").sort(), ["1 1", "2 4", "3 9"]);
  });

  test("an iterator as a table: words of lines, with a head or names, and records", async () => {
    const object = await loadText(
      "hook",
      `struct task_row { __u32 pid; char comm[16]; __u64 start_ns; };
SEC("iter/task") int lines(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (task && ctx->meta->seq_num == 0)
		BPF_SEQ_PRINTF(ctx->meta->seq, "pid comm\\n");
	if (task && task->pid == task->tgid)
		BPF_SEQ_PRINTF(ctx->meta->seq, "%d %s\\n", task->pid, task->comm);
	return 0;
}
SEC("iter/task") int records(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct task_row row = {};

	if (!task || task->pid != task->tgid)
		return 0;
	row.pid = task->pid;
	row.start_ns = task->start_time;
	bpf_probe_read_kernel_str(row.comm, sizeof(row.comm), task->comm);
	bpf_seq_write(ctx->meta->seq, &row, sizeof(row));
	return 0;
}`,
    );
    await object.attach();
    const comm = readFileSync("/proc/self/comm", "utf8").trim();
    const own = (table: ReturnType<BpfObject["rows"]>) => table.objects().find((row) => row["pid"] === process.pid);
    assert.deepEqual(own(object.rows("lines")), { pid: process.pid, comm });
    assert.deepEqual(object.rows("lines", { columns: ["id", "name"] }).columnNames(), ["id", "name"]);
    const row = own(object.rows("records", { record: "task_row" }))!;
    assert.equal(row["comm"], comm);
    assert.ok((row["start_ns"] as number) > 0);
    assert.throws(() => object.rows("records"), /hook\.records prints no text\.\nIf it writes structs/);
    assert.throws(() => object.rows("lines", { record: "nosuch" }), /hook has no struct nosuch/);
    assert.throws(() => object.rows("lines", { column: [] } as never), /rows takes no option "column"/);
  });

  test("a syscall program is run by hand, and changes its context", async () => {
    const object = await loadText(
      "hook",
      'struct numbers { int half, whole; }; SEC("syscall") int twice(struct numbers *ctx) { ctx->whole = 2 * ctx->half; return 7; }',
    );
    const context = Buffer.alloc(8);
    context.writeInt32LE(21, 0);
    assert.equal(object.programs["twice"]!.testRun({ context }).retval, 7);
    assert.equal(context.readInt32LE(4), 42);
  });

  for (const section of [".struct_ops", ".struct_ops.link"])
    test(`a congestion control in ${section}`, async () => {
      const isThere = () =>
        readFileSync("/proc/sys/net/ipv4/tcp_available_congestion_control", "utf8").includes("bpflab_test");
      const first = await loadText("control", congestionControl(section, 10));
      await first.attach();
      assert.ok(isThere());
      assert.ok((await hits(first, () => python(sendUnderControl))) > 0);
      const second = await loadText("control", congestionControl(section, 12));
      assert.deepEqual([first.closed, second.attached, isThere()], [true, true, true]);
      second.close();
      assert.equal(isThere(), false);
    });
});
