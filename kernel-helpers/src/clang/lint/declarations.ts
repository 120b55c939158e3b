/** Checks of maps and functions as they are declared: what libbpf would leave out without a word, or refuse with one of its own. */
import type { Diagnostic } from "../diagnostics.js";
import { nearest } from "../../base/names.js";
import { bare, closing, finding, withoutComments } from "./source-text.js";

/** @param file what messages call the source */
export function checkDeclarations(source: string, file: string): Diagnostic[] {
  return [
    ...oldMaps(source, file),
    ...mapsWithoutSection(source, file),
    ...staticMaps(source, file),
    ...unknownAttributes(source, file),
    ...numbersAsTypes(source, file),
    ...functionsWithoutSection(source, file),
    ...severalParameters(source, file),
  ];
}

/** The definition that libbpf 1.0 and later refuse. */
function oldMaps(source: string, file: string): Diagnostic[] {
  return [...withoutComments(source).matchAll(/SEC\(\s*"maps(?:\/\w+)?"\s*\)/g)].map((found) =>
    finding(
      source,
      file,
      found.index,
      "error",
      'SEC("maps") defines a map in the style from before libbpf 1.0, which no longer loads it.',
      'Write: struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 1024); __type(key, u32); __type(value, u64); } NAME SEC(".maps");',
    ),
  );
}

function mapsWithoutSection(source: string, file: string): Diagnostic[] {
  const text = bare(source);
  return [...text.matchAll(/\b__uint\s*\(\s*type\s*,/g)].flatMap(({ index }) => {
    const open = text.lastIndexOf("{", index);
    if (open < 0 || depthAt(text, open) > 0) return []; // the inner map of another one
    const end = closing(text, open);
    const declarator = /^[^;]*/.exec(text.slice(end + 1))![0];
    const name = /^\s*(\w+)/.exec(declarator)?.[1];
    // No name: a type, for maps that are declared elsewhere. A word behind it: SEC(…), or a macro that means the same.
    if (!name || /^\s*\w+\b(?:\s*\[[^\]]*\])*\s*\w/.test(declarator)) return [];
    return finding(
      source,
      file,
      end + 1 + declarator.indexOf(name),
      "error",
      `${name} is meant to be a map, but it is not in the section .maps, so it is an ordinary variable.`,
      `Write: } ${name} SEC(".maps");`,
    );
  });
}

/** libbpf cannot see a map that only its own file knows. */
function staticMaps(source: string, file: string): Diagnostic[] {
  return [
    ...withoutComments(source).matchAll(/\bstatic\s+struct\s*(?:\w+\s*)?\{[^}]*\}\s*(\w+)\s+SEC\(\s*"\.maps"\s*\)/g),
  ].map((found) =>
    finding(
      source,
      file,
      found.index,
      "error",
      `The map ${found[1]} is static, so that it cannot be made.`,
      "Remove static.",
    ),
  );
}

/** What a map's definition may say: libbpf's parse_btf_map_def(). */
const attributes = [
  ...["type", "max_entries", "map_flags", "numa_node", "key_size", "value_size", "map_extra", "pinning"],
  ...["key", "value", "values"],
];

function unknownAttributes(source: string, file: string): Diagnostic[] {
  const text = bare(source);
  return [...text.matchAll(/\b(__(?:uint|type|array|ulong))\s*\(\s*(\w+)\s*,/g)].flatMap((found) => {
    const name = found[2]!;
    const open = text.lastIndexOf("{", found.index);
    const isMap = open >= 0 && /\b__uint\s*\(\s*\w*type\w*\s*,/.test(text.slice(open, closing(text, open)));
    if (attributes.includes(name) || !isMap) return [];
    const [near] = nearest(name, attributes, 1, 4);
    return finding(
      source,
      file,
      found.index + found[0].indexOf(name, found[1]!.length),
      "error",
      `A map has no ${name}.`,
      near === undefined ? `It may have ${attributes.join(", ")}.` : `Did you mean ${near}?`,
    );
  });
}

/** What of a map is a number, declared as a type. */
function numbersAsTypes(source: string, file: string): Diagnostic[] {
  const shape = /\b__type\s*\(\s*(type|max_entries|map_flags|key_size|value_size)\s*,([^)]*)\)/g;
  return [...bare(source).matchAll(shape)].map((found) =>
    finding(
      source,
      file,
      found.index,
      "error",
      `${found[1]} of a map is a number, and __type takes a type.`,
      `Write __uint(${found[1]},${found[2]});`,
    ),
  );
}

function depthAt(text: string, offset: number): number {
  let depth = 0;
  for (let i = 0; i < offset; i++) depth += text[i] === "{" ? 1 : text[i] === "}" ? -1 : 0;
  return depth;
}

// BPF_PROG(name, …) and its like, of libbpf's bpf_tracing.h, declare a function in their own way.
const wrapped = /\bBPF_(?:PROG2?|KPROBE|KRETPROBE|UPROBE|URETPROBE|KSYSCALL|USDT)\s*\(\s*(\w+)/;

/** libbpf takes a function without SEC() for a subprogram: if nobody calls it, it never runs. */
function functionsWithoutSection(source: string, file: string): Diagnostic[] {
  const text = bare(source).replace(/^[ \t]*#(?:[^\n\\]|\\[\s\S])*/gm, (line) => line.replace(/[^\n]/g, " "));
  const found: Diagnostic[] = [];
  for (let start = 0, i = 0; i < text.length; i++) {
    if (text[i] === ";") start = i + 1;
    if (text[i] !== "{") continue;
    const [at, head] = [start, text.slice(start, i)];
    i = closing(text, i);
    const isFunction = /\)\s*$/.test(head) && !/=/.test(head);
    if (isFunction) start = i + 1;
    if (!isFunction || /\bSEC\s*\(|section\s*\(|\bstatic\b|\binline\b|\b__attribute__|\b__weak\b/.test(head)) continue;
    const name = wrapped.exec(head)?.[1] ?? /(\w+)\s*\(/.exec(head)?.[1];
    if (!name || [...text.matchAll(new RegExp(`\\b${name}\\b`, "g"))].length > 1) continue;
    found.push(
      finding(
        source,
        file,
        at + head.search(new RegExp(`\\b${name}\\b`)),
        "warning",
        `The function ${name} has no SEC(), so it is attached to nothing and never runs.`,
        `Write its hook above it, such as SEC("tp/syscalls/sys_exit_write"); or make it static, if it is for other functions to call.`,
      ),
    );
  }
  return found;
}

/** The macro of bpf_tracing.h for a kind of hook whose programs are written with the traced function's parameters. */
const macroFor: [RegExp, string][] = [
  [/^(?:tp_btf|fentry|fexit|fmod_ret|lsm|raw_tp|raw_tracepoint|iter)\b/, "BPF_PROG"],
  [/^(?:kprobe|uprobe)\b/, "BPF_KPROBE"],
  [/^(?:kretprobe|uretprobe)\b/, "BPF_KRETPROBE"],
  [/^ksyscall\b/, "BPF_KSYSCALL"],
  [/^usdt\b/, "BPF_USDT"],
];

/** The kernel calls a program with its context alone: what else is declared has no value. */
function severalParameters(source: string, file: string): Diagnostic[] {
  const text = withoutComments(source);
  const shape =
    /\bSEC\(\s*"\??([^"]*)"\s*\)\s*(?:__\w+\s+)*(?:int|long|void)\s+(\w+)\s*\(([^(){};]*,[^(){};]*)\)\s*\{/g;
  return [...text.matchAll(shape)].flatMap((found) => {
    const [all, section, name, parameters] = found as unknown as [string, string, string, string];
    if (section === "struct_ops" || section.startsWith("struct_ops/") || /^BPF_/.test(name)) return [];
    const macro = macroFor.find(([kind]) => kind.test(section))?.[1];
    return finding(
      source,
      file,
      found.index + all.lastIndexOf(`${name}`, all.indexOf(parameters)),
      "error",
      `A program gets one parameter, its context, and ${name} has ${parameters.split(",").length}.`,
      macro
        ? `Write int ${macro}(${name}, ${parameters.trim()}) and include <bpf/bpf_tracing.h>: it takes them from the context.`
        : `What the hook knows stands in the context's fields, such as ctx->args of a tracepoint of a system call.`,
    );
  });
}
