import { ArgumentError, AttachError } from "../../base/errors.js";
import { native } from "../../base/native.js";
import { kernelFunctions } from "../kernel-functions.js";
import { byLinks, type HookKind } from "./attachment.js";
import { requireFunction, requireKprobes } from "./kprobe.js";
import { asPattern } from "./pattern.js";

/** Many functions of the kernel by one link (since Linux 5.18); SEC("kprobe.multi/PATTERN") says it too. */
export interface KprobeMultiHook {
  /** Names of functions, with `*` for any letters and `?` for one: `tcp_*`. */
  pattern?: string;
  /** In its place: their names. */
  functions?: string[];
}

export const kprobeMulti: HookKind<KprobeMultiHook> = {
  to: "kernel functions",
  takes: ["pattern", "functions"],
  inSection: ["pattern", "functions"],
  attach(program, { pattern: given, functions }) {
    const [, returns, named] = /^k(ret)?probe\.(?:multi|session)(?:\/(.+))?$/.exec(program.section) ?? [];
    const pattern = functions ? undefined : (given ?? named);
    if (!pattern && !functions?.length)
      throw new ArgumentError(`The functions that program ${program.name} attaches to must be named.`, {
        hint: 'For example SEC("kprobe.multi/tcp_*"), or attach({ functions: ["do_unlinkat", "do_rmdir"] }).',
      });
    requireKprobes(program, pattern ?? functions!.join(", "));
    for (const name of functions ?? []) requireFunction(program, name);
    if (pattern && !kernelFunctions().some((name) => asPattern(pattern).test(name)))
      throw new AttachError(
        program.name,
        program.section,
        `Program ${program.name} cannot attach: no function of this kernel matches ${pattern}.`,
        { hint: "A pattern may have * for any letters and ? for one; /proc/kallsyms lists the functions." },
      );
    const link = native.bpf_program__attach_kprobe_multi(program.object, program.name, {
      ...(pattern ? { pattern } : { functions: functions! }),
      isReturn: returns !== undefined,
    });
    return byLinks([link], `${returns ? "return of " : ""}functions ${pattern ?? functions!.join(", ")}`);
  },
};
