/**
 * Checks that need C's types. clang itself is asked, in a run that makes no code: macros in place of the helpers make
 * it say, in warnings of its own, how many bytes a map's key has and how many the argument points to.
 */
import type { Diagnostic } from "../diagnostics.js";
import { bare, callArguments, finding, offsetAt } from "./source-text.js";

// An array points to all of itself; for other pointers `&(X)[0]` has their own type.
const MACROS = `
#define __bpflab_bytes(X) __builtin_choose_expr(__builtin_types_compatible_p(typeof(X), typeof(&(X)[0])), sizeof(*(X)), sizeof(X))
#define __bpflab_part(MAP, PART, AT, POINTER) { \\
	_Static_assert(0, "bpflab " #PART " " #AT); \\
	char (*(*__bpflab_typed)[sizeof(*(MAP)->PART)])[__bpflab_bytes(POINTER)] = 1; \\
	char (*(*__bpflab_sized)[sizeof(*(MAP)->PART##_size) / sizeof(int)])[__bpflab_bytes(POINTER)] = 1; \\
	struct __bpflab *__bpflab_pointer = POINTER; }
#define bpf_map_lookup_elem(MAP, KEY) ({ __bpflab_part(MAP, key, 1, KEY) bpf_map_lookup_elem(MAP, KEY); })
#define bpf_map_lookup_percpu_elem(MAP, KEY, CPU) ({ __bpflab_part(MAP, key, 1, KEY) bpf_map_lookup_percpu_elem(MAP, KEY, CPU); })
#define bpf_map_delete_elem(MAP, KEY) ({ __bpflab_part(MAP, key, 1, KEY) bpf_map_delete_elem(MAP, KEY); })
#define bpf_map_update_elem(MAP, KEY, VALUE, FLAGS) ({ \\
	__bpflab_part(MAP, key, 1, KEY) __bpflab_part(MAP, value, 2, VALUE) bpf_map_update_elem(MAP, KEY, VALUE, FLAGS); })
#define bpf_map_push_elem(MAP, VALUE, FLAGS) ({ __bpflab_part(MAP, value, 1, VALUE) bpf_map_push_elem(MAP, VALUE, FLAGS); })
#define bpf_map_pop_elem(MAP, VALUE) ({ __bpflab_part(MAP, value, 1, VALUE) bpf_map_pop_elem(MAP, VALUE); })
#define bpf_map_peek_elem(MAP, VALUE) ({ __bpflab_part(MAP, value, 1, VALUE) bpf_map_peek_elem(MAP, VALUE); })
void __bpflab_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
#undef __type
#define __type(NAME, TYPE) typeof(TYPE) *NAME; char __bpflab_##NAME[sizeof(TYPE)]
#undef bpf_printk
#define bpf_printk(FORMAT, ...) ({ __bpflab_printf(FORMAT, ##__VA_ARGS__); 0; })
`;

/** clang's flags for the run: nothing but what the macros make it say. */
export const probeFlags = [
  "-fsyntax-only",
  "-ferror-limit=0",
  "-fmacro-backtrace-limit=1",
  "-Wno-everything",
  "-Wformat",
  "-Wformat-extra-args",
  "-Wformat-insufficient-args",
  "-Wint-conversion",
  "-Wincompatible-pointer-types",
  "-Wpadded",
];

/** The source with the macros behind its last #include; undefined when it calls nothing that they look at. */
export function probed(source: string, file: string): string | undefined {
  if (!/\bbpf_(?:map_\w+_elem|printk)\s*\(|\b__type\s*\(/.test(bare(source))) return undefined;
  const rows = source.split("\n");
  const last = rows.map((row) => /^\s*#\s*include\b/.test(row)).lastIndexOf(true);
  const name = JSON.stringify(file);
  return [
    `#line 1 ${name}`,
    ...rows.slice(0, last + 1),
    MACROS,
    `#line ${last + 2} ${name}`,
    ...rows.slice(last + 1),
  ].join("\n");
}

interface Sizes {
  part: "key" | "value";
  /** Which argument of the call it is, from 0. */
  argument: number;
  /** Where the call stands. */
  offset: number;
  wanted?: number;
  given?: number;
  type?: string;
  /** The argument is a number, no pointer. */
  isNumber?: boolean;
}

/** What clang said of a probed source, as messages about the source. */
export function readProbes(said: readonly Diagnostic[], source: string, file: string): Diagnostic[] {
  const groups: Sizes[] = [];
  const formats: Diagnostic[] = [];
  const padded = new Map<string, string>();
  for (const { file: where, line, column, message } of said) {
    if (where !== file) continue;
    const offset = offsetAt(source, line, column);
    const [, struct, count, before] =
      /^padding (?:struct|size of) '(?:struct )?(\w+)' with (\d+) bytes? to (?:align '(\w+)'|alignment boundary)/.exec(
        message,
      ) ?? [];
    if (struct !== undefined)
      padded.set(
        struct,
        `${count} byte${count === "1" ? "" : "s"} ${before === undefined ? "at its end" : `before ${before}`}`,
      );
    const begins = /\bbpflab (key|value) (\d)/.exec(message);
    const group = groups.at(-1);
    const sizes = /'char \(\*\(\*\)\[(\d+)\]\)\[(\d+)\]'/.exec(message);
    const type = /'struct __bpflab \*' with an expression of type '([^']+)'/.exec(message)?.[1];
    if (begins) groups.push({ part: begins[1] as "key" | "value", argument: Number(begins[2]), offset });
    else if (sizes && group) Object.assign(group, { wanted: Number(sizes[1]), given: Number(sizes[2]) });
    else if (type && group) Object.assign(group, { type, isNumber: message.includes("integer to pointer") });
    else if (/^invalid application of 'sizeof' to an incomplete type/.test(message))
      formats.push(...unknownType(message, source, file, offset));
    else formats.push(...formatFinding(message, source, file, offset));
  }
  const text = bare(source);
  return [
    ...groups.flatMap((group) => [
      ...sizeFinding(group, text, source, file),
      ...paddingFinding(group, padded, text, source, file),
    ]),
    ...formats,
  ];
}

/** A key is compared byte by byte, those included that lie between its fields. */
function paddingFinding(
  { part, argument, offset, type = "" }: Sizes,
  padded: ReadonlyMap<string, string>,
  text: string,
  source: string,
  file: string,
): Diagnostic[] {
  const struct = /^struct (\w+) \*$/.exec(type)?.[1] ?? "";
  const gap = padded.get(struct);
  const pointer = callArguments(text, text.indexOf("(", offset))[argument];
  const variable = pointer && /^&\s*(\w+)$/.exec(text.slice(pointer.start, pointer.end))?.[1];
  if (part !== "key" || gap === undefined || variable === undefined) return [];
  const declared = new RegExp(`\\bstruct\\s+${struct}\\s+(${variable})\\s*;`).exec(text);
  const isSet = new RegExp(`memset\\s*\\(\\s*&\\s*${variable}\\b`).test(text);
  if (!declared || isSet) return [];
  return [
    finding(
      source,
      file,
      declared.index + declared[0].lastIndexOf(variable),
      "warning",
      `struct ${struct} has ${gap} that no field names, and they are part of the key: two keys that look alike may differ.`,
      `Write struct ${struct} ${variable} = {};`,
    ),
  ];
}

function sizeFinding(
  { part, argument, offset, wanted, given, type, isNumber = false }: Sizes,
  text: string,
  source: string,
  file: string,
): Diagnostic[] {
  if (type === undefined || (!isNumber && (wanted === undefined || given === undefined || wanted === given))) return [];
  if (/^(?:const )?(?:void|char) \*$/.test(type)) return []; // says nothing of what it points to
  const open = text.indexOf("(", offset);
  const parts = callArguments(text, open);
  const [map, pointer] = [parts[0], parts[argument]];
  if (!map || !pointer) return [];
  const name = source.slice(map.start, map.end).replace(/^&\s*/, "");
  const written = source.slice(pointer.start, pointer.end);
  if (isNumber || wanted === undefined || given === undefined)
    return [
      finding(
        source,
        file,
        pointer.start,
        "error",
        `${/^\w+/.exec(text.slice(offset))![0]} takes the address of the ${part}, and ${written} is a number.`,
        /^[A-Za-z_]\w*$/.test(written)
          ? `Write &${written}.`
          : `Keep it in a variable, such as ${part}, of the type that the map's __type(${part}, …) names, and write &${part}.`,
      ),
    ];
  const variable = /^&\s*([A-Za-z_]\w*)$/.exec(written)?.[1] ?? (type.endsWith("]") ? written : undefined);
  const bytes = (count: number) => `${count} byte${count === 1 ? "" : "s"}`;
  const message = `The ${part} of the map ${name} has ${bytes(wanted)}, and ${written} points to ${given}.`;
  // A pointer into something larger may be right; a variable of its own that is too small is not.
  const severity = given < wanted && variable !== undefined ? "error" : "warning";
  const told =
    given < wanted
      ? `The kernel would read ${bytes(wanted - given)} past its end.`
      : `Only its first ${bytes(wanted)} are used.`;
  const advice = variable
    ? `${told} Give ${variable} the type that the map's __type(${part}, …) names, or change that.`
    : `${told} Compare its type with the map's __type(${part}, …).`;
  return [finding(source, file, pointer.start, severity, message, advice)];
}

/** Of a map's key or value; the program compiles, because only a pointer to it is declared. */
function unknownType(message: string, source: string, file: string, offset: number): Diagnostic[] {
  const type = /incomplete type '([^']+)'/.exec(message)?.[1] ?? "type";
  const at = source.indexOf(type, offset);
  return [
    finding(
      source,
      file,
      at < 0 ? offset : at,
      "error",
      `${type} is not defined, so that nobody knows how large this part of the map is.`,
      "Define it above the map, or correct its name.",
    ),
  ];
}

const sizeOf = (type: string): number | undefined => {
  const plain = (/aka '([^']+)'/.exec(type)?.[1] ?? /^'([^']+)'/.exec(type)?.[1] ?? "").replace(
    /\b(?:const|volatile) /g,
    "",
  );
  if (/\*$|\blong\b/.test(plain)) return 8;
  return /^(?:unsigned |signed )?(?:int|char|short)$|^_Bool$|^unsigned$|^enum /.test(plain) ? 4 : undefined;
};

function formatFinding(message: string, source: string, file: string, offset: number): Diagnostic[] {
  const make = (severity: "error" | "warning", what: string, advice?: string) => [
    finding(source, file, offset, severity, what, advice),
  ];
  if (message.startsWith("more '%' conversions"))
    return make(
      "error",
      "The format has more conversions than there are values.",
      "Add the value, or remove the conversion.",
    );
  if (message.startsWith("data argument not used"))
    return make(
      "warning",
      "The format has no conversion for this value, so it is not printed.",
      "Add one, such as %d or %llu.",
    );
  const types =
    /^format specifies type ('.*?'(?: \(aka '.*?'\))?) but the argument has type ('.*?'(?: \(aka '.*?'\))?)/.exec(
      message,
    );
  if (!types) return [];
  const [wants, has] = [types[1]!, types[2]!];
  if (/^'(?:const )?char \*'$/.test(wants) && !/[*\]]'/.test(has))
    return make(
      "error",
      `%s prints text, and this is a number (${has.replace(/ \[-W.*$/, "")}).`,
      "Use %d, %u, or %llu for 64 bits.",
    );
  const [asked, given] = [sizeOf(wants), sizeOf(has)];
  if (asked === undefined || given === undefined || asked >= given || wants.includes("*")) return [];
  return make(
    "warning",
    `This conversion prints 32 bits, and the value has 64 (${has.replace(/ \[-W.*$/, "")}).`,
    "Use %lld, %llu or %llx.",
  );
}
