import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { op, probe } from "../../dist/api/index.js";

/** bpftrace's way to write a hook, and what the error says. */
const hooks: [string, RegExp][] = [
  ["kprobe:vfs_*", /did you mean kprobe\/vfs_\*\?/],
  ["k:vfs_read", /did you mean kprobe\/vfs_read\?/],
  ["kfunc:vmlinux:vfs_read", /did you mean fentry\/vfs_read\?/],
  ["kretfunc:vfs_read", /did you mean fexit\/vfs_read\?/],
  ["t:sched:sched_switch", /did you mean tp\/sched\/sched_switch\?/],
  ["rawtracepoint:sys_enter", /did you mean raw_tp\/sys_enter\?/],
  ["uprobe:/bin/bash:readline", /did you mean uprobe\/\/bin\/bash:readline\?/],
  ["usdt:/usr/bin/python3:gc__start", /did you mean usdt\/\/usr\/bin\/python3:PROVIDER:gc__start\?/],
  ["profile:hz:99", /did you mean profile:99\?/],
  ["profile:ms:10", /did you mean profile:100\?/],
  ["interval:s:5", /did you mean interval:5\?/],
  ["interval:ms:100", /did you mean interval:0\.1\?/],
  ["BEGIN", /TypeScript around the question/],
  ["software:faults:1", /no hooks of this kind: write the program in C/],
];

describe("what bpftrace calls otherwise is said", () => {
  test("hooks", () => {
    for (const [text, says] of hooks) assert.throws(() => probe(text), says, text);
    probe("tracepoint:sched:sched_switch"); // this is understood
    for (const own of ["profile:99", "interval:0.5", "uprobe/libc.so.6:malloc", "tp/sched/sched_switch"]) probe(own);
  });

  const read = () => probe("tp/syscalls/sys_exit_read");
  const asked: [string, { source(): Promise<unknown> }, RegExp][] = [
    ["args", read().filter((d: any) => d.args.ret > 0), /d\.NAME for bpftrace's args\.NAME/],
    ["nsecs", read().select("nsecs"), /bpftrace's nsecs is time_ns here\. All of them are time_ns, .* and ret\./],
    ["kstack", read().groupby("kstack").count(), /bpftrace's kstack is kernel_stack here/],
    ["retval", read().filter((d: any) => d.retval > 0), /bpftrace's retval is ret here/],
    ["hist", read().rollup({ x: "op.hist(d.ret)" }), /op\.log2\(d\.ret\) counts by powers of two/],
    ["avg", read().rollup({ x: "op.avg(d.ret)" }), /op\.mean\(d\.ret\)/],
    ["a column without its row", read().filter("ret > 0"), /Write d\.ret for the column/],
    ["what takes all values", read().rollup({ x: (d: any) => op.median(d.ret) }), /takes all the values: collect/],
  ];
  for (const [what, question, says] of asked) test(what, () => assert.rejects(question.source(), says));
});
