import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import {
  ArgumentError,
  AttachError,
  bpf,
  BpflabError,
  MissingFeatureError,
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
