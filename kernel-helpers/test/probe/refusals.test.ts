import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { op, probe, ProbeError, type Probe } from "../../dist/api/index.js";

const exit = () => probe("tp/syscalls/sys_exit_read");
const limit = 3;

/** What is asked, and what the refusal has to say: the verb, the part that carets mark, and what to write. */
const refused: [what: string, asked: Probe<any>, ...says: RegExp[]][] = [
  [
    "an unknown column",
    exit().filter((d) => d.rett > 0),
    /filter: there is no column "rett"/,
    /\n {2}\(d\) => d\.rett > 0\n {9}\^{6}\n/,
    /nearest is ret/,
  ],
  ["a closure", exit().filter((d) => d.ret > limit), /cannot see the variable limit/, /\.params\(\{ limit \}\)/],
  [
    "a fraction",
    exit().derive({ half: (d) => d.ret / 2 }),
    /derive of half: a quotient is a fraction/,
    /Math\.floor\(d\.ret \/ 2\)/,
  ],
  ["a number that is none", exit().filter("d.ret > 1.5"), /no fractions/, /\^{3}/],
  [
    "a loop",
    exit().filter((d) => {
      for (;;) d.x();
    }),
    /no loops/,
  ],
  [
    "statements",
    exit().filter((d) => {
      const x = d.ret;
      return x > 0;
    }),
    /no statements/,
    /derive\(\)/,
  ],
  ["a function", exit().filter("[1].some(x => x == d.ret)"), /no function \[1\]\.some/],
  [
    "an unknown function",
    exit().filter((d) => Math.sqrt(d.ret) > 3),
    /no function Math\.sqrt/,
    /arquero does it with the table/,
  ],
  ["a misspelt function", exit().filter((d) => (op as any).startwith(d.comm, "a")), /nearest is op\.startswith/],
  ["a function of nobody's", exit().filter("JSON.floor(d.ret) > 3"), /no function JSON\.floor/],
  ["a sum as a function", exit().filter("op.max(d.ret, 1) > 3"), /belongs into rollup\(\)\. .* Math\.max\(a, b\)/],
  ["NaN", exit().filter("d.ret === NaN"), /computes with integers, and has no NaN/],
  ["undefined", exit().filter("d.ret === undefined"), /nothing is undefined in the kernel/, /compare with null/],
  ["a column of nothing", exit().select({ x: "null" }), /column x is null/, /a \? b : null/],
  ["values with commas", exit().filter("(1, d.ret)"), /one value, not several/],
  ["this", exit().filter("this.ret > 1"), /no this/, /d => d\.pid/],
  ["what is in a list", exit().filter("[1, 2].includes(d.ret)"), /d\.comm === "a" \|\| d\.comm === "b"/],
  ["a length", exit().filter((d: any) => op.length(d.comm) > 3), /no function op\.length/],
  [
    "text put together",
    exit().select({ a: (d: any) => d.comm + "!" }),
    /select of a: text cannot be concatenated/,
    /join them in the table/,
  ],
  ["a template", exit().select({ a: (d: any) => `${d.comm}!` }), /text cannot be concatenated/],
  ["text in order", exit().filter((d) => d.comm > "a"), /text has no order/],
  ["a regular expression", exit().filter((d) => op.match(d.comm, /a/, 0)), /no function op\.match/],
  ["text and a number", exit().filter("d.comm === 3"), /text is never equal to a number/],
  [
    "a parameter without value",
    exit().filter((d, $) => d.ret > $.least),
    /the parameter least has no value/,
    /\.params\(\{ least: 1000 \}\)/,
  ],
  ["an assignment", exit().filter("d.ret = 3"), /cannot change anything/],
  ["no expression at all", exit().filter("d.ret >"), /this is not an expression/],
  [
    "what may be infinite in arithmetic",
    exit().filter("Math.floor(d.ret / d.cpu) + 1 > 2"),
    /divisor may be 0/,
    /b === 0 \? 0/,
  ],
  [
    "a system call that there is not",
    probe("raw_tp/sys_enter").filter((d) => op.syscall(d.id) === "raed"),
    /no system call is called "raed"/,
    /nearest are read/,
  ],
  [
    "a member that there is not",
    probe("tp_btf/sched_switch").filter((d) => d.prev.pidd > 1),
    /struct task_struct has no member "pidd"/,
    /nearest are pid/,
  ],
  ["a member of text", exit().filter((d) => d.comm.length > 3), /text has no members/, /or use op\.startswith\(\)\.$/],
  ["a struct as a column", probe("tp_btf/sched_switch").select({ se: (d: any) => d.prev.se }), /column se is a struct/],
  ["two kinds of value", exit().derive({ x: (d) => (d.ret > 0 ? d.ret : "no") }), /a number or text/],
  ["groups without a sum", exit().groupby("comm"), /needs rollup\(\) or count\(\)/],
  ["a sum of text", exit().rollup({ n: op.sum("comm") }), /rollup of n: text is not a number/],
  [
    "a column beside what is added up",
    exit().rollup({ x: (d: any) => op.sum(d.ret) / d.fd }),
    /rollup of x: d\.fd has a value for each event/,
    /\^{4}/,
    /op\.sum\(d\.fd\)/,
  ],
  ["a variable in it", exit().rollup({ x: (d: any) => op.sum(d.ret) / limit }), /cannot see the variable limit/],
  ["a parameter in it", exit().rollup({ x: "op.count() * $.x" }), /the parameter x has no value/],
  ["a histogram to compute with", exit().rollup({ x: (d: any) => op.log2(d.ret) + 1 }), /a histogram is no number/],
  ["a window function", exit().rollup({ x: "op.rank() + op.count()" }), /Window function not allowed/],
  ["a function of a kernel without kprobes", probe("kprobe/vfs_read").count(), /kprobe\/vfs_read: .*CONFIG_KPROBES/],
  [
    "what it returns",
    probe("kretprobe/vfs_read").rollup({ n: op.sum("ret") }),
    /kretprobe\/vfs_read: .*CONFIG_KPROBES/,
  ],
  ["fentry where the kernel refuses it", probe("fentry/vfs_read").count(), /refuses fentry and fexit/],
  ["fexit too", probe("fexit/vfs_read").rollup({ n: op.sum("ret") }), /refuses fentry and fexit/],
  ["a function that adds up in a filter", exit().filter("op.count() > 3"), /no function op\.count/],
  [
    "an unknown tracepoint",
    probe("tp/sched/sched_swich"),
    /no tracepoint tp\/sched\/sched_swich/,
    /nearest are tp\/sched\/sched_switch/,
  ],
  ["an unknown category", probe("tp/shed/sched_switch"), /nearest are tp\/sched\/sched_switch/],
  ["an unknown raw tracepoint", probe("tp_btf/sched_swich"), /nearest are tp_btf\/sched_switch/],
  ["an unknown function of the kernel", probe("fentry/vfs_reed"), /nearest are fentry\/vfs_read/],
  ["a pattern that nothing matches", probe("tp/sched/nothing_*"), /no hook of this kernel matches/],
  ["a pattern that matches too much", probe("fentry/*"), /at most 512/],
];

describe("what cannot be asked is refused where it stands, with what to write instead", () => {
  for (const [what, asked, ...says] of refused) {
    test(what, async () => {
      const error = await asked.collect({ seconds: 0.01 }).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      for (const pattern of says) assert.match(String(error), pattern);
      assert.doesNotMatch(String(error), /bpf_|__u64|R\d/, "no C that nobody wrote");
    });
  }

  const openat = () => probe("tp/syscalls/sys_enter_openat");
  const tooMuch: [what: string, asked: Probe<any>, ...says: RegExp[]][] = [
    [
      "more text at once than a program's stack holds",
      openat()
        .filter((d, $) => op.str(d.filename, 256) === $.a && op.str(d.filename, 255) === $.b)
        .params({ a: "x", b: "y" }),
      /filter: the kernel refuses this: it keeps more at once than the 512 bytes/,
      /\n {2}\(d, \$\) => op\.str/,
      /op\.str\(d\.filename, 64\)/,
    ],
    [
      "a row that is too long",
      openat().select({ f: (d: any) => op.str(d.filename, 4096) }),
      /select of f: .*1,024 bytes/,
    ],
    [
      "groups that are too large",
      exit().rollup(Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`h${i}`, op.linear("ret", 0, 1000, 1)]))),
      /a group takes more than the 32 KiB/,
    ],
    [
      "keys that are too large",
      openat()
        .groupby({ f: (d: any) => op.str(d.filename, 512) })
        .count(),
      /groupby of f: .*512 bytes/,
    ],
    [
      "texts that are too long to compare",
      openat().filter((d: any) => op.str(d.filename, 256) === op.str(d.filename, 255)),
      /filter: .*512 bytes/,
    ],
    [
      "an expression without end, of which the part that matters is shown",
      exit().filter(Array.from({ length: 300 }, (_, i) => `d.ret % ${i + 2} > ${i}`).join(" || ")),
      /the program is too long for the kernel to check/,
      /…\n/,
    ],
  ];
  for (const [what, asked, ...says] of tooMuch) {
    test(what, async () => {
      const error: unknown = await asked.collect({ seconds: 0.01 }).catch((thrown: unknown) => thrown);
      assert.ok(error instanceof ProbeError, String(error));
      for (const pattern of says) assert.match(error.message, pattern);
      assert.doesNotMatch(error.message, /bpf_|__u64|R\d\b|\.bpf\.c/, "no C that nobody wrote");
      assert.ok(error.cause instanceof Error && error.source.includes("SEC("));
    });
  }

  test("more memory than the machine has for groups is asked for in vain, not taken", async () => {
    const asked = probe("tp/syscalls/sys_exit_read", { groups: 2 ** 24 })
      .groupby("pid")
      .rollup(Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`h${i}`, op.log2("ret")])));
    await assert.rejects(asked.source(), /groups: 16,777,216 groups take [\d.]+ GiB of the kernel's memory/);
    await assert.rejects(probe("tp/syscalls/sys_exit_read", { ringBytes: 2 ** 40 }).source(), /to 1073741824, got/);
  });

  test("a file or function that there is not: the hook is named, not a program that nobody wrote", async () => {
    await assert.rejects(
      probe("uprobe/nosuchlibrary:malloc").count().attach(),
      /uprobe\/nosuchlibrary:malloc: there is no file "nosuchlibrary"/,
    );
    await assert.rejects(
      probe("uprobe/libc.so.6:mallocc").count().attach(),
      /Error: uprobe\/libc\.so\.6:mallocc: .* has no function of that name/,
    );
  });

  test("a long expression takes no longer than its length", { timeout: 20_000 }, async () => {
    const sum = Array.from({ length: 300 }, (_, i) => `d.ret % ${i + 2}`).join(" + ");
    const { text } = await exit().select({ sum }).source();
    assert.match(text, /% 301/);
  });

  test("what is no hook, no number, no parameter: at once", () => {
    assert.throws(() => probe("tpp/sched/x"), /did you mean tp\/sched\/x\?/);
    assert.throws(() => probe(7 as never), /expected the name of a hook/);
    assert.throws(() => exit().sample(0), /^ArgumentError: sample: expected an integer from 1 to 2147483648, got 0\.$/);
    assert.throws(() => exit().params({ x: 1.5 }), /an integer of 64 bits/);
    assert.throws(() => exit().params({ x: 1 }).params({ x: "a" }), /was a number and cannot become text/);
    assert.throws(
      () =>
        exit()
          .filter((d) => d.ret > 0)
          .to("tp/syscalls/sys_exit_read"),
      /right after the hook/,
    );
    assert.throws(() => exit().select(((d: any) => d.ret) as never), /needs a name/);
  });

  test("a pair that by thread would match what does not belong together", async () => {
    const wakeup = probe("tp/sched/sched_wakeup");
    assert.throws(
      () => wakeup.to("tp/sched/sched_switch"),
      /^ArgumentError: to: tp\/sched\/sched_wakeup does not run in the thread that it is about, .*\n.*\{ on: \["hook_pid", "next_pid"\] \}/,
    );
    assert.throws(
      () => probe("tp/sched/sched_switch").to("tp/sched/sched_switch"),
      /the thread that leaves the CPU.*\n.*\{ on: \["prev_pid", "next_pid"\] \}/,
    );
    assert.throws(
      () => probe("tp/block/block_rq_issue").to("tp/block/block_rq_complete"),
      /\n.*\[\["dev", "sector"\], \["dev", "sector"\]\]/,
    );
    assert.throws(() => wakeup.to("tp/sched/sched_switch", { on: ["a"] as never }), /a pair of what each has\.\n/);
    assert.throws(() => wakeup.to("tp/sched/sched_switch", { by: "a" } as never), /to takes no option "by"/);
    const said = async (on: [any, any]) =>
      wakeup
        .to("tp/sched/sched_switch", { on })
        .source()
        .then(String, (error: Error) => error.message);
    assert.match(
      await said(["nope", "next_pid"]),
      /no column "nope" at tp\/sched\/sched_wakeup\.\nAll of them are time_ns,/,
    );
    assert.match(await said(["hook_comm", "next_pid"]), /compares text of the first hook with a number of the second/);
    assert.match(await said([(d: any) => d.hook_pid + "x", "next_pid"]), /to: /);
  });
});
