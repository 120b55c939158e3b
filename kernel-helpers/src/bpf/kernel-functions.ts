import { readFileSync } from "node:fs";

let known: { read: number; names: Set<string>; list: string[] } | undefined;

/** How long a list of names is good for, ms: modules come and go. */
const FRESH_FOR = 10_000;

function functions(): NonNullable<typeof known> {
  if (known && Date.now() - known.read < FRESH_FOR) return known;
  const names = new Set<string>();
  for (const [, name] of readFileSync("/proc/kallsyms", "latin1").matchAll(/^[0-9a-f]+ [tTwW] (\S+)/gm))
    names.add(name!);
  return (known = { read: Date.now(), names, list: [...names] });
}

/** The names of the kernel's functions, those of its modules included. */
export function kernelFunctions(): string[] {
  return functions().list;
}

export function isKernelFunction(name: string): boolean {
  return functions().names.has(name);
}
