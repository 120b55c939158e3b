/** Programs of one source that run at the same event, which is then seen twice. */
import type { Diagnostic } from "../diagnostics.js";
import { finding, withoutComments } from "./source-text.js";

/** Kinds of hook by what they are attached to: of each, all run where that is reached. */
const kinds: [RegExp, string][] = [
  [/^(?:raw_tp|raw_tracepoint|tp_btf)\/(\w+)$/, "tracepoint"],
  [/^(?:tp|tracepoint)\/\w+\/(\w+)$/, "tracepoint"],
  [/^(?:kprobe|fentry)\/(\w+)$/, "entry"],
  [/^(?:kretprobe|fexit)\/(\w+)$/, "return"],
];

/**
 * Warns of two programs for one event by hooks of different kinds: tools have them for kernels that lack one of the
 * kinds, and choose in their own user space. Several programs for one hook of one kind are meant to run all.
 */
export function doubledHooks(source: string, file: string): Diagnostic[] {
  const shape = /\bSEC\(\s*"([^"]*)"\s*\)\s*(?:\w+\s+)*?(?:BPF_\w+\s*\(\s*(\w+)|(\w+)\s*\()/g;
  const seen = new Map<string, { section: string; kind: string; name: string }>();
  return [...withoutComments(source).matchAll(shape)].flatMap((found) => {
    const [section, name] = [found[1]!, (found[2] ?? found[3])!];
    const [event, of] = eventOf(section) ?? [];
    if (!event) return [];
    const kind = section.replace(/\/.*/, "").replace("raw_tracepoint", "raw_tp").replace("tracepoint", "tp");
    const other = seen.get(`${of} ${event}`);
    if (!other) seen.set(`${of} ${event}`, { section, kind, name });
    if (!other || other.kind === kind) return [];
    return finding(
      source,
      file,
      found.index,
      "warning",
      `${other.name} (${other.section}) and ${name} (${section}) run at the same event: what both count is counted twice.`,
      `If one stands in for the other where a kernel lacks it, load the first that works: --alternatives ${other.name},${name} of %%bpf, or alternatives: [["${other.name}", "${name}"]] of bpf.load.`,
    );
  });
}

function eventOf(section: string): [event: string, of: string] | undefined {
  for (const [shape, of] of kinds) {
    const event = shape.exec(section)?.[1];
    if (event) return [event, of];
  }
  return undefined;
}
