/** What `bpflab doctor` tries on the kernel itself: a program of each kind is loaded and attached, and taken off again. */
import type { NetworkHook } from "../bpf/link/network.js";
import { compile } from "../clang/compile.js";
import { load } from "../handles/load.js";
import { type Check, type Finding, missing, there } from "./finding.js";

interface Kind {
  name: string;
  /** The program: its SEC() and its body. */
  section: string;
  body?: string;
  /** Where a network program is tried: on loopback, where it lets everything pass. */
  on?: NetworkHook;
  /** Without it the main job cannot be done. */
  needed?: true;
  /** What to do where it is missing. */
  fix: string;
}

const ELSEWHERE = "Use a tracepoint (tp/, raw_tp/ or tp_btf/) that shows the same.";

const kinds: Kind[] = [
  {
    name: "tracepoint",
    section: "tp/sched/sched_process_exit",
    needed: true,
    fix: "Boot a kernel with CONFIG_BPF_EVENTS, as distribution kernels are.",
  },
  { name: "raw_tp", section: "raw_tp/sched_process_exit", fix: "Use tp/ instead." },
  { name: "tp_btf", section: "tp_btf/sched_process_exit", fix: "Use tp/ instead." },
  { name: "kprobe", section: "kprobe/do_exit", fix: ELSEWHERE },
  { name: "kretprobe", section: "kretprobe/do_exit", fix: ELSEWHERE },
  { name: "kprobe.multi", section: "kprobe.multi/do_exit", fix: "Attach a kprobe to each function." },
  { name: "fentry", section: "fentry/do_exit", fix: ELSEWHERE },
  {
    name: "lsm",
    section: "lsm/task_free",
    fix: 'Add "bpf" to the kernel parameter lsm=, if this kernel has CONFIG_BPF_LSM.',
  },
  {
    name: "tc, TCX",
    section: "tc",
    body: "return -1;", // the next program, or the stack, decides
    on: { interface: "lo", direction: "ingress" },
    fix: "Network filters need CONFIG_NET_CLS_BPF.",
  },
];

const sourceOf = ({ section, body = "return 0;" }: Kind): string => `#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
SEC("${section}")
int tried(void *context) { ${body} }
`;

async function attempt(kind: Kind): Promise<Finding> {
  const compiled = await compile(sourceOf(kind), { name: "doctor" });
  try {
    const object = await load(compiled);
    try {
      await object.attach(kind.on);
      const where = object.programs["tried"]?.where;
      return there(where ? `attaches: ${where}` : "attaches");
    } finally {
      object.close();
    }
  } catch (error) {
    const found = error instanceof Error ? error.message.split("\n")[0]! : String(error);
    return missing(found, kind.fix);
  }
}

/** A check for each kind of hook, tried for real. */
export const hookChecks: Check[] = kinds.map((kind) => ({
  name: `hook ${kind.name}`,
  needed: kind.needed ?? false,
  look: () => attempt(kind),
}));
