import { isNativeError, native, type SymbolsHandle } from "../base/native.js";
import { PerfMap } from "./perf-map.js";

/**
 * Names the functions at addresses of processes. What a process has mapped is read when it is first asked for and then
 * kept, so that a process that has ended since still has names.
 */
export class ProcessSymbols {
  readonly #known = new Map<
    number,
    { files: SymbolsHandle | undefined; compiled: PerfMap; names: Map<bigint, string[]> }
  >();

  /** Reads what a process has mapped now; does nothing for one that has ended. */
  remember(pid: number): void {
    this.#of(pid).compiled.refresh();
  }

  /** The functions at an address, the outermost first: several where the compiler put one into another. */
  namesOf(pid: number, address: bigint): readonly string[] {
    const process = this.#of(pid);
    const known = process.names.get(address);
    if (known) return known;
    const names = this.#find(process, address);
    process.names.set(address, names);
    return names;
  }

  #find({ files, compiled }: { files: SymbolsHandle | undefined; compiled: PerfMap }, address: bigint): string[] {
    // First what a just-in-time compiler says of its own: its memory may lie where a file was mapped before.
    const made = compiled.nameOf(address);
    if (made !== undefined) return [made];
    const one = BigUint64Array.of(address);
    let names = files ? native.symbols_names(files, one)[0]! : [];
    // A library that it has loaded since.
    if (files && names.length === 0 && native.symbols_refresh(files)) names = native.symbols_names(files, one)[0]!;
    return names.length > 0 ? names.reverse() : ["[unknown]"];
  }

  #of(pid: number) {
    const known = this.#known.get(pid);
    if (known) return known;
    const process = { files: open(pid), compiled: new PerfMap(pid), names: new Map<bigint, string[]>() };
    this.#known.set(pid, process);
    return process;
  }

  close(): void {
    for (const { files } of this.#known.values()) if (files) native.symbols_close(files);
    this.#known.clear();
  }
}

function open(pid: number): SymbolsHandle | undefined {
  try {
    return pid > 0 ? native.symbols_open(pid) : undefined;
  } catch (error) {
    if (isNativeError(error)) return undefined; // it has ended
    throw error;
  }
}
