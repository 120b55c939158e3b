import { native, type ObjectHandle } from "../../base/native.js";

// What SEC() means for hooks that are newer than libbpf 1.1, which loads no program whose section it does not know.

interface Meaning {
  section: RegExp;
  /** enum bpf_prog_type */
  type: number;
  /** enum bpf_attach_type */
  attachType: number;
  flags?: number;
}

const KPROBE = 2;
const SCHED_CLS = 3;
const CGROUP_SOCK_ADDR = 18;
const NETFILTER = 32;
const SLEEPABLE = 1 << 4; // BPF_F_SLEEPABLE

const meanings: Meaning[] = [
  { section: /^tcx?\/ingress$/, type: SCHED_CLS, attachType: 46 },
  { section: /^tcx?\/egress$/, type: SCHED_CLS, attachType: 47 },
  // A tc action sees and does what a classifier does, and only a classifier can be attached by itself.
  { section: /^action$/, type: SCHED_CLS, attachType: 0 },
  { section: /^netkit\/primary$/, type: SCHED_CLS, attachType: 54 },
  { section: /^netkit\/peer$/, type: SCHED_CLS, attachType: 55 },
  { section: /^netfilter$/, type: NETFILTER, attachType: 45 },
  { section: /^kprobe\.session(\/|$)/, type: KPROBE, attachType: 56 },
  { section: /^u(ret)?probe\.multi(\/|$)/, type: KPROBE, attachType: 48 },
  { section: /^u(ret)?probe\.multi\.s(\/|$)/, type: KPROBE, attachType: 48, flags: SLEEPABLE },
  { section: /^uprobe\.session(\/|$)/, type: KPROBE, attachType: 57 },
  { section: /^uprobe\.session\.s(\/|$)/, type: KPROBE, attachType: 57, flags: SLEEPABLE },
  { section: /^cgroup\/connect_unix$/, type: CGROUP_SOCK_ADDR, attachType: 49 },
  { section: /^cgroup\/sendmsg_unix$/, type: CGROUP_SOCK_ADDR, attachType: 50 },
  { section: /^cgroup\/recvmsg_unix$/, type: CGROUP_SOCK_ADDR, attachType: 51 },
  { section: /^cgroup\/getpeername_unix$/, type: CGROUP_SOCK_ADDR, attachType: 52 },
  { section: /^cgroup\/getsockname_unix$/, type: CGROUP_SOCK_ADDR, attachType: 53 },
];

/** Gives the programs of an opened object the types that their SEC() means, where libbpf is too old to know. */
export function setNewerTypes(object: ObjectHandle): void {
  for (const { name, section } of native.bpf_object__programs(object)) {
    const meaning = meanings.find((one) => one.section.test(section));
    if (meaning) native.bpf_program__set_type(object, name, meaning.type, meaning.attachType, meaning.flags ?? 0);
  }
}
