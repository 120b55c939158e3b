import { existsSync } from "node:fs";
import { release } from "node:os";
import { requireInteger } from "../../base/arguments.js";
import { ArgumentError, AttachError, MissingFeatureError } from "../../base/errors.js";
import { nearestNames } from "../../base/names.js";
import { native } from "../../base/native.js";
import { isKernelFunction, kernelFunctions } from "../kernel-functions.js";
import { byLinks, type Attachable, type HookKind } from "./attachment.js";
import { cookieOf, type Cookie } from "./hook-options.js";

/** A function of the kernel; SEC("kprobe/NAME") or SEC("kprobe/NAME+OFFSET") says it too. */
export interface KprobeHook {
  /** Name of the function, as /proc/kallsyms has it. */
  function?: string;
  /** Bytes from its beginning; not for kretprobes. */
  offset?: number;
  /** What the program reads with bpf_get_attach_cookie(); since Linux 5.15. */
  cookie?: Cookie;
}

/** A system call; SEC("ksyscall/NAME") says it too. */
export interface KsyscallHook {
  /** Its name, such as `openat`. */
  syscall?: string;
  /** What the program reads with bpf_get_attach_cookie(); since Linux 5.15. */
  cookie?: Cookie;
}

export const kprobe: HookKind<KprobeHook> = {
  to: "a kernel function",
  takes: ["function", "offset", "cookie"],
  inSection: ["function", "offset"],
  attach(program, options) {
    const [, kind, named, plus] = /^(k(?:ret)?probe)(?:\/([\w.]+)(?:\+(\w+))?)?/.exec(program.section) ?? [];
    const { function: name = named, offset = plus === undefined ? 0 : Number(plus) } = options;
    const isReturn = kind === "kretprobe";
    if (!name)
      throw new ArgumentError(`The program ${program.name} attaches to a kernel function, which must be named.`, {
        hint: `For example SEC("${isReturn ? "kretprobe" : "kprobe"}/do_unlinkat"), or attach({ function: "do_unlinkat" }).`,
      });
    requireInteger("offset", offset, { from: 0 });
    if (isReturn && offset) throw new ArgumentError("offset: a kretprobe is at the function's end and takes none.");
    requireKprobes(program, `${kind} ${name}`);
    requireFunction(program, name);
    const link = native.bpf_program__attach_kprobe(program.object, program.name, name, {
      offset,
      isReturn,
      ...cookieOf(options.cookie),
    });
    return byLinks([link], `${isReturn ? "return of" : "function"} ${name}${offset ? `+${offset}` : ""}`);
  },
};

export const ksyscall: HookKind<KsyscallHook> = {
  to: "a system call",
  takes: ["syscall", "cookie"],
  inSection: ["syscall"],
  attach(program, options) {
    const [, returns, named] = /^k(ret)?syscall(?:\/(\w+))?/.exec(program.section) ?? [];
    const name = options.syscall ?? named;
    if (!name)
      throw new ArgumentError(`The program ${program.name} attaches to a system call, which must be named.`, {
        hint: 'For example SEC("ksyscall/openat"), or attach({ syscall: "openat" }).',
      });
    requireKprobes(program, `system call ${name}`);
    const link = native.bpf_program__attach_ksyscall(program.object, program.name, name, {
      isReturn: returns !== undefined,
      ...cookieOf(options.cookie),
    });
    return byLinks([link], `${returns ? "return of " : ""}system call ${name}`);
  },
};

/** @throws MissingFeatureError on a kernel without kprobes, which says ENOENT as for a function that is not there */
export function requireKprobes(program: Attachable, where: string): void {
  if (existsSync("/sys/bus/event_source/devices/kprobe")) return;
  throw new MissingFeatureError(
    "kprobes",
    `Program ${program.name} cannot attach to ${where}: this kernel (${release()}) is built without kprobes (CONFIG_KPROBES).`,
    {
      hint: `Use a tracepoint (tp/, raw_tp/, tp_btf/) instead, or leave it out: programs: { ${program.name}: false }.`,
    },
  );
}

/** @throws AttachError that names the nearest functions there are */
export function requireFunction(program: Attachable, name: string): void {
  if (isKernelFunction(name)) return;
  throw new AttachError(
    program.name,
    program.section,
    `Program ${program.name} cannot attach to ${name}: this kernel has no function of that name.`,
    {
      hint: `The nearest names in /proc/kallsyms are ${nearestNames(name, kernelFunctions())}; a function that the compiler inlined has no name there.`,
    },
  );
}
