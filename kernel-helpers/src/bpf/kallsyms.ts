import { readFileSync } from "node:fs";

/** The kernel's functions with their addresses, in the order of these. */
export interface KernelSymbols {
  addresses: BigUint64Array;
  names: string[];
  /** Of each: the module it belongs to, or "" for the kernel itself. */
  modules: string[];
}

let known: { read: number; names: Set<string>; list: string[] } | undefined;

/** How long a list of names is good for, ms: modules come and go. */
const freshFor = 10_000;

function functions(): NonNullable<typeof known> {
  if (known && Date.now() - known.read < freshFor) return known;
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

/** All functions with their addresses; the addresses are 0 for who may not see them. */
export function kernelSymbols(): KernelSymbols {
  const rows: { address: bigint; name: string; module: string }[] = [];
  for (const [, address, name, module] of readFileSync("/proc/kallsyms", "latin1").matchAll(
    /^([0-9a-f]+) [tTwW] (\S+)(?:\t\[(.+)\])?/gm,
  ))
    rows.push({ address: BigInt(`0x${address}`), name: name!, module: module ?? "" });
  rows.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
  return {
    addresses: BigUint64Array.from(rows, (row) => row.address),
    names: rows.map((row) => row.name),
    modules: rows.map((row) => row.module),
  };
}
