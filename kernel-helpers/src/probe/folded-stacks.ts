import { kernelSymbols } from "../bpf/kernel-symbols.js";
import type { MapHandle } from "../base/native.js";
import { native } from "../base/native.js";

/** Stacks that the kernel kept, as folded text: the outermost function first, `main;read_file;memcpy`. */
export class FoldedStacks {
  readonly #map: MapHandle;
  readonly #texts = new Map<number, string>();

  constructor(map: MapHandle) {
    this.#map = map;
  }

  /**
   * The stack of this number as text. One that could not be taken is `[no stack]`; of functions of programs only
   * the addresses are known.
   */
  textOf(number: number, of: "kernel" | "user"): string {
    if (number < 0) return number === -14 /* EFAULT */ ? "" : "[no stack]";
    const known = this.#texts.get(number);
    if (known !== undefined) return known;
    const key = Buffer.alloc(4);
    key.writeUInt32LE(number);
    const bytes = native.bpf_map_lookup_elem(this.#map, key);
    if (!bytes) return "[no stack]";
    const addresses: bigint[] = [];
    for (let at = 0; at + 8 <= bytes.length; at += 8) {
      const address = bytes.readBigUInt64LE(at);
      if (address === 0n) break;
      addresses.push(address);
    }
    const name = (address: bigint) => (of === "kernel" ? kernelSymbols().nameOf(address) : `0x${address.toString(16)}`);
    const text = addresses.map(name).reverse().join(";");
    this.#texts.set(number, text);
    return text;
  }
}
