import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import {
  ArgumentError,
  AttachError,
  bpf,
  BpflabError,
  LoadError,
  MissingFeatureError,
  VerifierError,
  type Hook,
} from "../../../dist/api/index.js";
import { activeSecurityModules, requireBpfSecurityModule } from "../../../dist/bpf/link/security-modules.js";
import { counting, loadText, refusalOf } from "../../workload/programs.js";

// Each message says what is wrong in terms of what the user wrote, and what to do.

afterEach(() => bpf.closeAll());

const attachTo = async (section: string, on?: Hook, context = "void") =>
  (await loadText("mine", counting(section, context, section.startsWith("cgroup") ? 1 : 0))).attach(on);

describe("what attaching is told wrongly", () => {
  const cases: [section: string, on: object | undefined, kind: new (...args: never[]) => Error, message: RegExp][] = [
    ["uprobe", undefined, ArgumentError, /program or library that count attaches to must be named\.\nFor example/],
    ["uprobe", { path: "/nosuch", function: "f" }, ArgumentError, /^path: there is no file "\/nosuch"\./],
    [
      "uprobe",
      { path: "libnosuch.so", function: "f" },
      ArgumentError,
      /^path: there is no file "libnosuch.so" in .*\/lib/,
    ],
    [
      "uprobe",
      { path: "/etc/passwd", function: "f" },
      ArgumentError,
      /\/etc\/passwd is not a program or library \(ELF file\)/,
    ],
    [
      "uprobe",
      { path: "libc.so.6", function: "mallok" },
      AttachError,
      /libc\.so\.6 has no function of that name\.\nThe nearest names in it are malloc, /,
    ],
    [
      "uprobe",
      { path: "libc.so.6", function: "malloc", pid: 99_999_999 },
      ArgumentError,
      /^pid: there is no process 99999999\./,
    ],
    [
      "uprobe",
      { path: "libc.so.6", function: "malloc", cookie: -1 },
      ArgumentError,
      /^cookie: expected an integer from 0 to 2\^64 - 1, got -1\./,
    ],
    [
      "uprobe",
      { path: "libc.so.6", func: "malloc" },
      ArgumentError,
      /takes the option func\.\ncount \(uprobe\) takes path, function, offset, pid and cookie\./,
    ],
    [
      "uprobe.multi",
      { path: "libc.so.6", pattern: "nosuch_*" },
      AttachError,
      /no function of .*libc\.so\.6 matches nosuch_\*\./,
    ],
    [
      "usdt",
      { path: "/usr/bin/python3", provider: "python", probe: "gc_start" },
      AttachError,
      /no USDT probe of that name\.\nThe nearest names in it are python:gc__start, /,
    ],
    [
      "usdt",
      undefined,
      ArgumentError,
      /program or library that count attaches to must be named\.\nFor example attach\(\{ path: ".usr.bin.python3", provider: /,
    ],
    ["usdt", { path: "/bin/true", provider: "a", probe: "b" }, AttachError, /has no USDT probes/],
    [
      "xdp",
      undefined,
      ArgumentError,
      /network interface, which must be named\.\nFor example attach\(\{ interface: "lo"/,
    ],
    ["xdp", { interface: "nosuch0" }, AttachError, /There is no network interface "nosuch0"\.\nInterfaces here: lo/],
    ["xdp", { interface: "lo", mode: "fast" }, ArgumentError, /^mode: expected "native" or "generic", got "fast"\./],
    [
      "xdp",
      { interface: "lo", mode: "native" },
      MissingFeatureError,
      /The driver of lo has no native XDP support\.\nLeave mode out/,
    ],
    [
      "xdp",
      { interface: "lo", direction: "egress" },
      ArgumentError,
      /takes the option direction\.\ncount \(xdp\) takes interface and mode\./,
    ],
    ["tcx/egress", { interface: "lo", direction: "ingress" }, ArgumentError, /says egress, and direction says ingress/],
    ["cgroup_skb/egress", undefined, ArgumentError, /control group, which must be named\.\nFor example/],
    [
      "cgroup_skb/egress",
      { cgroup: "/nosuch" },
      ArgumentError,
      /^cgroup: there is no control group \/nosuch\.\ncgroup2 is mounted on /,
    ],
    [
      "cgroup_skb/egress",
      { cgroup: "/tmp" },
      ArgumentError,
      /^cgroup: \/tmp is not a directory of the cgroup2 file system\./,
    ],
    ["sk_msg", undefined, ArgumentError, /map of sockets \(sockmap or sockhash\), which must be given\./],
    [
      "sk_lookup",
      { namespace: "nosuch" },
      ArgumentError,
      /^namespace: there is no network namespace "nosuch" \(\/run\/netns\/nosuch\)/,
    ],
    ["socket", {}, ArgumentError, /a socket of this process or to an interface's packets/],
    ["netfilter", undefined, ArgumentError, /netfilter hook, which must be named\.\n.*prerouting, input, forward/],
    ["perf_event", undefined, ArgumentError, /either a frequency or a period, .*\nFor example/],
    [
      "perf_event",
      { frequency: 99, event: "nosuch" },
      ArgumentError,
      /^event: there is no "nosuch"\.\nThe events are cpu-clock, /,
    ],
    ["perf_event", { frequency: 99, cpu: 4096 }, ArgumentError, /^cpu: there is no CPU 4096 online\.\nCPUs online: 0/],
    ["perf_event", { frequency: 2 ** 20 - 1 }, ArgumentError, /^frequency: /],
    [
      "raw_tp/sched_swich",
      undefined,
      AttachError,
      /There is no tracepoint sched_swich .*\nThe nearest names are sched_switch, /,
    ],
    [
      "tp/sched/sched_swich",
      undefined,
      AttachError,
      /There is no tracepoint sched\/sched_swich .*\nThe nearest names in sched are sched_switch, /,
    ],
    ["tp/nosuch", undefined, AttachError, /SEC\("tp\/nosuch"\) names no tracepoint/],
    ["tp", { tracepoint: "sched_switch" }, AttachError, /^tracepoint: "sched_switch" is no category and name/],
    [
      "raw_tp",
      undefined,
      ArgumentError,
      /attaches to a tracepoint, which must be named\.\nFor example SEC\("raw_tp\/sched_switch"\), or attach\(/,
    ],
    ["raw_tp", { tracepoint: "sched_swich" }, AttachError, /There is no tracepoint sched_swich /],
    [
      "netkit/primary",
      { interface: "lo" },
      BpflabError,
      /has no netkit interfaces|lo is not the primary one of a netkit pair/,
    ],
    [
      "syscall",
      undefined,
      ArgumentError,
      /^mine has no program to attach\.\ncount \(syscall\) has no hook to attach to\. .*testRun/,
    ],
    [
      "xdp/devmap",
      undefined,
      ArgumentError,
      /^mine has no program to attach\.\n.* put their id into a devmap or cpumap\.$/,
    ],
    ["lwt_in", undefined, ArgumentError, /^mine has no program to attach\.\n.* encap bpf puts them on a route\.$/],
  ];
  for (const [section, on, kind, message] of cases)
    test(`${section} ${JSON.stringify(on) ?? ""}`, async () => {
      const usdt = section === "usdt" ? "#include <bpf/usdt.bpf.h>\n" : "";
      const text = `${usdt}${counting(section, section === "usdt" ? "struct pt_regs" : "void", section.startsWith("cgroup") ? 1 : 0)}`;
      const error = await refusalOf((await loadText("mine", text)).attach(on as Hook));
      assert.match(error.message, message);
      assert.ok(error instanceof kind, error.name);
    });

  test("a kernel function: of kprobes that are not there, or of one that has no such name", async () => {
    const error = await refusalOf(attachTo("kprobe/do_unlinkatt"));
    assert.match(
      error.message,
      /built without kprobes \(CONFIG_KPROBES\)|this kernel has no function of that name\.\nThe nearest names in \/proc\/kallsyms are do_unlinkat/,
    );
  });
});

test("of an object of which no program can be attached none is said to be another", async () => {
  const two = `${counting("xdp", "void", 2)}SEC("tc") int other(void *ctx) { return 0; }\n`;
  const { message } = await refusalOf((await loadText("mine", two)).attach());
  assert.match(message, /^2 programs of mine cannot be attached:/);
  assert.doesNotMatch(message, /the others/);
});

test("a program on a security hook that the kernel would never call", () => {
  const program = { name: "guard", section: "lsm/file_open" } as Parameters<typeof requireBpfSecurityModule>[0];
  assert.throws(
    () => requireBpfSecurityModule(program, ["lockdown", "capability", "yama"]),
    /guard \(lsm\/file_open\) could be attached and would never run: "bpf" is not among .* lockdown, capability, yama\.\nBoot with the kernel parameter lsm=lockdown,yama,bpf or leave it out: programs: \{ guard: false \}/,
  );
  requireBpfSecurityModule(program, ["capability", "bpf"]);
  assert.ok(activeSecurityModules()?.includes("capability"), "the kernel's own list");
});

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

describe("several programs of one object", () => {
  const three = [
    ["by_xdp", "xdp"],
    ["by_uprobe", "uprobe"],
    ["by_tracepoint", "tp/sched/sched_switch"],
  ]
    .map(([name, section]) => counting(section!, "void").replace("count", name!))
    .join("");

  test("what cannot be attached is named, with how to do without it; the others are as asked", async () => {
    const object = await loadText("mine", three);
    const error = await refusalOf(object.attach());
    assert.match(
      error.message,
      /^2 programs of mine cannot be attached:\n- The program by_xdp .*\n {2}For example .*\n- The program or library that by_uprobe .*\n {2}For.*\nattach\(\{ programs: \{ by_xdp: false, by_uprobe: false \} \}\) attaches the others\.$/,
    );
    assert.equal(object.attached, false, "a part of it stays attached");
    const one = await refusalOf(object.attach({ programs: { by_uprobe: { path: "libc.so.6", function: "malloc" } } }));
    assert.match(one.message, /\nattach\(\{ programs: \{ by_xdp: false \} \}\) attaches the others\.$/);
    await object.attach({ programs: { by_xdp: false, by_uprobe: { path: "libc.so.6", function: "malloc" } } });
    assert.deepEqual(
      Object.values(object.programs).map((program) => program.attached),
      [false, true, true],
    );
    await assert.rejects(
      object.attach({ programs: { nosuch: false } }),
      /mine has no program "nosuch"\.\nIt has: by_xdp, by_uprobe and by_tracepoint\./,
    );
  });

  test('left out when it is loaded, by name or by SEC("?…"), and taken in', async () => {
    const rejected = 'SEC("xdp") int rejected(struct xdp_md *ctx) { return *(int *)(long)ctx->rx_queue_index; }\n';
    const sleeping = counting("tp/sched/sched_switch", "void");
    await assert.rejects(loadText("mine", rejected + sleeping), VerifierError);
    const object = await (await loadText("mine", rejected + sleeping, { programs: { rejected: false } })).attach();
    assert.equal(object.programs["rejected"]!.isLoaded, false);
    await assert.rejects(
      object.programs["rejected"]!.attach({ interface: "lo" }),
      /was left out when its object was loaded\.\nLoad it with programs: \{ rejected: true \}/,
    );
    const marked = rejected.replace('"xdp"', '"?xdp"') + sleeping;
    await (await loadText("marked", marked)).attach();
    await assert.rejects(loadText("marked", marked, { programs: { rejected: true } }), VerifierError);
  });

  test("what a program is about, where SEC() does not say it", async () => {
    const text = counting("tp_btf", "void");
    const object = await (await loadText("mine", text, { targets: { count: "sched_switch" } })).attach();
    assert.equal(object.attached, true);
    const wrong: [bpf.LoadOptions["targets"], RegExp][] = [
      [{ nosuch: "sched_switch" }, /has no program "nosuch"/],
      [{ count: "sched_swich" }, /^ArgumentError: targets\.count: this kernel's BTF has no sched_swich/],
      [{ count: 7 as never }, /^ArgumentError: targets\.count: expected a name, or \{ program \}/],
    ];
    for (const [targets, message] of wrong) await assert.rejects(loadText("wrong", text, { targets }), message);
  });

  test("alternatives: the first that loads", async () => {
    const text =
      'SEC("xdp") int rejected(struct xdp_md *ctx) { return *(int *)(long)ctx->rx_queue_index; }\n' +
      counting("tp/sched/sched_switch", "void") +
      counting("raw_tp/sched_switch", "void").replace("count", "third");
    const object = await loadText("mine", text, { alternatives: [["rejected", "count", "third"]] });
    await object.attach();
    assert.deepEqual(
      Object.values(object.programs).map((program) => [program.name, program.isLoaded]),
      [
        ["rejected", false],
        ["count", true],
        ["third", false],
      ],
    );
    const sized = `struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, int); __type(value, int); } m SEC(".maps");
SEC("raw_tp/sched_switch") int use(void *ctx) { int key = 0; return bpf_map_lookup_elem(&m, &key) != 0; }`;
    const withSize = await loadText("sized", sized, { maxEntries: { m: 4 }, alternatives: [["use"]] });
    assert.equal(withSize.programs["use"]!.isLoaded, true);
    await assert.rejects(
      loadText("mine", text, { alternatives: [["rejected"]] }),
      /^ArgumentError: None of the alternatives rejected of mine loads on this kernel:\n- rejected: The kernel's verifier rejects/,
    );
  });
});
