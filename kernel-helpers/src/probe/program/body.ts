import { Compiler } from "../expression/compiler.js";
import type { Scope } from "../expression/expression-compiler.js";
import { textValue } from "../expression/value.js";
import { parseExpression, type ExpressionInput, type Parsed } from "../expression/parse.js";
import { copyTo } from "../expression/c-strings.js";
import type { TextSource, Value } from "../expression/value.js";
import type { Field } from "../hooks/hook.js";
import { hostOrder, readNumber } from "../expression/network-order.js";
import { isWide } from "../value-types.js";
import { Namer } from "./namer.js";

/** A line of C, and the expression that it came from. */
export interface Line {
  text: string;
  origin?: Parsed;
}

/** The part of a program that a question's verbs make, and what they can see meanwhile. */
export class Body implements Scope {
  readonly lines: Line[] = [];
  readonly includes = new Set<string>();
  /** Fields that were used. */
  readonly used = new Set<Field>();

  /** Their names. */
  get usedNames(): Set<string> {
    return new Set([...this.used].map(({ name }) => name));
  }

  readonly #names = new Namer();
  readonly #locals = new Map<string, string>();
  readonly #columns = new Map<string, Field | Value>();
  #origin: Parsed | undefined;
  #notZero = new Set<string>();

  readonly #params: ReadonlyMap<string, Value>;

  constructor(
    fields: readonly Field[],
    params: ReadonlyMap<string, Value>,
    readonly userPointers: boolean,
  ) {
    this.#params = params;
    for (const field of fields) this.#columns.set(field.name, field);
  }

  columns(): string[] {
    return [...this.#columns.keys()];
  }

  column(name: string): Value | undefined {
    const found = this.#columns.get(name);
    return found && "about" in found ? this.#read(found) : found;
  }

  param(name: string): Value | undefined {
    return this.#params.get(name);
  }

  paramNames(): string[] {
    return [...this.#params.keys()];
  }

  include(header: string): void {
    this.includes.add(header);
  }

  /** Names a value, for what comes behind. */
  define(name: string, value: Value): void {
    this.#columns.set(name, value);
  }

  /** Leaves these columns only. */
  keep(columns: readonly (readonly [string, Value])[]): void {
    this.#columns.clear();
    for (const [name, value] of columns) this.#columns.set(name, value);
  }

  add(...lines: string[]): void {
    for (const text of lines) this.lines.push({ text, ...(this.#origin ? { origin: this.#origin } : {}) });
  }

  /** Compiles an expression: the variables that it needs go here, the value is returned. */
  compile<Result>(verb: string, input: ExpressionInput, make: (compiler: Compiler) => Result): Result {
    const parsed = parseExpression(verb, input);
    this.#origin = parsed;
    return make(new Compiler(parsed, this).assume(this.#notZero));
  }

  /** Remembers what a condition proved for all that comes behind. */
  prove(compiler: Compiler): void {
    for (const code of compiler.proven()) this.#notZero.add(code);
  }

  local(hint: string, c: string, code: string): string {
    if (/^[a-z]\w*$/.test(code)) return code; // a variable already
    const known = this.#locals.get(code);
    if (known) return known;
    const name = this.#names.name(hint);
    this.#locals.set(code, name);
    this.add(`${c}${c.endsWith("*") ? "" : " "}${name} = ${code};`);
    return name;
  }

  buffer(source: TextSource, size: number): string {
    const key = JSON.stringify([source, size]);
    const known = this.#locals.get(key);
    if (known) return known;
    const name = this.#names.name("text");
    this.#locals.set(key, name);
    this.add(`char ${name}[${size}] = {};`, ...copyTo(name, size, source));
    return name;
  }

  /** A name of its own for what is no value of an expression's. */
  name(hint: string): string {
    return this.#names.name(hint);
  }

  #read(field: Field): Value {
    this.used.add(field);
    const { type, code, name } = field;
    switch (type.kind) {
      case "int": {
        const c = isWide(type) ? "const __u64" : "const __s64";
        return { type: hostOrder(type), code: this.local(name, c, readNumber(this, type, code)) };
      }
      case "named":
      case "stack":
        return { type, code: this.local(name, "const __s64", code) };
      case "bool":
        return { type, code: this.local(name, "const bool", code) };
      case "pointer": {
        const typed = /^\(((?:struct|union) \w+ \*)\)/.exec(code);
        return { type, code: this.local(name, typed ? typed[1]! : "const __u64", code) };
      }
      case "text":
        return textValue(this.#textOf(field));
      default:
        return { type, code };
    }
  }

  #textOf({ name, type, code, text, align = 1 }: Field): TextSource {
    const size = type.kind === "text" ? type.size : 0;
    switch (text) {
      case "comm":
        if (!this.#locals.has("comm")) {
          this.#locals.set("comm", "comm");
          this.add("char comm[16] __attribute__((aligned(8)));", "copy_comm(comm);");
        }
        return { from: "comm" };
      case "kernel":
      case "user":
        return { from: text, code: `(${code})`, size };
      default: {
        // The verifier lets a program read the context at places that it knows, not byte by byte in a loop.
        let copy = this.#locals.get(code);
        if (!copy) {
          this.#locals.set(code, (copy = this.#names.name(name)));
          this.add(
            `char ${copy}[${size}] __attribute__((aligned(8)));`,
            `__builtin_memcpy(${copy}, __builtin_assume_aligned(${code}, ${align}), ${size});`,
          );
        }
        return { from: "array", code: copy, size };
      }
    }
  }
}
