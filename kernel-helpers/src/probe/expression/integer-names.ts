import { readFileSync } from "node:fs";
import { constants } from "node:os";
import type { Names } from "../value-types.js";

/** Names by number; of several names for one number the first is shown. */
function namesFrom(what: string, pairs: readonly (readonly [string, number])[]): Names {
  const byName = new Map(pairs);
  const byValue = new Map([...pairs].reverse().map(([name, value]) => [value, name]));
  return {
    what,
    nameOf: (value) => byValue.get(value) ?? String(value),
    valueOf: (name) => byName.get(name),
    all: () => [...byName.keys()],
  };
}

let calls: Names | undefined;
let errors: Names | undefined;

const TRIPLE = { x64: "x86_64", arm64: "aarch64" }[process.arch as "x64"] ?? process.arch;

/** System calls by the numbers that they have on this machine: the kernel tells none, the header of C programs does. */
export function systemCallNames(): Names {
  return (calls ??= namesFrom(
    "system call",
    defined(
      [`/usr/include/${TRIPLE}-linux-gnu/asm/unistd_64.h`, "/usr/include/asm-generic/unistd.h"],
      /^#define __NR(?:3264)?_(\w+)\s+(\d+)/gm,
    ),
  ));
}

/** Error numbers, positive. */
export function errorNames(): Names {
  const headers = ["errno-base.h", "errno.h"].flatMap((name) =>
    defined([`/usr/include/asm-generic/${name}`], /^#define\s+(E\w+)\s+(\d+)/gm),
  );
  return (errors ??= namesFrom("error", [...headers, ...Object.entries(constants.errno)]));
}

/** Numbers that the first of some headers defines; none when there is no such header. */
function defined(paths: readonly string[], line: RegExp): [string, number][] {
  for (const path of paths) {
    try {
      return [...readFileSync(path, "utf8").matchAll(line)].map(([, name, number]) => [name!, Number(number)]);
    } catch {
      continue; // not every distribution has it
    }
  }
  return [];
}
