/** Checks of variables that hold nothing, or not what they seem to hold. */
import type { Diagnostic } from "../diagnostics.js";
import { bare, closing, finding, withoutComments } from "./source-text.js";

/** @returns warnings */
export function checkValues(source: string, file: string): Diagnostic[] {
  return [...keysWithoutValue(source, file), ...textBehindPointers(source, file), ...deletedFromArrays(source, file)];
}

const takesKey = /\bbpf_map_(?:lookup|update|delete)_elem\s*\(\s*&?\s*\w+\s*,\s*$/;

/** A local variable whose first use is as a key: what happened to lie on the stack is looked up. */
function keysWithoutValue(source: string, file: string): Diagnostic[] {
  const text = bare(source);
  const declared = /^([ \t]+)(?:const\s+)?(?:struct\s+)?\w+(?:\s+\w+)?\s+([A-Za-z_]\w*)\s*;/gm;
  return [...text.matchAll(declared)].flatMap((found) => {
    const name = found[2]!;
    const rest = text.slice(found.index + found[0].length);
    const end = /^\}/m.exec(rest)?.index ?? rest.length;
    const use = new RegExp(`\\b${name}\\b`).exec(rest.slice(0, end));
    const before = use && rest.slice(0, use.index).replace(/&\s*$/, "");
    if (!use || !before || !/&\s*$/.test(rest.slice(0, use.index)) || !takesKey.test(before)) return [];
    return finding(
      source,
      file,
      found.index + found[0].length + use.index - 1,
      "warning",
      `${name} has no value here: whatever lies on the stack is the key.`,
      `Give it one where it is declared, such as ${name} = bpf_get_current_pid_tgid(), or ${name} = {} for a struct.`,
    );
  });
}

/** Addresses in global variables are not filled in when a program is loaded. */
function textBehindPointers(source: string, file: string): Diagnostic[] {
  const text = bare(source);
  const shape =
    /^(?:static\s+)?(?:const\s+)?char\s*(?:const\s*)?\*\s*(?:const\s+|volatile\s+)*(\w+)\s*(\[\s*\w*\s*\])?\s*=\s*[{"]/gm;
  return [...text.matchAll(shape)].map((found) =>
    finding(
      source,
      file,
      found.index + found[0].indexOf(found[1]!),
      "warning",
      `${found[1]} stays NULL: a global variable that holds the address of a text is not filled in when the program is loaded.`,
      found[2]
        ? `Keep the texts themselves: const char ${found[1]}[][16] = { … };`
        : `Keep the text itself: const char ${found[1]}[] = "…";`,
    ),
  );
}

function deletedFromArrays(source: string, file: string): Diagnostic[] {
  const text = withoutComments(source);
  const arrays = [...text.matchAll(/\b__uint\s*\(\s*type\s*,\s*BPF_MAP_TYPE_(?:PERCPU_)?ARRAY\s*\)/g)].flatMap(
    ({ index }) => {
      const name = /^\s*(\w+)/.exec(text.slice(closing(text, text.lastIndexOf("{", index)) + 1))?.[1];
      return name === undefined ? [] : [name];
    },
  );
  return [...text.matchAll(/\bbpf_map_delete_elem\s*\(\s*&\s*(\w+)/g)]
    .filter(([, name]) => arrays.includes(name!))
    .map((found) =>
      finding(
        source,
        file,
        found.index,
        "warning",
        `${found[1]} is an array, whose entries cannot be deleted: this does nothing.`,
        "Set the entry to 0, or make the map a BPF_MAP_TYPE_HASH.",
      ),
    );
}
