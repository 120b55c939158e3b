import type { Expression, MemberExpression, PrivateIdentifier, Super } from "acorn";
import { nameOfType } from "../value-types.js";
import { literal, mayBeZero as canBeZero, type Num } from "./arithmetic.js";
import { isNotEmpty } from "./c-strings.js";
import { either, plain } from "./conditional.js";
import type { ExpressionCompiler, Scope } from "./expression-compiler.js";
import { call } from "./functions.js";
import { literalValue } from "./literals.js";
import { member } from "./member.js";
import { binary, unary } from "./operators.js";
import { refuse, textOf, type Parsed, type Placed } from "./parse.js";
import { insteadOfUnknown } from "./unknown-column.js";
import { refuseSyntax } from "./unsupported.js";
import { textValue, type Value } from "./value.js";

/** Compiles one expression. */
export class Compiler implements ExpressionCompiler {
  /** C of numbers that are known not to be 0 where this stands, because a condition said so. */
  #notZero: ReadonlySet<string> = new Set();

  constructor(
    readonly parsed: Parsed,
    readonly scope: Scope,
  ) {}

  refuse(node: Placed, why: string, instead: string): never {
    return refuse(this.parsed, node, why, instead);
  }

  /** The expression as a value. */
  value(node: Expression | PrivateIdentifier | Super): Value {
    switch (node.type) {
      case "ParenthesizedExpression":
        return this.value(node.expression);
      case "Literal":
        return literalValue(this, node);
      case "TemplateLiteral":
        if (node.expressions.length === 0)
          return textValue({ from: "literal", value: node.quasis[0]!.value.cooked ?? "" });
        return this.refuse(
          node,
          "text cannot be concatenated in the kernel",
          "Select its parts as columns, and join them in the table.",
        );
      case "Identifier":
        return this.#identifier(node);
      case "MemberExpression":
        return this.#member(node);
      case "UnaryExpression":
        return unary(this, node.operator, node.argument, node);
      case "BinaryExpression":
        return binary(this, node.operator, node.left as Expression, node.right, node);
      case "LogicalExpression":
        return this.#logical(node.operator, node.left, node.right, node);
      case "ConditionalExpression":
        return this.#conditional(node.test, node.consequent, node.alternate, node);
      case "ChainExpression":
        return this.value(node.expression);
      case "CallExpression":
        return call(this, node);
      default:
        return refuseSyntax(this, node);
    }
  }

  /** The expression as a C condition. */
  condition(node: Expression): string {
    switch (node.type) {
      case "ParenthesizedExpression":
        return this.condition(node.expression);
      case "LogicalExpression":
        if (node.operator === "??") break;
        return `(${this.condition(node.left)} ${node.operator} ${this.#where(node.left, node.operator === "&&", () => this.condition(node.right))})`;
      case "UnaryExpression":
        if (node.operator === "!") return `!${this.condition(node.argument)}`;
        break;
      case "ConditionalExpression":
        return `(${this.condition(node.test)} ? ${this.#where(node.test, true, () => this.condition(node.consequent))} : ${this.#where(node.test, false, () => this.condition(node.alternate))})`;
      default:
    }
    return this.truth(this.value(node), node);
  }

  /** What JavaScript makes of a value as a condition. */
  truth(value: Value, node: Placed): string {
    switch (value.type.kind) {
      case "bool":
        return value.code;
      case "int":
      case "pointer":
        return value.special?.infinite ? `(${value.code} != 0 || ${value.special.code} >= 3)` : `(${value.code} != 0)`;
      case "text":
        return isNotEmpty(value.text!);
      case "named":
      case "address6":
        return value.special ? `!${value.special.code}` : "true";
      case "null":
        return "false";
      default:
        return this.refuse(node, `${nameOfType(value.type)} is not a condition`, "Compare one of its members.");
    }
  }

  /** Compiles what is reached only where a condition is true, or false. */
  #where<Result>(test: Expression, holds: boolean, then: () => Result): Result {
    const before = this.#notZero;
    this.#notZero = new Set([...before, ...this.#nonZero(test, holds)]);
    try {
      return then();
    } finally {
      this.#notZero = before;
    }
  }

  /** C of the numbers that are not 0 where a condition is true, or false. */
  #nonZero(test: Expression, holds: boolean): string[] {
    if (test.type === "ParenthesizedExpression") return this.#nonZero(test.expression, holds);
    if (test.type === "UnaryExpression" && test.operator === "!") return this.#nonZero(test.argument, !holds);
    if (test.type === "LogicalExpression" && test.operator === (holds ? "&&" : "||"))
      return [...this.#nonZero(test.left, holds), ...this.#nonZero(test.right, holds)];
    if (test.type === "BinaryExpression") {
      const says = holds ? ["!==", "!=", ">", "<"] : ["===", "==", ">=", "<="];
      const zero = (side: Expression | PrivateIdentifier) => side.type === "Literal" && side.value === 0;
      if (!says.includes(test.operator)) return [];
      const other = zero(test.right) ? (test.left as Expression) : zero(test.left) ? test.right : undefined;
      return other ? [this.value(other).code] : [];
    }
    return test.type === "MemberExpression" && holds ? [this.value(test).code] : [];
  }

  /** C of what a condition that held proves not to be 0, for the verbs behind it. */
  proven(): string[] {
    return this.#nonZero(this.parsed.body, true);
  }

  assume(notZero: Iterable<string>): this {
    this.#notZero = new Set(notZero);
    return this;
  }

  #identifier(node: Extract<Expression, { type: "Identifier" }>): Value {
    const { row, params } = this.parsed;
    const column = row.properties.get(node.name);
    if (column !== undefined) return this.column(column, node);
    const param = params.properties.get(node.name);
    if (param !== undefined) return this.#param(param, node);
    if (node.name === "undefined")
      return { type: { kind: "null" }, code: "0", special: { code: "1", infinite: false } };
    if (node.name === "NaN" || node.name === "Infinity")
      return this.refuse(
        node,
        `the kernel computes with integers, and has no ${node.name}`,
        "null stands for what there is not; op.is_nan(a % b) is true where b is 0.",
      );
    if (node.name === row.name)
      return this.refuse(node, "the row itself is not a value", `Take a column of it: ${row.name}.pid.`);
    return this.refuse(
      node,
      `the kernel cannot see the variable ${node.name}`,
      this.scope.columns().includes(node.name) && row.name
        ? `Write ${row.name}.${node.name} for the column.`
        : `Pass its value: (d, $) => … $.${node.name} …, with .params({ ${node.name} }).`,
    );
  }

  column(name: string, node: Placed): Value {
    const found = this.scope.column(name);
    if (found) return found;
    return this.refuse(
      node,
      `there is no column ${JSON.stringify(name)} here`,
      insteadOfUnknown(name, this.scope.columns()),
    );
  }

  #param(name: string, node: Placed): Value {
    const found = this.scope.param(name);
    if (found) return found;
    return this.refuse(node, `the parameter ${name} has no value`, `Give it one: .params({ ${name}: 1000 }).`);
  }

  #member(node: MemberExpression): Value {
    const { object, property } = node;
    let name: string | number;
    if (!node.computed) name = (property as { name: string }).name;
    else if (property.type === "TemplateLiteral" && property.expressions.length === 0)
      name = property.quasis[0]!.value.cooked ?? "";
    else if (property.type === "Literal" && (typeof property.value === "string" || typeof property.value === "number"))
      name = property.value;
    else
      return this.refuse(
        property,
        "a member must be known when the expression is compiled",
        'Write d.args[0] or d["name"].',
      );
    if (object.type === "Identifier") {
      const { row, params } = this.parsed;
      if (object.name === row.name) return this.column(String(name), node);
      if (object.name === params.name) return this.#param(String(name), node);
      if (object.name === "Math" || object.name === "Number" || object.name === "op") {
        if (typeof name === "string" && name in constants) return literal(constants[name]!);
        return this.refuse(
          node,
          `${textOf(this.parsed, node)} is not an integer`,
          "The kernel computes with integers only.",
        );
      }
    }
    return member(this, this.value(object), name, node);
  }

  /** The value as a number, as JavaScript converts it. */
  number(value: Value, node: Placed): Num {
    switch (value.type.kind) {
      case "int":
        return value as Num;
      case "bool":
        return { type: { kind: "int", low: 0n, high: 1n }, code: `((__s64)${value.code})` };
      case "null":
        return literal(0n);
      case "pointer":
        return { type: { kind: "int", low: 0n, high: (1n << 64n) - 1n }, code: `((__u64)${value.code})` };
      case "named":
        return this.refuse(node, `${nameOfType(value.type)} is text, not a number`, "op.code(…) is its number.");
      default:
        return this.refuse(
          node,
          `${nameOfType(value.type)} is not a number`,
          value.type.kind === "text" ? "Compare text with === or !==." : "Use a member of it.",
        );
    }
  }

  /** An operand of arithmetic: NaN and infinities cannot go on in integers. */
  operand(node: Expression): Num {
    return this.operandOf(this.value(node), node);
  }

  /** The same of a value that has been compiled. @param node where it stands */
  operandOf(value: Value, node: Placed): Num {
    if (value.special?.infinite)
      return this.refuse(
        node,
        "the divisor may be 0 here, and integers have no Infinity or NaN to continue with",
        "Say what to do then: b === 0 ? 0 : Math.floor(a / b).",
      );
    return this.number(value, node);
  }

  /** True unless the number cannot be 0, or a condition around it says that it is not. */
  mayBeZero(b: Num): boolean {
    return canBeZero(b) && !this.#notZero.has(b.code);
  }

  #logical(operator: "&&" | "||" | "??", left: Expression, right: Expression, node: Placed): Value {
    const a = this.value(left);
    if (operator === "??") {
      if (a.type.kind === "null") return this.value(right);
      if (!a.special) return a;
      const b = this.value(right);
      return either(this, `(${a.special.code} != 1)`, a.special.infinite ? a : plain(a), b, node);
    }
    const b = this.#where(left, operator === "&&", () => this.value(right));
    if (a.type.kind === "bool" && b.type.kind === "bool")
      return { type: { kind: "bool" }, code: `(${a.code} ${operator} ${b.code})` };
    const test = this.truth(a, left);
    return operator === "&&" ? either(this, test, b, a, node) : either(this, test, a, b, node);
  }

  #conditional(test: Expression, consequent: Expression, alternate: Expression, node: Placed): Value {
    return either(
      this,
      this.condition(test),
      this.#where(test, true, () => this.value(consequent)),
      this.#where(test, false, () => this.value(alternate)),
      node,
    );
  }
}

const constants: Record<string, bigint> = { MAX_SAFE_INTEGER: (1n << 53n) - 1n, MIN_SAFE_INTEGER: -((1n << 53n) - 1n) };
