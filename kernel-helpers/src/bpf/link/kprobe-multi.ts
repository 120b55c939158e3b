import { release } from "node:os";
import { ArgumentError, AttachError, MissingFeatureError } from "../../base/errors.js";
import { isNativeError, native, type LinkHandle } from "../../base/native.js";
import { byLinks, type Attachable, type HookKind } from "./attachment.js";
import { requireFunction, requireKprobes } from "./kprobe.js";
import { asPattern } from "./pattern.js";
import { lacksAttachType } from "./lacks-attach-type.js";
import { traceableFunctions } from "./traceable-functions.js";

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
    const link = linkTo(program, addressesOf(program, pattern, functions ?? []), returns !== undefined);
    return byLinks([link], `${returns ? "return of " : ""}functions ${pattern ?? functions!.join(", ")}`);
  },
};

/** Where the functions begin. @throws AttachError for one that is not there or cannot be traced, or when none matches */
function addressesOf(program: Attachable, pattern: string | undefined, names: readonly string[]): bigint[] {
  for (const name of names) requireFunction(program, name);
  const traceable = traceableFunctions();
  const wanted = pattern === undefined ? undefined : asPattern(pattern);
  const chosen = traceable.filter(({ name }) => (wanted ? wanted.test(name) : names.includes(name)));
  const untraced = names.find((name) => !chosen.some((one) => one.name === name));
  if (untraced !== undefined)
    throw new AttachError(
      program.name,
      program.section,
      `Program ${program.name} cannot attach to ${untraced}: this kernel has the function, and cannot trace it.`,
      {
        hint: `Those it can are in available_filter_functions of tracefs. A kprobe by itself, SEC("kprobe/${untraced}"), may do.`,
      },
    );
  if (chosen.length === 0)
    throw new AttachError(
      program.name,
      program.section,
      `Program ${program.name} cannot attach: no function that this kernel can trace matches ${pattern}.`,
      {
        hint: "A pattern may have * for any letters and ? for one; available_filter_functions of tracefs lists the functions.",
      },
    );
  return chosen.map(({ address }) => address);
}

function linkTo(program: Attachable, addresses: bigint[], isReturn: boolean): LinkHandle {
  const { object, name, attachType } = program;
  try {
    return native.bpf_link_create_kprobe_multi(object, name, { addresses, attachType, isReturn });
  } catch (error) {
    const isLeftOut = isNativeError(error) && error.code === "EOPNOTSUPP";
    if (!isLeftOut && !(isNativeError(error) && lacksAttachType(error, program))) throw error;
    const isSession = program.section.includes(".session");
    const [kind, since] = isSession ? ["kprobe.session", "6.10"] : ["kprobe.multi", "5.18"];
    throw new MissingFeatureError(
      kind,
      isLeftOut
        ? `This kernel (${release()}) is built without CONFIG_FPROBE, which links to many functions (${kind}) need.`
        : `This kernel (${release()}) has no links to many functions (${kind}): they came with Linux ${since}.`,
      { since, hint: 'Attach one program to each function, as SEC("kprobe/NAME").', cause: error },
    );
  }
}
