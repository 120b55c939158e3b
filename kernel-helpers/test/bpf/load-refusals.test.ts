import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { ArgumentError, bpf, LoadError, MissingFeatureError, VerifierError } from "../../dist/api/index.js";
import { counting, loadText, refusalOf } from "../workload/programs.js";

// Each message says what is wrong in terms of what the user wrote, and what to do.

afterEach(() => bpf.closeAll());

describe("what cannot be loaded says why", () => {
  const map = (lines: string) => `struct { ${lines} } m SEC(".maps");
SEC("tp_btf/sched_switch") int use(void *ctx) { int key = 0; return bpf_map_lookup_elem(&m, &key) != 0; }`;
  const cases: [name: string, text: string, kind: new (...args: never[]) => Error, message: RegExp][] = [
    [
      "a section that is none",
      counting("foo/bar", "void"),
      LoadError,
      /SEC\("foo\/bar"\) of program count is not a known kind of hook\.\nA section begins with tp\//,
    ],
    [
      "a section of a kind that is known, with a name that is not",
      counting("cgroup/foo", "void"),
      LoadError,
      /not a known kind of hook\.\ncgroup\/ may be followed by skb, dev, .* and getsockname6\.$/,
    ],
    [
      "a section with letters that changed places",
      counting("kporbe/do_unlinkat", "void"),
      LoadError,
      /not a known kind of hook\.\nDid you mean SEC\("kprobe\/do_unlinkat"\)\? A section begins with tp\//,
    ],
    [
      "a function that BTF does not have",
      counting("fentry/do_unlinkatt", "void"),
      LoadError,
      /SEC\("fentry\/do_unlinkatt"\) names no function .*\nThe nearest names are do_unlinkat, /,
    ],
    [
      "a tracepoint",
      counting("tp_btf/sched_swich", "void"),
      LoadError,
      /names no tracepoint of this kernel\.\nThe nearest names are sched_switch, /,
    ],
    [
      "a tracepoint that is not named",
      counting("tp_btf", "void"),
      LoadError,
      /SEC\("tp_btf"\) of program count does not say which tracepoint\.\nWrite SEC\("tp_btf\/sched_switch"\), or load it with targets: \{ count: "sched_switch" \}/,
    ],
    [
      "a function that is not named",
      counting("fentry", "void"),
      LoadError,
      /SEC\("fentry"\) of program count does not say which function\..*\n?.*targets: \{ count: "do_unlinkat" \}.*\{ program \}/,
    ],
    [
      "more behind a section that stands alone",
      counting("perf_event/type=0,config=3", "void"),
      LoadError,
      /not a known kind of hook\.\nSEC\("perf_event"\) stands alone: /,
    ],
    ["a section as it was written once", counting("xdp_sock", "void"), LoadError, /\nSEC\("xdp"\) stands alone: /],
    [
      "a function without a section, and nothing else",
      "int lonely(void *ctx) { return 0; }",
      LoadError,
      /the function lonely has no SEC\(\), so it is not part of any program\.\nWrite its hook above it/,
    ],
    [
      "a function of another program that is not given",
      counting("freplace/other", "void"),
      LoadError,
      /SEC\("freplace\/other"\) of program count names a function of another BPF program, .*\nLoad it with targets: \{ count: \{ program/,
    ],
    [
      "a static program",
      'SEC("raw_tp/sched_switch") static int hidden(void *ctx) { return 0; }',
      LoadError,
      /the program hidden of SEC\("raw_tp\/sched_switch"\) is static\.\nLeave static out/,
    ],
    [
      "a map of maps without its inner ones",
      map("__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS); __uint(max_entries, 4); __type(key, u32); __type(value, u32);"),
      LoadError,
      /the map m \(hash_of_maps\) does not say what its inner maps are\.\nWrite __array\(values, struct …\) into it/,
    ],
    [
      "operations that the kernel does not have",
      'struct nosuch_ops { int (*init)(void); }; SEC("struct_ops/init") int BPF_PROG(init) { return 0; } SEC(".struct_ops") struct nosuch_ops none = { .init = (void *)init };',
      MissingFeatureError,
      /has no operations nosuch_ops that BPF programs could implement/,
    ],
    [
      "a kfunc that is declared otherwise",
      'extern int bpf_rcu_read_lock(int much) __ksym; SEC("tp_btf/sched_switch") int use(void *ctx) { return bpf_rcu_read_lock(1); }',
      LoadError,
      /bpf_rcu_read_lock is declared otherwise than this kernel .* has it\.\nbpftool btf dump/,
    ],
    [
      "a call of the C library that the compiler made",
      'char one[600], two[600]; SEC("tp_btf/sched_switch") int use(void *ctx) { return __builtin_memcmp(one, two, hits); }',
      LoadError,
      /the compiler has made a call of memcmp, and BPF has no library to call/,
    ],
    [
      "operations without a program",
      'struct tcp_congestion_ops control SEC(".struct_ops.link") = { .name = "bpflab_none" };',
      LoadError,
      /^The operations control of mine have no program that is loaded with them\./,
    ],
    ["a security hook", counting("lsm/file_oopen", "void"), LoadError, /names no security hook of this kernel\./],
    ["an iterator", counting("iter/nosuch", "void"), LoadError, /has no iterator nosuch\./],
    [
      "a kfunc",
      'extern void bpf_nosuch(void) __ksym; SEC("tp_btf/sched_switch") int use(void *ctx) { bpf_nosuch(); return 0; }',
      MissingFeatureError,
      /has no kfunc bpf_nosuch\.\nDeclare it __weak/,
    ],
    [
      "a configuration",
      'extern int CONFIG_NOSUCH __kconfig; SEC("tp_btf/sched_switch") int use(void *ctx) { return CONFIG_NOSUCH; }',
      LoadError,
      /this kernel does not provide the extern CONFIG_NOSUCH/,
    ],
    [
      "max_entries",
      map("__uint(type, BPF_MAP_TYPE_HASH); __type(key, int); __type(value, int);"),
      ArgumentError,
      /The map m does not say how many entries it holds\.\n.*\n.*\^\nAdd it to its definition/,
    ],
    [
      "an array's key",
      map("__uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, long); __type(value, int);").replace(
        "int key",
        "long key",
      ),
      LoadError,
      /the key of the map m \(array\) has 8 bytes\.\nThe key of an array is its index, of 4 bytes: __type\(key, u32\)/,
    ],
    [
      "a key",
      map("__uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(value, int);"),
      LoadError,
      /the map m \(hash\) has no key\.\nWrite __type\(key, …\) into it\./,
    ],
    [
      "a field",
      'struct task_struct___mine { int nosuch; } __attribute__((preserve_access_index));\nSEC("tp_btf/sched_switch") int BPF_PROG(use, bool preempt, struct task_struct___mine *task) { return task->nosuch; }',
      VerifierError,
      /has no nosuch in task_struct: check with bpf_core_field_exists\(\)/,
    ],
  ];
  for (const [name, text, kind, message] of cases)
    test(name, async () => {
      const error = await refusalOf(loadText("mine", text));
      assert.match(error.message, message);
      assert.ok(error instanceof kind, error.name);
    });

  test("a kind that the machine's policy refuses, or that loads", async () => {
    for (const section of ["fentry/do_unlinkat", "lsm/file_open"]) {
      const error = await loadText("mine", counting(section, "void")).then(
        () => undefined,
        (refused: Error) => refused,
      );
      if (error)
        assert.match(
          error.message,
          /refuses programs of SEC\(".*"\) \(program count: operation not permitted\)\.\n.*programs: \{ count: false \}/,
        );
    }
  });

  test("a program that takes the place of another's function, or is refused by the machine's policy", async () => {
    const base = await loadText(
      "base",
      '__attribute__((noinline)) int inner(int a) { asm volatile(""); return a; }\nSEC("raw_tp") int outer(void *ctx) { return inner(5); }',
    );
    const text = 'SEC("freplace") int other(int a) { return a + 100; }';
    const targets = { other: { program: base.programs["outer"]!, function: "inner" } };
    const replacing = await loadText("replacing", text, { targets }).catch((error: unknown) => error as Error);
    if (replacing instanceof Error)
      return assert.match(replacing.message, /the kernel refuses programs of SEC\("freplace"\)/);
    assert.equal(base.programs["outer"]!.testRun().retval, 5);
    await replacing.attach();
    assert.equal(base.programs["outer"]!.testRun().retval, 105);
    replacing.close();
    assert.equal(base.programs["outer"]!.testRun().retval, 5);
    await assert.rejects(
      loadText("wrong", text, { targets: { other: { ...targets.other, function: "nosuch" } } }),
      /targets\.other: the program has no function nosuch of its own/,
    );
  });

  test("options that load and compile do not have", async () => {
    await assert.rejects(
      loadText("mine", "", { constans: {} } as bpf.LoadOptions),
      /load takes no option "constans"\.\n.*nearest is constants/,
    );
    await assert.rejects(
      bpf.compile("", { name: "mine", includes: [] } as bpf.CompileOptions),
      /compile takes no option "includes"\.\n.*nearest is include/,
    );
    await assert.rejects(
      loadText("mine", counting("xdp", "void"), { programs: { nosuch: false } }),
      /mine has no program "nosuch"\.\nIt has: count\./,
    );
  });
});
