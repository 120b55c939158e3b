/** What clang says of slips that are easily made in C, with what was probably meant. */
import type { Diagnostic } from "./diagnostics.js";
import { bare, finding, offsetAt } from "./lint/source-text.js";

interface Slip {
  source: string;
  /** The source without comments and quoted text. */
  text: string;
  /** Of the message, in the source. */
  offset: number;
  /** The line that it is about. */
  row: string;
  /** clang's notes behind it. */
  notes: readonly Diagnostic[];
}

type Told = { message?: string; advice?: string; at?: number } | undefined;

/** The message as one about what was probably meant; the message itself, where that is not known. */
export function withoutSlip(diagnostic: Diagnostic, notes: readonly Diagnostic[], source: string): Diagnostic {
  const { file, line, column, severity, excerpt } = diagnostic;
  // Where an unnamed struct begins says more by its line than by a file that the user has not.
  const message = diagnostic.message.replace(/\((?:unnamed|anonymous) \w+ at [^)]*?:(\d+):\d+\)/g, "of line $1");
  const plain = { ...diagnostic, message };
  if (excerpt === "" || diagnostic.advice !== undefined) return plain; // in a header, or known already
  const offset = offsetAt(source, line, column);
  const slip = { source, text: bare(source), offset, row: source.split("\n")[line - 1] ?? "", notes };
  for (const [shape, rule] of rules) {
    const found = shape.exec(message);
    const told = found && rule(slip, found);
    if (!told) continue;
    if (told.at !== undefined)
      return finding(source, file, told.at, severity as "error" | "warning", told.message ?? message, told.advice);
    return { ...plain, ...told };
  }
  return plain;
}

const rules: [RegExp, (slip: Slip, found: RegExpExecArray) => Told][] = [
  [/^expected (?:expression|'?;'?|identifier or '\('|function body)/, missingSemicolon],
  [/^'section' attribute only applies to/, missingSemicolon],
  [/^extraneous '\)'/, () => ({ advice: "Remove it: every bracket of this line is closed already." })],
  [
    /^using the result of an assignment as a condition/,
    () => ({ message: "This assigns a value where one is compared.", advice: "Write == to compare." }),
  ],
  [
    /^cannot take the address of an rvalue of type '([^']+)'/,
    ({ source, offset }) => {
      const value = /^&?\s*([\w.]+)/.exec(source.slice(offset))?.[1] ?? "the value";
      return {
        message: `${value} is no variable, so it has no address.`,
        advice: `Keep it in one of the type that is wanted, such as u64 value = ${value}; and write &value.`,
      };
    },
  ],
  [
    /^array type 'char\s*\[\d+\]' is not assignable/,
    ({ row }) => {
      const [, left = "text", right = '"…"'] = /([\w.>-]+)\s*=\s*([^;]*)/.exec(row) ?? [];
      return {
        message: "C cannot assign to an array.",
        advice: /^"/.test(right)
          ? `Copy the text: __builtin_memcpy(${left}, ${right}, sizeof(${right}));`
          : `Copy what is there: __builtin_memcpy(${left}, ${right}, sizeof(${left}));`,
      };
    },
  ],
  [
    /^passing '((?:struct|union) \w+)' to parameter of incompatible type '(?:const )?void \*'/,
    ({ source, offset }) => {
      const name = /^\w+/.exec(source.slice(offset))?.[0] ?? "key";
      return { message: `The address is needed here, and ${name} is the struct itself.`, advice: `Write &${name}.` };
    },
  ],
  [
    /^comparison between pointer and integer/,
    ({ row }) => {
      const name = /&\s*(\w+)/.exec(row)?.[1];
      return name === undefined
        ? undefined
        : { message: `This compares with the address of ${name}.`, advice: `Write ${name} for its value.` };
    },
  ],
  [
    /^comparison of distinct pointer types/,
    ({ row }) => {
      const left = /\(?\s*([^()<>=]+?)\s*[<>]=?\s*data_end\b/.exec(row)?.[1];
      return left === undefined ? undefined : { advice: `Write (void *)(${left.trim()}).` };
    },
  ],
  [
    /^cast to 'void \*' from smaller integer type/,
    ({ row }) => {
      const field = /\b\w+->data(?:_end|_meta)?\b/.exec(row)?.[0];
      return field === undefined
        ? undefined
        : { message: `${field} is an address in a field of 32 bits.`, advice: `Write (void *)(long)${field}.` };
    },
  ],
  [
    /^array index (-?\d+) is past the end of the array \(which contains (\d+) elements?\)/,
    ({ row }, [, index, count]) => {
      const name = new RegExp(`([\\w.>-]+)\\s*\\[\\s*${index}\\s*\\]`).exec(row)?.[1] ?? "The array";
      return {
        message: `${name} has ${count} elements, and ${index} is not one of them.`,
        advice: `They are counted from 0: the last one is ${name === "The array" ? "" : name}[${Number(count) - 1}].`,
      };
    },
  ],
  [
    /^size of array has non-integer type 'char/,
    ({ row }) => {
      const [, attribute, text = ""] = /__uint\s*\(\s*(\w+)\s*,\s*"([^"]*)"/.exec(row) ?? [];
      return attribute === undefined
        ? undefined
        : {
            message: `${attribute} of a map is a number, and "${text}" is text.`,
            advice:
              attribute === "type"
                ? `Write __uint(type, BPF_MAP_TYPE_${text.toUpperCase()});`
                : "Leave out the quotes.",
          };
    },
  ],
  [/^expected '([})\]])'/, notClosed],
  [
    /^unterminated function-like macro invocation|^missing terminating '"' character/,
    () => ({ advice: "A quotation mark or a bracket is opened in this line, and not closed." }),
  ],
  [
    /^unexpected type name '(.+?)': expected expression/,
    ({ row }, [, type]) => {
      const attribute = /__uint\s*\(\s*(\w+)/.exec(row)?.[1];
      return attribute === undefined
        ? undefined
        : { advice: `__uint takes a number. Write __type(${attribute}, ${type});` };
    },
  ],
  [
    /^passing 'struct of line \d+' to parameter of incompatible type/,
    ({ source, offset }) => {
      const name = /^\w+/.exec(source.slice(offset))?.[0] ?? "map";
      return {
        message: `A map is handed over by its address, and ${name} is the map itself.`,
        advice: `Write &${name}.`,
      };
    },
  ],
  [
    /^incompatible pointer to integer conversion initializing '([^']+)'/,
    ({ source, offset, row }, [, type]) => {
      const variable = /^\w+/.exec(source.slice(offset))?.[0];
      if (!variable || !/\bbpf_map_lookup_(?:percpu_)?elem\b/.test(row)) return undefined;
      return {
        message: `bpf_map_lookup_elem returns the address of the value, and ${variable} is a number.`,
        advice: `Declare it as a pointer, ${type} *${variable} = …; check it; and read the value with *${variable}.`,
      };
    },
  ],
  [
    /^(?:initializing|assigning to) '([^']+)'.* with an expression of incompatible type 'void'|^assigning to '([^']+)'.* from incompatible type 'void'/,
    ({ row }, [, first, second]) =>
      /\*\s*bpf_map_lookup_\w+\s*\(/.test(row)
        ? {
            message: "bpf_map_lookup_elem does not say what the value's type is, and may find nothing.",
            advice: `Keep what it returns: ${first ?? second} *found = bpf_map_lookup_elem(…); check it; and read the value with *found.`,
          }
        : undefined,
  ],
  [
    /^incompatible integer to pointer conversion (?:initializing|assigning)/,
    ({ row }) => {
      const field = /\b\w+->data(?:_end|_meta)?\b/.exec(row)?.[0];
      return field === undefined
        ? undefined
        : { advice: `${field} is an address in a field of 32 bits. Write (void *)(long)${field}.` };
    },
  ],
  [
    /^incompatible integer to pointer conversion passing/,
    ({ source, offset }) => {
      const name = /^[A-Za-z_]\w*(?=\s*[,)])/.exec(source.slice(offset))?.[0];
      return name === undefined
        ? undefined
        : { advice: `If its address is meant, write &${name}; if it holds an address, (void *)${name}.` };
    },
  ],
  [
    /^result of comparison against a string literal/,
    ({ row }) => {
      const [, left = "text", right = '"…"'] = /([\w.>-]+)\s*[!=]=\s*("[^"]*")/.exec(row) ?? [];
      return {
        message: `This compares the addresses of two texts, which are never the same.`,
        advice: `Write bpf_strncmp(${left}, sizeof(${left}), ${right}) == 0.`,
      };
    },
  ],
  [
    /^non-void function does not return a value/,
    () => ({ advice: "Every path needs a return: 0 is right for programs that only observe." }),
  ],
  [
    /^invalid operands to binary expression .*\(\*/,
    ({ row }) => {
      const helper = /\b(bpf_\w+)\b(?!\s*\()/.exec(row)?.[1];
      return helper === undefined
        ? undefined
        : { message: `${helper} is not called here.`, advice: `Write its brackets: ${helper}().` };
    },
  ],
];

/** Where a statement ends without one, clang points to what follows, if that is on the next line. */
function missingSemicolon({ text, offset }: Slip): Told {
  const before = text.slice(0, offset).replace(/(?:\n[ \t]*SEC\([^()\n]*\)[ \t]*|\s)*$/, "");
  const onEarlierLine = text.slice(before.length, offset).includes("\n");
  const row = before.slice(before.lastIndexOf("\n") + 1);
  if (
    !onEarlierLine ||
    !(/(?:[\w)\]"']|\+\+|--)$/.test(before) || /\b(?:struct|union|enum)\s*\w*\s*\{[^{}]*\}$/.test(before)) ||
    /^\s*(?:#|(?:if|for|while|else|do|switch|SEC)\b)/.test(row)
  )
    return undefined;
  return {
    message: "A semicolon is missing at the end of this line.",
    at: before.length - 1,
  };
}

function notClosed({ notes }: Slip, [, bracket]: RegExpExecArray): Told {
  const opened = notes.find(({ message }) => message.startsWith("to match this"));
  return (
    opened && { advice: `The ${{ "}": "{", ")": "(", "]": "[" }[bracket!]} of line ${opened.line} is not closed.` }
  );
}
