import type { ColumnTable } from "arquero";
import { ArgumentError } from "../base/errors.js";
import { unknownName } from "../base/names.js";
import { native } from "../base/native.js";
import { kernelSymbols } from "../bpf/kernel-symbols.js";
import type { MapBase } from "../bpf/map.js";
import { ProcessSymbols } from "../bpf/process-symbols.js";
import { DictionaryColumn } from "../streams/event-columns.js";

/** Where a table's stacks are. */
export interface StackOptions {
  /** The map of type stack_trace in which the numbers of bpf_get_stackid() lie; without it columns hold addresses. */
  traces?: MapBase;
  /** Column of process ids, which user stacks need; default `pid`. */
  pid?: string;
  /** Column of the processes' stacks, a number each or addresses each; default `user_stack`, if it is there. */
  user?: string;
  /** Column of the kernel's stacks, in the same way; default `kernel_stack`, if it is there. */
  kernel?: string;
  /** Column of text that each stack begins with; default `comm`, if it is there. */
  root?: string;
  /** True for stacks that a program took at its own hook: the kernel's functions that led from there to the program are left out. */
  atHook?: boolean;
}

/** What stands between a hook and the program on it. */
const tracing =
  /^(__traceiter_|__bpf_trace_|bpf_trace_run\d|bpf_prog_|bpf_dispatcher_|bpf_get_stack|trace_call_bpf|perf_trace_|perf_syscall_(enter|exit)$|__?perf_uprobe|__uprobe_perf_func|uprobe_dispatcher|uretprobe_dispatcher|uprobe_perf_func)/;

const NO_STACK = "[no stack]"; // one that was not kept
const EFAULT = -14; // no such stack: a thread of the kernel's has none in user space

/**
 * Names the functions of stacks: of the kernel by /proc/kallsyms; of processes by the symbols and debug information of
 * what they have mapped, inlined functions included, and by the map files of just-in-time compilers.
 *
 * A process can be named while it lives: `remember` it when it is first seen, and its stacks can be named after its end.
 *
 * @example
 * const stacks = new Stacks();
 * const named = stacks.fold(sampler.maps.samples.table(), { traces: sampler.maps.stacks });
 * charts.flamegraph(named, { value: "value" })
 */
export class Stacks {
  readonly #processes = new ProcessSymbols();
  #hasNewest = false;

  /** Reads what a process has mapped now, so that it has names when it has ended. */
  remember(pid: number): void {
    this.#processes.remember(pid);
  }

  /**
   * The table with a column `stack` of folded text, the outermost function first: `comm;main;read;vfs_read_[k]`.
   * Functions of the kernel end in `_[k]`; what has no name is `[unknown]`, and a stack that was not kept `[no stack]`.
   *
   * @throws ArgumentError when no column holds stacks, or `traces` is missing or of another type
   */
  fold(table: ColumnTable, options: StackOptions = {}): ColumnTable {
    const { traces, pid = "pid", atHook = false, root = has(table, "comm") ? "comm" : undefined } = options;
    const user = options.user ?? (has(table, "user_stack") ? "user_stack" : undefined);
    const kernel = options.kernel ?? (has(table, "kernel_stack") ? "kernel_stack" : undefined);
    if (!user && !kernel)
      throw new ArgumentError("The table has no column of stacks.", {
        hint: `Name it: { user: COLUMN, kernel: COLUMN }. It has ${table.columnNames().join(", ")}.`,
      });
    for (const name of [user, kernel, user && pid, root])
      if (name !== undefined && !has(table, name)) throw unknownName("column", "The table", name, table.columnNames());
    if (traces && traces.type !== "stack_trace")
      throw new ArgumentError(`traces: expected a map of type stack_trace, got ${traces.name} of type ${traces.type}.`);
    const read = stackReader(traces);
    const codes = new Uint32Array(table.numRows());
    const dictionary: string[] = [];
    const codeOf = new Map<string, number>();
    let row = 0;
    table.scan((at) => {
      const process = user === undefined ? 0 : Number(table.get(pid, at!));
      const parts = [
        ...(root ? [String(table.get(root, at!)).replaceAll(";", ":")] : []),
        ...(user
          ? this.#named(read(table.get(user, at!), user), (address) => this.#processes.namesOf(process, address))
          : []),
        ...(kernel
          ? this.#kernel(read(table.get(kernel, at!), kernel), atHook).map((name) =>
              name === NO_STACK ? name : `${name}_[k]`,
            )
          : []),
      ];
      const text = parts.join(";");
      const code = codeOf.get(text) ?? dictionary.push(text) - 1;
      codeOf.set(text, code);
      codes[row++] = code;
    }, true);
    return table.reify().assign({ stack: new DictionaryColumn(codes, dictionary) } as never);
  }

  /** One stack of a process as text. @internal */
  userText(stack: readonly bigint[] | string, pid: number): string {
    return this.#named(stack, (address) => this.#processes.namesOf(pid, address)).join(";");
  }

  /** One stack of the kernel as text, without marks. @internal */
  kernelText(stack: readonly bigint[] | string, { atHook = false }: Pick<StackOptions, "atHook">): string {
    return this.#kernel(stack, atHook).join(";");
  }

  #kernel(stack: readonly bigint[] | string, atHook: boolean): string[] {
    const names = this.#named(stack, (address) => [this.#nameInKernel(address)]);
    while (atHook && names.length > 1 && tracing.test(names.at(-1)!)) names.pop();
    return names;
  }

  /** BPF programs come and go: what a list says of their addresses is true only if it is younger than the stack. */
  #nameInKernel(address: bigint): string {
    const name = kernelSymbols().nameOf(address);
    if (this.#hasNewest || !name.endsWith("[bpf]")) return name;
    this.#hasNewest = true;
    return kernelSymbols({ anew: true }).nameOf(address);
  }

  /** Outermost first. Of all but the innermost the address is where the call returns to, which may be the next line's. */
  #named(addresses: readonly bigint[] | string, nameOf: (address: bigint) => readonly string[]): string[] {
    if (typeof addresses === "string") return addresses ? [addresses] : [];
    return addresses
      .flatMap((address, depth) => [...nameOf(depth === 0 ? address : address - 1n)].reverse())
      .map((name) => name.replaceAll(";", ":"))
      .reverse();
  }

  /** Lets go of what is open for the processes. Idempotent. */
  close(): void {
    this.#processes.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function has(table: ColumnTable, column: string): boolean {
  return table.columnIndex(column) >= 0;
}

/** Reads a cell's stack, innermost first; text stands for one that is not there. @internal */
export function stackReader(traces: MapBase | undefined): (cell: unknown, column: string) => bigint[] | string {
  const known = new Map<number, bigint[] | string>();
  const lookUp = (number: number): bigint[] | string => {
    if (number === EFAULT) return "";
    const key = Buffer.alloc(4);
    key.writeInt32LE(number);
    const bytes = number < 0 ? undefined : native.bpf_map_lookup_elem(traces!.handle, key);
    return bytes ? addressesOf(bytes) : NO_STACK;
  };
  return (cell, column) => {
    if (typeof cell === "number") {
      if (!traces)
        throw new ArgumentError(
          `The column ${column} holds numbers of stacks, and the map that holds the stacks is not given.`,
          {
            hint: "For example { traces: object.maps.stacks }.",
          },
        );
      if (!known.has(cell)) known.set(cell, lookUp(cell));
      return known.get(cell)!;
    }
    if (cell instanceof Uint8Array) return addressesOf(Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength));
    const addresses = Array.from(cell as Iterable<number | bigint>, BigInt);
    const end = addresses.indexOf(0n);
    return end < 0 ? addresses : addresses.slice(0, end);
  };
}

function addressesOf(bytes: Buffer): bigint[] {
  const addresses: bigint[] = [];
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    const address = bytes.readBigUInt64LE(at);
    if (address === 0n) break;
    addresses.push(address);
  }
  return addresses;
}
