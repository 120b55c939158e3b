import { readFileSync } from "node:fs";

/** The kernel's functions by address: what a stack's addresses are called. */
export class KernelSymbols {
  readonly #addresses: BigUint64Array;
  readonly #names: string[];

  /** @param text what /proc/kallsyms says; its modules' functions included */
  constructor(text: string) {
    const found: [bigint, string][] = [];
    for (const [, address, name, module] of text.matchAll(/^([0-9a-f]+) [tTwW] (\S+)(?:\t\[(\S+)\])?$/gm))
      found.push([BigInt(`0x${address}`), module ? `${name} [${module}]` : name!]);
    found.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.#addresses = BigUint64Array.from(found, ([address]) => address);
    this.#names = found.map(([, name]) => name);
  }

  /** The function that an address lies in; the address itself where none is known. */
  nameOf(address: bigint): string {
    let [low, high] = [0, this.#addresses.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#addresses[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    return this.#names[low - 1] ?? `0x${address.toString(16)}`;
  }
}

let running: KernelSymbols | undefined;

/** The running kernel's, as they were at the first call; `anew` reads them again, for what has come since, such as BPF programs. */
export function kernelSymbols({ anew = false } = {}): KernelSymbols {
  if (anew) running = undefined;
  return (running ??= new KernelSymbols(readFileSync("/proc/kallsyms", "utf8")));
}
