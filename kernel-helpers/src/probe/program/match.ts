import { ArgumentError } from "../../base/errors.js";
import { insteadOfUnknown } from "../expression/unknown-column.js";
import type { ExpressionInput } from "../expression/parse.js";
import type { Value } from "../expression/value.js";
import { visibleFields } from "../hooks/common.js";
import type { Hook } from "../hooks/hook.js";
import { nameOfType, type Type } from "../value-types.js";
import { Body, type Line } from "./body.js";
import { common, packed, stored, type Stored } from "./struct-members.js";

/** A column of a hook, or an expression of its columns. */
export type KeyInput = { column: string } | { value: ExpressionInput };

/** By what two hooks are matched: of each as many keys, which are compared in their order. */
export interface On {
  start: KeyInput[];
  end: KeyInput[];
}

type Given = string | ExpressionInput;

/** As arquero's joins take it: one column of both, or a pair of what each has, a key or a list of keys. */
export function onOf(on: unknown): On | undefined {
  if (on === undefined) return undefined;
  const list = (given: unknown): KeyInput[] =>
    (Array.isArray(given) ? (given as Given[]) : [given as Given]).map((one) =>
      typeof one === "string" ? { column: one } : { value: one },
    );
  const isKey = (one: unknown) => typeof one === "string" || typeof one === "function";
  const isSide = (one: unknown) => isKey(one) || (Array.isArray(one) && one.length > 0 && one.every(isKey));
  if (isKey(on)) return { start: list(on), end: list(on) };
  if (Array.isArray(on) && on.length === 2 && on.every(isSide)) {
    const [start, end] = on.map(list) as [KeyInput[], KeyInput[]];
    if (start.length === end.length) return { start, end };
  }
  throw new ArgumentError("to: on takes a column that both hooks have, or a pair of what each has.", {
    hint: 'Write { on: "hook_sector" }, { on: ["hook_pid", "next_pid"] }, or lists for several: { on: [["a", "b"], ["c", "d"]] }.',
  });
}

/** What finds the note of a pair's first hook. */
export interface Match {
  members: Stored["members"];
  start: Line[];
  /** In the order of the hooks that end the pair. */
  ends: Line[][];
  includes: Set<string>;
}

/** The C of both ends' keys. @throws ArgumentError for what is no column, or cannot be compared */
export function matchOf(on: On, start: Hook, ends: readonly Hook[], params: ReadonlyMap<string, Value>): Match {
  const sides = [keysOf(start, on.start, params), ...ends.map((end) => keysOf(end, on.end, params))];
  const layouts = on.start.map((_, i) => {
    const types = sides.map(({ values }) => values[i]!.type);
    const type = types.reduce<Type | undefined>((a, b) => a && common(a, b), types[0]);
    const layout = type && stored(`key_${i}`, type, false);
    if (!layout)
      throw new ArgumentError(
        `to: on compares ${nameOfType(types[0]!)} of the first hook with ${nameOfType(types.find((one) => one.kind !== types[0]!.kind) ?? types[0]!)} of the second.`,
        { hint: "Compare numbers with numbers and text with text: op.code(…) is the number of a name." },
      );
    return layout;
  });
  const lines = ({ body, values }: (typeof sides)[number]): Line[] => [
    { text: "struct probe_match match = {};" },
    { text: "{" },
    ...body.lines.map((line) => ({ ...line, text: `\t${line.text}` })),
    ...layouts
      .flatMap((layout, i) => layout.store("(&match)", values[i]!))
      .map((text) => ({ text: `\t${text.replaceAll("(&match)->", "match.")}` })),
    { text: "}" },
  ];
  const [first, ...others] = sides;
  return {
    members: layouts.flatMap(({ members }) => members),
    start: lines(first!),
    ends: others.map(lines),
    includes: new Set(sides.flatMap(({ body }) => [...body.includes])),
  };
}

function keysOf(
  hook: Hook,
  keys: readonly KeyInput[],
  params: ReadonlyMap<string, Value>,
): { body: Body; values: Value[] } {
  const body = new Body(
    visibleFields(hook.fields),
    params,
    /^(tp\/(raw_)?syscalls\/|uprobe|uretprobe|usdt)/.test(hook.name),
  );
  const values = keys.map((key) => {
    if ("value" in key) return body.compile("to", key.value, (compiler) => compiler.value(compiler.parsed.body));
    const found = body.column(key.column);
    if (found) return found;
    throw new ArgumentError(`to: there is no column ${JSON.stringify(key.column)} at ${hook.name}.`, {
      hint: insteadOfUnknown(key.column, body.columns()),
    });
  });
  return { body, values };
}

/** Declarations of the note's map where the thread does not find it. */
export function matchDeclarations(members: Stored["members"]): string[] {
  return [
    "/* By what the second hook finds the note. */",
    "struct probe_match {",
    ...packed(members).map((member) => `\t${member};`),
    "} __attribute__((aligned(8)));",
    "",
    "/* What begins and never ends must not fill it: the oldest notes make room. */",
    "struct {",
    "\t__uint(type, BPF_MAP_TYPE_LRU_HASH);",
    "\t__uint(max_entries, 65536);",
    "\t__type(key, struct probe_match);",
    "\t__type(value, struct probe_begun);",
    '} begun_map SEC(".maps");',
  ];
}

/** Hooks that run in whatever thread there is, or in another one than what they are about, and what tells them apart. */
const elsewhere: [RegExp, on: string][] = [
  [/^(?:tp\/sched|raw_tp|tp_btf)\/sched_(?:wak\w+|migrate_task)$/, '["hook_pid", "next_pid"]'],
  [/^tp\/block\//, '[["dev", "sector"], ["dev", "sector"]]'],
  [/^tp\/(?:workqueue|timer|irq\/softirq_raise)/, '"NAME", of a field that both have'],
  [/^(?:raw_tp|tp_btf)\/(?:block_|workqueue_|timer_|hrtimer_|softirq_raise)/, '"NAME", of a field that both have'],
];
const switching = /^(?:tp\/sched|raw_tp|tp_btf)\/sched_switch$/;

/** By thread such hooks would match what does not belong together, without a word. @throws ArgumentError */
export function requireThreads(hook: string, to: string): void {
  if (switching.test(hook) && switching.test(to))
    throw new ArgumentError(
      "to: sched_switch runs in the thread that leaves the CPU, so by thread it is matched with that thread's next leaving.",
      { hint: `Say by what the two match: .to(${JSON.stringify(to)}, { on: ["prev_pid", "next_pid"] }).` },
    );
  for (const one of [hook, to])
    for (const [shape, on] of elsewhere)
      if (shape.test(one))
        throw new ArgumentError(
          `to: ${one} does not run in the thread that it is about, so by thread what does not belong together would be matched.`,
          {
            hint: `Say by what the two match: .to(${JSON.stringify(to)}, { on: ${on} }); { on: "tid" } is by thread all the same.`,
          },
        );
}
