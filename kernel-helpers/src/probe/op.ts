import { op as arqueroOp } from "arquero";

/** A call of a function that adds up, as text that both arquero and the kernel's compiler read. */
export interface AggregateCall {
  toString(): string;
}

function call(name: string, column: string, ...numbers: number[]): AggregateCall {
  const args = [`d[${JSON.stringify(column)}]`, ...numbers.map(String)].join(", ");
  return { toString: () => `d => op.${name}(${args})` };
}

/** What expressions in the kernel have beside arquero's own functions. They are compiled there, and never called. */
export interface KernelOp {
  /** Text that a pointer leads to, in the process or in the kernel: at most `size` bytes, 128 unless it says so. */
  str(pointer: unknown, size?: number): string;
  /** An IPv4 address in network order, as text. */
  ip4(address: unknown): string;
  /** An IPv6 address, as text. */
  ip6(address: unknown): string;
  /** The name of a system call by its number. */
  syscall(number: unknown): string;
  /** The name of the error that a result below 0 stands for; null for other results. */
  errno(result: unknown): string | null;
  /** The number of what has a name, such as an enum. */
  code(named: unknown): number;
  /** Of a rollup: the value of the first event of a group. */
  first(column: unknown): any;
  /** Of a rollup: the value of the last event of a group. */
  last(column: unknown): any;
  /** Of a rollup: counts by powers of two; slot i counts from 2^i up to, not including, 2^(i+1), and slot 0 all below 2. */
  log2(column: unknown): any;
  /** Of a rollup: counts by steps from `low` to `high`; the first slot is what is below, the last what is from `high` on. */
  linear(column: unknown, low: number, high: number, step: number): any;
}

/** What adds up, as arquero has it; expressions compute with it: `op.sum(d.ret) / op.count()`. */
interface Sums {
  count(): any;
  valid(column: unknown): any;
  sum(column: unknown): any;
  mean(column: unknown): any;
  min(column: unknown): any;
  max(column: unknown): any;
}

const inExpressionsOnly = (name: string) => (): never => {
  throw new TypeError(
    `op.${name}() works inside of a probe's expression, such as select({ x: d => op.${name}(d.x) }).`,
  );
};

const kernelOp: KernelOp = {
  str: inExpressionsOnly("str"),
  ip4: inExpressionsOnly("ip4"),
  ip6: inExpressionsOnly("ip6"),
  syscall: inExpressionsOnly("syscall"),
  errno: inExpressionsOnly("errno"),
  code: inExpressionsOnly("code"),
  first: (column) => call("first", String(column)),
  last: (column) => call("last", String(column)),
  log2: (column) => call("log2", String(column)),
  linear: (column, low, high, step) => call("linear", String(column), low, high, step),
};

/**
 * The functions of expressions: arquero's own, and those that only the kernel has.
 *
 * @example
 * probe("tp/syscalls/sys_exit_read").groupby("comm").rollup({ n: op.count(), bytes: op.sum("ret"), sizes: op.log2("ret") })
 */
export const op: Omit<typeof arqueroOp, keyof Sums> & Sums & KernelOp = { ...arqueroOp, ...kernelOp };
