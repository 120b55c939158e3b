import { HIGHEST_SIGNED, integer } from "../value-types.js";
import type { Field } from "./hook.js";

/** What every hook can tell: who ran, where and when. */
export const commonFields: readonly Field[] = [
  {
    name: "time_ns",
    type: { kind: "int", low: 0n, high: HIGHEST_SIGNED },
    code: "bpf_ktime_get_ns()",
    about: "CLOCK_MONOTONIC",
  },
  { name: "pid", type: integer(4, false), code: "id >> 32", about: "the process" },
  { name: "tid", type: integer(4, false), code: "(__u32)id", about: "the thread" },
  { name: "comm", type: { kind: "text", size: 16 }, code: "comm", about: "the thread's name", text: "comm" },
  { name: "uid", type: integer(4, false), code: "(__u32)bpf_get_current_uid_gid()", about: "the user" },
  { name: "cpu", type: integer(4, false), code: "bpf_get_smp_processor_id()", about: "the processor" },
  { name: "cgroup", type: integer(8, false), code: "bpf_get_current_cgroup_id()", about: "the cgroup's id" },
];

/** Where the thread was: a stack trace, symbolised when it is read. */
export const stackFields: readonly Field[] = [
  {
    name: "kernel_stack",
    type: { kind: "stack", of: "kernel" },
    code: "bpf_get_stackid(ctx, &stacks, 0)",
    about: "the kernel's calls",
  },
  {
    name: "user_stack",
    type: { kind: "stack", of: "user" },
    code: "bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK)",
    about: "the process's calls",
  },
];

/** All that expressions see at a hook: what all have keeps its name, and the hook's own of that name is `hook_NAME`. */
export function visibleFields(
  own: readonly Field[],
  shared: readonly Field[] = [...commonFields, ...stackFields],
): Field[] {
  const names = new Set(shared.map(({ name }) => name));
  return [...shared, ...own.map((field) => (names.has(field.name) ? { ...field, name: `hook_${field.name}` } : field))];
}
