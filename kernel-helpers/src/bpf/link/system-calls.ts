import { readFileSync } from "node:fs";
import { release, version } from "node:os";
import { join } from "node:path";
import { atLeast } from "../../base/machine.js";
import { native, type ObjectHandle } from "../../base/native.js";

// Programs of SEC("tp/syscalls/…") that read their call by syscall.h may hang on its function in place of its tracepoint.

const TRACING = 26; // BPF_PROG_TYPE_TRACING
const attachTypes = { enter: 24, exit: 25 } as const; // BPF_TRACE_FENTRY, BPF_TRACE_FEXIT

/** What the function of a system call is called, before its name; it gets the registers as its one argument. */
const PREFIX = ({ x64: "__x64_sys_", arm64: "__arm64_sys_" } as Record<string, string>)[process.arch];

/** The constant by which syscall.h is told. */
export const BY_FENTRY = "syscall_by_fentry";

let reason: { text: string | undefined } | undefined;

/** Why system calls are watched by their tracepoints on this kernel, in words; undefined where fentry does it. */
export function whyTracepoints(): string | undefined {
  reason ??= { text: find() };
  return reason.text;
}

function find(): string | undefined {
  if (PREFIX === undefined) return `nothing is known of system calls' functions on ${process.arch}`;
  // Before, the kernel frees what a call that still sleeps returns through when its program is detached.
  if (!atLeast(release(), 5, 12)) return "an fexit program on a call that sleeps is safe since Linux 5.12";
  try {
    // One that comes in place of another inside the same program, on the same CPU, finds it busy, and is left out.
    if (isPreemptible()) return "this kernel may switch threads inside a program, and then leaves fentry programs out";
  } catch (error) {
    return `this kernel does not tell whether it switches threads inside a program (${(error as Error).message})`;
  }
  try {
    native.probe_fentry(`${PREFIX}write`);
    return undefined;
  } catch (error) {
    return `this kernel refuses fentry (${(error as Error).message})`;
  }
}

/** Whether the kernel may take the CPU from a thread that runs kernel code. @throws where it does not tell */
function isPreemptible(): boolean {
  const [, model] = /\bPREEMPT(_\w+)?/.exec(version()) ?? [undefined, "none"];
  return model === "_DYNAMIC" ? !/\((none|voluntary)\)/.test(preemptionModes()) : model !== "none";
}

/** `none (voluntary) full`: the model in brackets was chosen at boot. */
function preemptionModes(): string {
  const mount = native.fsmount("debugfs");
  try {
    return readFileSync(join(native.fsmount_path(mount), "sched/preempt"), "utf8");
  } finally {
    native.fsmount_close(mount);
  }
}

/** The hook that a program of SEC("tp/syscalls/sys_enter_NAME") or sys_exit_NAME has by fentry, in words; or undefined. */
export function functionHook(section: string): { kind: "enter" | "exit"; name: string } | undefined {
  const [, kind, call] = /^(?:tp|tracepoint)\/syscalls\/sys_(enter|exit)_(\w+)$/.exec(section) ?? [];
  return kind === undefined ? undefined : { kind: kind as "enter" | "exit", name: `${PREFIX ?? ""}${call}` };
}

/** Gives the programs of an opened object that are on system calls the calls' functions as their targets. */
export function targetSystemCalls(object: ObjectHandle): void {
  for (const { name, section } of native.bpf_object__programs(object)) {
    const hook = functionHook(section);
    if (!hook) continue;
    native.bpf_program__set_type(object, name, TRACING, attachTypes[hook.kind], 0);
    native.bpf_program__set_attach_target(object, name, 0, hook.name);
  }
}
