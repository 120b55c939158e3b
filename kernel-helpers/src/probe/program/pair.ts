import { hostOrder } from "../expression/network-order.js";
import type { Field, Hook } from "../hooks/hook.js";
import { matchDeclarations, type Match } from "./match.js";
import { HIGHEST_SIGNED } from "../value-types.js";
import { Body, type Line } from "./body.js";
import { packed, stored, type Stored } from "./struct-members.js";
import { Namer } from "./namer.js";

/** What the first hook of a pair notes for the second. */
interface Note {
  /** As the first hook reads it. */
  field: Field;
  /** As the second hook's program reads it. */
  noted: Field;
  member: string;
  layout: Stored;
}

/** The fields of both hooks of a pair, for the program of the second. */
export interface Pair {
  fields: Field[];
  notes: Note[];
}

/**
 * Fields of two hooks as one row. The second one's win where both have a name; the first one's is then
 * called start_NAME.
 */
export function pairOf(start: Hook, end: Hook): Pair {
  const times: Field[] = [
    {
      name: "start_ns",
      type: { kind: "int", low: 0n, high: HIGHEST_SIGNED },
      code: "start_ns",
      about: "CLOCK_MONOTONIC of the first hook",
    },
    {
      name: "duration_ns",
      type: { kind: "int", low: 0n, high: HIGHEST_SIGNED },
      code: "duration_ns",
      about: "from the first hook to the second",
    },
  ];
  const namer = new Namer("member");
  const notes = start.fields.flatMap((field): Note[] => {
    const member = namer.name(field.name);
    const layout = stored(member, field.type, false);
    return layout ? [{ field, noted: notedField(field, member, end), member, layout }] : [];
  });
  return { fields: [...times, ...notes.map(({ noted }) => noted), ...end.fields], notes };
}

function notedField(field: Field, member: string, end: Hook): Field {
  const { name, type, code } = field;
  const cast = type.kind === "pointer" ? /^\((?:struct|union) \w+ \*\)/.exec(code)?.[0] : undefined;
  return {
    ...field,
    name: end.fields.some((other) => other.name === name) ? `start_${name}` : name,
    code: `${cast ?? ""}begun->${member}`,
    ...(type.kind === "text" ? { text: "context" as const, align: 8 } : {}),
    ...(type.kind === "int" ? { type: hostOrder(type) } : {}),
    // The verifier forgets what a pointer leads to once it has been put away.
    ...(type.kind === "pointer" ? { type: { ...type, direct: false } } : {}),
  };
}

/** Declarations of the note and of the map that holds it. */
export function noteDeclarations(notes: readonly Note[], match: Match | undefined): string[] {
  const byThread = [
    "/* The note lives with the thread and goes when it does: no hashing, and no bound on the threads. */",
    "struct {",
    "\t__uint(type, BPF_MAP_TYPE_TASK_STORAGE);",
    "\t__uint(map_flags, BPF_F_NO_PREALLOC);",
    "\t__type(key, int);",
    "\t__type(value, struct probe_begun);",
    '} begun_map SEC(".maps");',
  ];
  return [
    "/* What the first hook notes for the second. */",
    "struct probe_begun {",
    "\t__u64 start_ns; /* 0: nothing is under way */",
    ...packed(notes.flatMap(({ layout }) => layout.members)).map((member) => `\t${member};`),
    "};",
    "",
    ...(match ? matchDeclarations(match.members) : byThread),
    "",
    "/* CLOCK_MONOTONIC when it was attached. A note that is older was left by what ended unseen. */",
    "__u64 attached_ns;",
    "",
  ];
}

/** The lines of the first hook's program. @param lost the C that counts an event for which there is no memory */
export function noteLines(
  start: Hook,
  notes: readonly Note[],
  lost: string,
  match: Match | undefined,
): { lines: Line[]; includes: Set<string> } {
  const body = new Body(start.fields, new Map(), false);
  const stores = notes.flatMap(({ field, member, layout }) => [
    ...(field.type.kind === "text" ? [`__builtin_memset(begun->${member}, 0, sizeof(begun->${member}));`] : []),
    ...layout.store("begun", body.column(field.name)!),
  ]);
  const find = match
    ? [
        "static const struct probe_begun nothing = {};",
        "struct probe_begun *begun = bpf_map_lookup_elem(&begun_map, &match);",
        "if (!begun) {",
        "\tbpf_map_update_elem(&begun_map, &match, &nothing, BPF_NOEXIST);",
        "\tbegun = bpf_map_lookup_elem(&begun_map, &match);",
        "}",
      ]
    : ["struct probe_begun *begun = thread_storage(begun_map, BPF_LOCAL_STORAGE_GET_F_CREATE);"];
  const before = [...find, "if (!begun) {", `\t${lost};`, "\treturn 0;", "}"];
  const text = (line: string): Line => ({ text: line });
  return {
    lines: [
      text(""),
      ...(match?.start ?? []),
      ...before.map(text),
      ...body.lines,
      ...[...stores, "begun->start_ns = bpf_ktime_get_ns();", "return 0;"].map(text),
    ],
    includes: body.includes,
  };
}
