import { readFileSync } from "node:fs";
import { join } from "node:path";
import { tracefs } from "../../bpf/link/tracefs.js";
import { integer, type Type } from "../value-types.js";
import { declaredValue } from "./kernel-value.js";
import type { Field } from "./hook.js";

/** One line of a tracepoint's format file. */
export interface FormatField {
  name: string;
  declaration: string;
  offset: number;
  size: number;
  signed: boolean;
  /** Elements of a fixed array. */
  length?: number;
  /** Where text of any length lies: an offset from the record's start, or from behind the field. */
  dynamic?: "__data_loc" | "__rel_loc";
}

/** Reads a tracepoint's format; undefined when there is none of that name. */
export function readFormat(category: string, name: string): FormatField[] | undefined {
  try {
    return parseFormat(readFileSync(join(tracefs(), "events", category, name, "format"), "utf8"));
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

/** @internal */
export function parseFormat(text: string): FormatField[] {
  return [...text.matchAll(/^\s*field:(.+);\s*offset:(\d+);\s*size:(\d+);\s*signed:(\d+);/gm)].flatMap(
    ([, declared, offset, size, signed]) => {
      const match = /^(?:(__data_loc|__rel_loc) )?(.*?)\s*\b(\w+)(?:\[(\w*)\])?$/.exec(declared!.trim());
      if (!match) return [];
      const [, dynamic, declaration, name, length] = match;
      return {
        name: name!,
        declaration: declaration!.replace(/\[\]$/, ""),
        offset: Number(offset),
        size: Number(size),
        signed: signed === "1",
        ...(dynamic ? { dynamic: dynamic as "__data_loc" } : {}),
        ...(length && /^\d+$/.test(length) ? { length: Number(length) } : {}),
      };
    },
  );
}

/** The tracepoint's own fields, those that all events have left out. */
export function ownFields(format: readonly FormatField[]): FormatField[] {
  return format.filter(({ name, offset }) => offset >= 8 && !name.startsWith("__syscall_nr"));
}

/** What the programs of a tracepoint find in `ctx`, as a C struct, and its fields for expressions. */
export function tracepointContext(
  category: string,
  name: string,
  format: readonly FormatField[],
): { struct: string; declaration: string; fields: Field[] } {
  const struct = `tp_${name}`; // the kernel has structs of many names
  const user = category === "syscalls" || category === "raw_syscalls";
  const rows: string[] = ["\t__u64 common; /* what all events have; not to be read here */"];
  const fields: Field[] = [];
  let end = 8;
  for (const field of [...format].filter(({ offset }) => offset >= 8).sort((a, b) => a.offset - b.offset)) {
    const { c, align, count } = storage(field);
    const natural = Math.ceil(end / align) * align;
    if (field.offset > natural) rows.push(`\tchar gap_${end}[${field.offset - end}];`);
    end = field.offset + field.size;
    rows.push(`\t${c} ${field.name}${count === undefined ? "" : `[${count}]`};`);
    if (ownFields([field]).length > 0) fields.push(fieldOf(field, struct, user));
  }
  return {
    struct,
    declaration: `/* What the tracepoint ${category}/${name} tells, as its format file in tracefs has it. */\nstruct ${struct} {\n${rows.join("\n")}\n};`,
    fields,
  };
}

function storage({ size, signed, length, declaration, dynamic, offset }: FormatField): {
  c: string;
  align: number;
  count?: number;
} {
  if (dynamic) return { c: "__u32", align: 4 };
  if (length !== undefined) {
    const each = size / length;
    if (/\bchar$/.test(declaration)) return { c: "char", align: 1, count: size };
    if ([1, 2, 4, 8].includes(each)) return { c: `__${signed ? "s" : "u"}${each * 8}`, align: each, count: length };
  }
  if ([1, 2, 4, 8].includes(size) && offset % size === 0)
    return { c: `__${signed ? "s" : "u"}${size * 8}`, align: size };
  return { c: "__u8", align: 1, count: size };
}

function fieldOf(field: FormatField, struct: string, user: boolean): Field {
  const { name, declaration, size, signed, length, dynamic, offset } = field;
  const code = `ctx->${name}`;
  const about = `${dynamic ? `${dynamic} ` : ""}${declaration}${length === undefined ? "" : `[${length}]`}`;
  if (dynamic) {
    if (!/\bchar$/.test(declaration)) return { name, about, type: { kind: "struct", of: 0 }, code };
    const base = dynamic === "__rel_loc" ? ` + __builtin_offsetof(struct ${struct}, ${name}) + 4` : "";
    return {
      name,
      about,
      type: { kind: "text", size: 128 },
      code: `(void *)ctx${base} + (${code} & 0xffff)`,
      text: "kernel",
    };
  }
  if (length !== undefined) {
    const each = size / length;
    if (/\bchar$/.test(declaration))
      return { name, about, type: { kind: "text", size }, code, text: "context", align: Math.min(offset & -offset, 8) };
    return {
      name,
      about,
      type: { kind: "array", element: integer(each, signed), length, elementSize: each },
      code,
    };
  }
  const declared = declaredValue(declaration, { user });
  const type = declared && declared.kind !== "struct" && declared.kind !== "array" ? declared : integer(size, signed);
  return { name, about, type, code: narrowed(type, size, code) };
}

/** System calls' arguments take 8 bytes whatever their type: of an int's the upper half says nothing. */
function narrowed(type: Type, size: number, code: string): string {
  if (type.kind === "int") {
    const { low, high } = type;
    for (const bits of [8, 16, 32])
      if (bits < size * 8)
        for (const signed of [true, false]) {
          const all = integer(bits / 8, signed);
          if (low === all.low && high === all.high) return `(__${signed ? "s" : "u"}${bits})${code}`;
        }
  }
  if (type.kind === "named" && type.size < size) return `(__${type.signed ? "s" : "u"}${type.size * 8})${code}`;
  return code;
}
