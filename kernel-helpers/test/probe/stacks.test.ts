import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { charts, op, probe } from "../../dist/api/index.js";
import { atLeast } from "../../dist/base/machine.js";
import { Paused, writes } from "./paused.js";

describe("where it was", () => {
  test("the kernel's functions, as folded text that a flame graph takes", async () => {
    using dd = writes(100, 1);
    const table = await probe("tp/syscalls/sys_exit_write")
      .filter((d, $) => d.pid === $.pid)
      .params({ pid: dd.pid })
      .groupby("comm", "kernel_stack")
      .count()
      .collect({ until: () => dd.run() });
    const rows = table.objects() as { kernel_stack: string; count: number }[];
    assert.equal(new Set(rows.map((row) => row.kernel_stack)).size, rows.length, "a group a stack");
    assert.equal(
      rows.reduce((sum, { count }) => sum + count, 0),
      100,
    );
    assert.ok(
      rows.every(({ kernel_stack }) => /(^|;)do_syscall_64(;|$)/.test(kernel_stack)),
      rows[0]!.kernel_stack,
    );
    charts.flamegraph(table, { stack: "kernel_stack" });
  });
});

describe("functions of programs", () => {
  test("the process's stack: names, also of the caller at a function's entry and of a process that has ended", async () => {
    const directory = mkdtempSync(join(tmpdir(), "bpflab-stacks-"));
    try {
      const program = join(directory, "calls");
      writeFileSync(
        `${program}.c`,
        `#include <unistd.h>
__attribute__((noinline)) int leaf(int n) { __asm__ volatile(""); return n + 1; }
__attribute__((noinline)) int middle(int n) { return leaf(n) * 2; }
__attribute__((noinline)) int other(int n) { return leaf(n) * 3; }
int main(void) { int sum = 0; for (int i = 0; i < 30; i++) sum += middle(i) + (i % 3 ? 0 : other(i)); return usleep(300000) + sum == 1; }`,
      );
      execFileSync("cc", ["-O1", "-fno-omit-frame-pointer", "-o", program, `${program}.c`]);
      using twice = {
        pids: [new Paused(program), new Paused(program)],
        [Symbol.dispose]: () => twice.pids.forEach((one) => one[Symbol.dispose]()),
      };
      const table = await probe(`uprobe/${program}:leaf`)
        .groupby("comm", "user_stack")
        .rollup({
          n: op.count(),
          sum: op.sum("arg0"),
          mean: op.mean("arg0"),
          last: op.last("arg0"),
          all: op.linear("arg0", 0, 30, 10),
        })
        .collect({ until: () => Promise.all(twice.pids.map((one) => one.run())) });
      const rows = table.orderby("n").objects() as {
        user_stack: string;
        n: number;
        sum: number;
        mean: number;
        last: number;
        all: Float64Array;
      }[];
      // Two processes with two ways to leaf: functions alike are one group, whatever their addresses.
      assert.deepEqual(
        rows.map(({ user_stack, n, sum, mean, last, all }) => [
          user_stack.split(";").slice(-3).join(";"),
          n,
          sum,
          mean,
          last,
          ...all,
        ]),
        [
          ["main;other;leaf", 20, 270, 13.5, 27, 0, 8, 6, 6, 0],
          ["main;middle;leaf", 60, 870, 14.5, 29, 0, 20, 20, 20, 0],
        ],
      );
      assert.equal(probe.buckets(table, "all").numRows(), 6);
      assert.match(charts.flamegraph(table, { value: "n" }).text, /80 in 2 stacks/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("events have it too", async () => {
    // Since 2.41 the C library makes the call in a function that it tells nobody the name of.
    const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime: string } };
    const innermost = atLeast(header.glibcVersionRuntime, 2, 41)
      ? /(^|;)(_*syscall_cancel\w*|\[libc\.so\.6\])$/
      : /(^|;)(__GI_)?_*(libc_)?write$/;
    // A process has names while it lives.
    using sh = new Paused("sh", "-c", "for i in 1 2 3 4 5; do echo; done > /dev/null; sleep 0.3");
    const table = await probe("tp/syscalls/sys_enter_write")
      .filter((d, $) => d.pid === $.pid)
      .params({ pid: sh.pid })
      .select("comm", "user_stack", "kernel_stack")
      .collect({ until: () => sh.run() });
    const rows = table.objects() as { user_stack: string; kernel_stack: string }[];
    assert.equal(rows.length, 5);
    for (const { user_stack, kernel_stack } of rows) {
      assert.match(user_stack, innermost);
      assert.match(kernel_stack, /do_syscall_64;[^;]*trace/); // not what led from the hook to the program
      assert.doesNotMatch(kernel_stack, /bpf_prog_|perf_trace_|perf_syscall_enter/);
    }
  });

  test("what a function returns, by itself", async () => {
    using python = new Paused("/usr/bin/python3", "-c", "import ctypes; ctypes.CDLL(None).labs(ctypes.c_long(-41))");
    const table = await probe("uretprobe/libc.so.6:labs")
      .filter((d, $) => d.pid === $.pid)
      .params({ pid: python.pid })
      .select("ret")
      .collect({ until: () => python.run() });
    assert.deepEqual(table.objects(), [{ ret: 41 }]);
  });

  test("probes that a program's author put into it, with their arguments, in pairs", async () => {
    const script = "import gc; gc.disable(); [gc.collect(i % 3) for i in range(9)]";
    using python = new Paused("/usr/bin/python3", "-c", script);
    const table = await probe("usdt//usr/bin/python3:python:gc__start")
      .to("usdt//usr/bin/python3:python:gc__done")
      .filter((d, $) => d.pid === $.pid)
      .params({ pid: python.pid })
      .groupby({ generation: (d: any) => d.start_arg0 })
      .rollup({ n: op.count(), longest_ns: op.max("duration_ns") })
      .collect({ until: () => python.run() });
    const rows = table.orderby("generation").objects() as { generation: number; n: number; longest_ns: number }[];
    assert.deepEqual(
      rows.map(({ generation }) => generation),
      [0, 1, 2],
    );
    assert.ok(rows.every(({ n, longest_ns }) => n >= 3 && longest_ns > 0)); // the interpreter collects for itself too
  });

  test("calls of a library's function and what they return, paired by thread", async () => {
    using python = new Paused(
      "/usr/bin/python3",
      "-c",
      "import ctypes; [ctypes.CDLL(None).labs(ctypes.c_long(-7 - i)) for i in range(20)]",
    );
    const table = await probe("uprobe/libc.so.6:labs")
      .to("uretprobe/libc.so.6:labs")
      .filter((d, $) => d.pid === $.pid)
      .params({ pid: python.pid })
      .select("arg0", "ret")
      .collect({ until: () => python.run() });
    assert.deepEqual(
      table.objects(),
      Array.from({ length: 20 }, (_, i) => ({ arg0: -7 - i, ret: 7 + i })),
    );
  });

  test("what names no function says how it is written", async () => {
    await assert.rejects(probe("uprobe/libc.so.6").count().collect({ seconds: 0.1 }), /uprobe\/PATH:FUNCTION/);
    await assert.rejects(probe("usdt/libc.so.6:setjmp").count().collect({ seconds: 0.1 }), /usdt\/PATH:PROVIDER:NAME/);
    await assert.rejects(probe("profile:often").count().collect({ seconds: 0.1 }), /For example profile:99/);
  });
});
