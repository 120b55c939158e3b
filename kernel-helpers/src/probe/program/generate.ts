import { ArgumentError } from "../../base/errors.js";
import { textValue } from "../expression/value.js";
import type { Value } from "../expression/value.js";
import { commonFields } from "../hooks/common.js";
import type { Hook } from "../hooks/hook.js";
import { matchOf } from "./match.js";
import { integer, nameOfType, type Type } from "../value-types.js";
import { type Line } from "./body.js";
import { common, packed, stored, type Stored } from "./struct-members.js";
import { requireMemory } from "./memory.js";
import { Namer } from "./namer.js";
import { comment, Writer, type OutputColumn, type Page } from "./page.js";
import { noteDeclarations, noteLines } from "./pair.js";
import { membersOf, updateOf, type Aggregate } from "./rollup.js";
import type { Params, Question, Verb } from "./verbs.js";
import { compilePart, type Part } from "./part.js";
import { titleOf } from "./title.js";

/** Sizes and habits that a probe may be given. */
export interface Sizes {
  /** Bytes of the ring buffer, a power of two. */
  ringBytes: number;
  /** Most groups. */
  groups: number;
  /** Whether the observer's own process is observed too. */
  own: boolean;
}

/** The C of a question. @throws ArgumentError that shows the place in an expression */
export function generate(
  question: Question,
  found: readonly Hook[],
  begins: Hook | undefined,
  params: Params,
  sizes: Sizes,
): Page {
  const verbs = checkedOrder(question);
  const programs = new Namer();
  const distinct = (hook: Hook): Hook => ({ ...hook, program: programs.name(hook.program) });
  const hooks = found.map(distinct);
  const start = begins && distinct(question.on ? withWho(begins) : begins);
  const { values, globals, declarations: paramLines } = paramGlobals(params);
  const isGroups = verbs.some(({ verb }) => verb === "rollup");
  const match = start && question.on && matchOf(question.on, start, hooks, values);
  const parts = hooks.map((hook) => compilePart(hook, start, verbs, values, hooks.length > 1));
  const members = new Namer("member");
  const first = parts[0]!;
  const columns = first.columns.map(([name]) => {
    const type = parts
      .map((part) => part.columns.find(([one]) => one === name)![1].type)
      .reduce<Type | undefined>((a, b) => a && common(a, b), first.columns.find(([one]) => one === name)![1].type);
    if (!type)
      throw new ArgumentError(`${question.hook}: the column ${name} is not of one type in all of these hooks.`, {
        hint: "Select other columns, or probe the hooks one by one.",
      });
    const special = parts.some((part) => part.columns.find(([one]) => one === name)![1].special);
    const member = members.name(name);
    const layout = stored(member, type, special);
    if (!layout)
      throw new ArgumentError(`The column ${name} is ${nameOfType(type)}, which no table cell can hold.`, {
        hint: type.kind === "null" ? "Give it a value where there is one: a ? b : null." : "Select its members.",
      });
    return { name, member, type, special, layout };
  });
  const usesStacks = parts.some(({ body }) => [...body.used].some(({ type }) => type.kind === "stack"));

  const page = new Writer();
  const notes = first.pair?.notes.filter(({ noted }) => parts.some(({ body }) => body.usedNames.has(noted.name))) ?? [];
  const begin =
    start && noteLines(start, notes, isGroups ? "__sync_fetch_and_add(&groups_lost, 1)" : "event_lost(events)", match);
  const header = [
    ...new Set([
      ...parts.flatMap(({ hook, body }) => [...hook.includes, ...body.includes]),
      ...(begin ? [...start.includes, ...begin.includes, ...(match?.includes ?? [])] : []),
    ]),
  ];
  page.add(
    `/* ${comment(titleOf(question))} */`,
    '#include "bpflab.h"',
    '#include "probe.h"',
    ...header.map((name) => `#include <${name}>`),
    "",
    'char LICENSE[] SEC("license") = "GPL";',
    "",
  );
  if (paramLines.length > 0) page.add("/* Parameters: changed while the program runs. */", ...paramLines, "");
  for (const declaration of new Set([
    ...(start ? start.declarations : []),
    ...hooks.flatMap((hook) => hook.declarations),
  ]))
    page.add(declaration, "");
  if (verbs.some(({ verb }) => verb === "sample"))
    page.add("/* Events that came to sample(). */", "__u64 sampled;", "");
  if (usesStacks)
    page.add(
      "/* Where threads were: each stack once, by its number. */",
      "struct {",
      "\t__uint(type, BPF_MAP_TYPE_STACK_TRACE);",
      "\t__uint(max_entries, 16384);",
      "\t__type(key, __u32);",
      "\t__uint(value_size, 127 * sizeof(__u64));",
      '} stacks SEC(".maps");',
      "",
    );
  if (begin) page.add(...noteDeclarations(notes, match));
  if (isGroups) addGroups(page, columns, first.aggregates, sizes);
  else addEvents(page, columns, sizes);
  // Matched by other things than the thread, an event of ours may be another process's affair, and the other way round.
  if (begin) addProgram(page, start, begin.lines, { own: sizes.own || match !== undefined }, "start");
  parts.forEach((part, i) => {
    const lines = isGroups ? groupLines(part, columns) : eventLines(part, columns);
    addProgram(page, part.hook, [...part.body.lines, ...lines], sizes, start ? "end" : "only", match?.ends[i]);
  });
  const outputs: OutputColumn[] = columns.map(({ name, member, type, special }) => ({ name, member, type, special }));
  for (const { name, member, how, value, bounds } of first.aggregates)
    outputs.push({
      name,
      member,
      how,
      type: value?.type ?? integer(8, false),
      special: value?.special !== undefined,
      ...(bounds ? { bounds } : {}),
    });
  return {
    text: page.text,
    origins: page.origins,
    answer: isGroups ? "groups" : "events",
    keyed: columns.length > 0,
    columns: outputs,
    formulas: new Map([...columns.map(({ name }) => [name, undefined] as const), ...first.rolledUp]),
    params: globals,
    hooks: new Map([...hooks, ...(start ? [start] : [])].map((hook) => [hook.program, hook])),
    usesStacks,
  };
}

/** Who was there at the first hook, who need not be there at the second: start_pid, start_tid and start_comm. */
function withWho(hook: Hook): Hook {
  const who = commonFields.filter(({ name }) => ["pid", "tid", "comm"].includes(name));
  return { ...hook, fields: [...who.map((field) => ({ ...field, name: `start_${field.name}` })), ...hook.fields] };
}

/** What is added up is added up at the end: groupby, then rollup, and nothing behind. */
function checkedOrder({ verbs, hook }: Question): readonly Verb[] {
  const rollup = verbs.findIndex(({ verb }) => verb === "rollup");
  const group = verbs.findIndex(({ verb }) => verb === "groupby");
  if (rollup >= 0 && rollup !== verbs.length - 1)
    throw new ArgumentError(`${verbs[rollup + 1]!.verb}: the kernel does nothing more after a rollup.`, {
      hint: `Do it with the table: (await probe(${JSON.stringify(hook)})….collect()).${verbs[rollup + 1]!.verb}(…).`,
    });
  if (group >= 0 && rollup < 0)
    throw new ArgumentError("groupby: it needs rollup() or count() after it.", {
      hint: 'Write .groupby("comm").count(), or group the table.',
    });
  if (group >= 0 && verbs.slice(group, rollup).some(({ verb }) => verb === "select"))
    throw new ArgumentError("select: between groupby and rollup it would take the groups' columns away.", {
      hint: "Leave it out: a rollup has the groups and what it computes.",
    });
  return verbs;
}

function paramGlobals(params: Params): {
  values: Map<string, Value>;
  globals: Map<string, string>;
  declarations: string[];
} {
  const namer = new Namer();
  const [values, globals, declarations] = [new Map<string, Value>(), new Map<string, string>(), [] as string[]];
  for (const [name, value] of Object.entries(params)) {
    const global = namer.name(`param_${name}`);
    globals.set(name, global);
    switch (typeof value) {
      case "boolean":
        declarations.push(`bool ${global};`);
        values.set(name, { type: { kind: "bool" }, code: global });
        break;
      case "string":
        declarations.push(`char ${global}[64];`);
        values.set(name, textValue({ from: "array", code: global, size: 64 }));
        break;
      default:
        declarations.push(`__s64 ${global};`);
        values.set(name, { type: integer(8, true), code: global });
    }
  }
  return { values, globals, declarations };
}

type Laid = { name: string; member: string; type: Type; special: boolean; layout: Stored };

function addEvents(page: Writer, columns: readonly Laid[], { ringBytes }: Sizes): void {
  page.add(
    "/* One event, as user space gets it. */",
    "struct probe_event {",
    ...packed(columns.flatMap(({ layout }) => layout.members)).map((member) => `\t${member};`),
    "};",
    "",
    `RING_BUFFER(events, struct probe_event, ${ringBytes});`,
    "",
  );
}

function eventLines({ columns: values }: Part, columns: readonly Laid[]): Line[] {
  const lines = [
    "",
    "struct probe_event *event = event_reserve(events);",
    "if (!event)",
    "\treturn 0; /* counted as lost */",
    ...columns.flatMap(({ name, layout }) => layout.store("event", values.find(([one]) => one === name)![1])),
    "event_submit(events, event);",
    "return 0;",
  ];
  return lines.map((text) => ({ text }));
}

function addGroups(page: Writer, keys: readonly Laid[], aggregates: readonly Aggregate[], { groups }: Sizes): void {
  if (keys.length > 0) requireMemory(groups, aggregates);
  if (keys.length > 0)
    page.add(
      "/* What tells the groups apart. */",
      "struct probe_key {",
      ...packed(keys.flatMap(({ layout }) => layout.members)).map((member) => `\t${member};`),
      "} __attribute__((aligned(8)));",
      "",
    );
  page.add(
    "/* A CPU's share of a group's totals; user space makes one of all CPUs'. */",
    "struct probe_totals {",
    ...aggregates.flatMap(membersOf).map((member) => `\t${member};`),
    "\t__u64 rows; /* events so far */",
    "};",
    "",
  );
  page.add(
    "struct {",
    `\t__uint(type, BPF_MAP_TYPE_PERCPU_${keys.length > 0 ? "HASH" : "ARRAY"});`,
    `\t__uint(max_entries, ${keys.length > 0 ? groups : 1});`,
    `\t__type(key, ${keys.length > 0 ? "struct probe_key" : "__u32"});`,
    "\t__type(value, struct probe_totals);",
    '} groups SEC(".maps");',
    "",
    "/* Events that found no room in the map. */",
    "__u64 groups_lost;",
    "",
  );
}

function groupLines({ columns: values, aggregates }: Part, keys: readonly Laid[]): Line[] {
  const key = keys.length > 0 ? "struct probe_key key = {};" : "__u32 key = 0;";
  const filled = keys
    .flatMap(({ name, layout }) => layout.store("(&key)", values.find(([one]) => one === name)![1]))
    .map((line) => line.replaceAll("(&key)->", "key."));
  const found =
    keys.length > 0
      ? ["static const struct probe_totals none = {};", "struct probe_totals *totals = group_of(groups, &key, none);"]
      : ["struct probe_totals *totals = bpf_map_lookup_elem(&groups, &key);"];
  return [
    "",
    key,
    ...filled,
    ...found,
    "if (!totals)",
    "\treturn 0;",
    ...aggregates.flatMap((one) => updateOf(one).map((text): Line => ({ text, origin: one.origin }))),
    "totals->rows++;",
    "return 0;",
  ].map((line) => (typeof line === "string" ? { text: line } : line));
}

function addProgram(
  page: Writer,
  hook: Hook,
  lines: readonly Line[],
  { own }: Pick<Sizes, "own">,
  role: "only" | "start" | "end",
  match?: readonly Line[],
): void {
  page.add(
    `SEC("${hook.section}")`,
    `int ${hook.program}(${hook.context}${hook.context.endsWith("*") ? "" : " "}ctx)`,
    "{",
  );
  if (role === "end") {
    page.add("\tconst __u64 id = bpf_get_current_pid_tgid(), now = bpf_ktime_get_ns();");
    if (match) page.addFrom(match).add("\tstruct probe_begun *begun = bpf_map_lookup_elem(&begun_map, &match);");
    else page.add("\tstruct probe_begun *begun = thread_storage(begun_map, 0);");
  } else page.add("\tconst __u64 id = bpf_get_current_pid_tgid();");
  if (role === "end")
    page.add(
      "",
      "\t/* What began before we were attached, or is not watched, is left alone. */",
      "\tif (!begun || !begun->start_ns || begun->start_ns < attached_ns)",
      "\t\treturn 0;",
      "\tconst __s64 start_ns = begun->start_ns, duration_ns = now - begun->start_ns;",
      "\tbegun->start_ns = 0;",
    );
  else if (!own)
    page.add(
      "",
      "\t/* Not the observer itself. */",
      "\tif (id >> 32 == own_tgid || id >> 32 == own_parent_tgid)",
      "\t\treturn 0;",
    );
  page.addFrom(lines).add("}", "");
}
