/** What the files of the single kinds of expressions know of the compiler, which knows them all. */
import type { Expression, PrivateIdentifier, Super } from "acorn";
import type { Num } from "./arithmetic.js";
import type { Parsed, Placed } from "./parse.js";
import type { TextSource, Value } from "./value.js";

/** What an expression can see, and where it puts what has to be computed before it. */
export interface Scope {
  /** The names of the row's columns. */
  columns(): string[];
  column(name: string): Value | undefined;
  param(name: string): Value | undefined;
  paramNames(): string[];
  /** A variable in C that holds this, for what is used more than once; the same for the same code. */
  local(hint: string, c: string, code: string): string;
  /** An array in C with a copy of this text. */
  buffer(source: TextSource, size: number): string;
  /** #include lines that the C needs. */
  include(header: string): void;
  /** Of the hook: whether an untyped pointer is the process's or the kernel's. */
  userPointers: boolean;
}

/** Compiles the parts of one expression, whatever they are. */
export interface ExpressionCompiler {
  readonly parsed: Parsed;
  readonly scope: Scope;
  /** @throws ProbeError that shows the place */
  refuse(node: Placed, why: string, instead: string): never;
  /** The expression as a value. */
  value(node: Expression | PrivateIdentifier | Super): Value;
  /** The expression as a C condition. */
  condition(node: Expression): string;
  /** What JavaScript makes of a value as a condition. */
  truth(value: Value, node: Placed): string;
  /** The value as a number, as JavaScript converts it. */
  number(value: Value, node: Placed): Num;
  /** An operand of arithmetic: NaN and infinities cannot go on in integers. */
  operand(node: Expression): Num;
  /** The same of a value that has been compiled. @param node where it stands */
  operandOf(value: Value, node: Placed): Num;
  /** True unless the number cannot be 0, or a condition around it says that it is not. */
  mayBeZero(b: Num): boolean;
}
