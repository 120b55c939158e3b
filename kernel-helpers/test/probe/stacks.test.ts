import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { charts, probe } from "../../dist/api/index.js";
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
