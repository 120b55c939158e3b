import { CompileError } from "../clang/diagnostics.js";
import { BpflabError, LoadError, MissingFeatureError } from "../base/errors.js";
import { VerifierError } from "../bpf/verifier/error.js";
import { pointer, type Parsed } from "./expression/parse.js";
import type { Page } from "./program/page.js";

/**
 * The kernel or the compiler refuses a program because of what was asked. The message shows the expression;
 * `cause` is the refusal itself, which speaks of C that nobody wrote by hand, and `source` is that C.
 *
 * @example
 * await probe("fentry/do_unlinkat").count().collect({ seconds: 1 }).catch((error) => {
 *   if (error instanceof ProbeError) console.error(error.message, error.source);
 * });
 */
export class ProbeError extends BpflabError {
  /** The C that was refused. */
  readonly source: string;

  constructor(message: string, source: string, facts: { hint: string; cause: unknown }) {
    super("PROBE", message, facts);
    this.source = source;
    Object.defineProperty(this, "source", { enumerable: false }); // a page of it would hide the message
  }
}

/** What refusals come to, and what to do about them. */
const reasons: [RegExp, string, string][] = [
  [
    /built-in function 'mem(?:set|cpy)'/,
    "a row takes more than 1,024 bytes, which a program in the kernel cannot fill at once",
    "Read less text, such as op.str(d.filename, 256), or select fewer columns.",
  ],
  [
    /stack|frame|too many (?:bytes|arguments)/i,
    "it keeps more at once than the 512 bytes that a program in the kernel has for it",
    "Read less text at once, such as op.str(d.filename, 64), compare fewer texts, or compute fewer columns at once.",
  ],
  [
    /nesting level|too large|too complex|BPF program is too|jump out of range|sequence of \d+ jumps/i,
    "the program is too long for the kernel to check",
    "Ask fewer things in one expression, or in several probes.",
  ],
  [
    /unknown func|invalid func|cannot (?:call|use) helper|program of this type cannot use helper/i,
    "this kind of hook does not let a program do that",
    "Use another hook for it, such as a tracepoint: probe.list() shows them.",
  ],
  [
    /invalid bpf_context access|invalid mem access/i,
    "the kernel does not let a program of this hook read that",
    "Take another field, or another hook: raw_tp/ reads by copying where tp_btf/ and fentry/ follow pointers.",
  ],
];

/** Says a refusal in terms of the question. Other errors stay what they are. */
export function explained(error: unknown, page: Page): unknown {
  const place =
    error instanceof VerifierError
      ? error.line
      : error instanceof CompileError
        ? error.diagnostics[0]?.line
        : undefined;
  if (
    error instanceof LoadError &&
    error.errno === 1 &&
    [...page.hooks.values()].some(({ name }) => /^f(entry|exit)\//.test(name))
  )
    return new MissingFeatureError("fentry", "This kernel refuses fentry and fexit programs.", {
      since: "5.5",
      hint: "Tracepoints show much the same: tp/, raw_tp/ and tp_btf/, which probe.list() shows; or kprobe/ where the kernel has it.",
      cause: error,
    });
  const kprobe = [...page.hooks.values()].find(({ name }) => /^k(ret)?probe\//.test(name));
  if (error instanceof MissingFeatureError && kprobe && /CONFIG_KPROBES/.test(error.message))
    return new MissingFeatureError(
      "kprobes",
      `${kprobe.name}: this kernel is built without kprobes (CONFIG_KPROBES).`,
      {
        hint: "Tracepoints tell much of the same: tp/, raw_tp/ and tp_btf/, which probe.list() shows.",
        cause: error,
      },
    );
  if (error instanceof LoadError && error.errno === 7)
    return new ProbeError("rollup: a group takes more than the 32 KiB that the kernel has for one.", page.text, {
      hint: "Make the steps of op.linear() wider, or ask for fewer histograms at once.",
      cause: error,
    });
  if (!(error instanceof VerifierError) && !(error instanceof CompileError)) return ofHooks(error, page);
  const said = error instanceof VerifierError ? error.reason : error.message;
  const [, why, instead] = reasons.find(([pattern]) => pattern.test(said)) ?? [
    undefined,
    error instanceof VerifierError ? `the kernel's verifier says: ${error.reason}` : "its C does not compile",
    "The error's cause has the full message, and its source the C.",
  ];
  const origin = nearestOrigin(page, place);
  const where = origin ? `${origin.verb}: ` : "";
  const shown = origin ? `\n${pointer(origin, origin.body)}` : "";
  return new ProbeError(`${where}the kernel refuses this: ${why}.${shown}`, page.text, { hint: instead, cause: error });
}

/** An error that names a program says the hook instead: the program was nobody's to name. */
function ofHooks(error: unknown, { hooks }: Page): unknown {
  if (!(error instanceof BpflabError)) return error;
  const before = error.message;
  for (const [program, { name }] of hooks)
    error.message = error.message
      .replace(`SEC("${name}") of ${program}: `, () => `${name}: `)
      .replace(new RegExp(`Program ${program} cannot attach to (?:\\S+): `), () => `${name}: `);
  error.stack = error.stack?.replace(before, () => error.message) ?? "";
  return error;
}

/** The expression that a line of C came from, or the last one before it. */
function nearestOrigin(page: Page, line: number | undefined): Parsed | undefined {
  for (let at = line ?? 0; at > 0; at--) {
    const origin = page.origins.get(at);
    if (origin) return origin;
  }
  return [...page.origins.values()].at(-1);
}
