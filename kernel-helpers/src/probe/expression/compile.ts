import type { CallExpression, Expression, MemberExpression, PrivateIdentifier, Super } from "acorn";
import { nearest } from "../../base/names.js";
import { nameOfType } from "../value-types.js";
import { either, plain } from "./conditional.js";
import { equal, ordered } from "./comparisons.js";
import { call, functionNames } from "./functions.js";
import { member } from "./member.js";
import {
  arithmetic,
  bitwise,
  division,
  divisionByZero,
  literal,
  mayBeZero,
  negated,
  remainder,
  type Num,
  type Rounding,
} from "./arithmetic.js";
import { refuse, textOf, type Parsed, type Placed } from "./parse.js";
import { isNotEmpty } from "./c-strings.js";
import { textValue, type TextSource, type Value } from "./value.js";

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

/** Compiles one expression. */
export class Compiler {
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
        return this.#literal(node);
      case "TemplateLiteral":
        if (node.expressions.length === 0)
          return textValue({ from: "literal", value: node.quasis[0]!.value.cooked ?? "" });
        return this.refuse(
          node,
          "text cannot be put together in the kernel",
          "Select its parts as columns, and join them in the table.",
        );
      case "Identifier":
        return this.#identifier(node);
      case "MemberExpression":
        return this.#member(node);
      case "UnaryExpression":
        return this.#unary(node.operator, node.argument, node);
      case "BinaryExpression":
        return this.#binary(node.operator, node.left as Expression, node.right, node);
      case "LogicalExpression":
        return this.#logical(node.operator, node.left, node.right, node);
      case "ConditionalExpression":
        return this.#conditional(node.test, node.consequent, node.alternate, node);
      case "ChainExpression":
        return this.value(node.expression);
      case "CallExpression":
        return this.#call(node);
      default:
        return this.#unsupported(node);
    }
  }

  #unsupported(node: Expression | PrivateIdentifier | Super): never {
    switch (node.type) {
      case "ArrowFunctionExpression":
      case "FunctionExpression":
        return this.refuse(node, "there are no functions inside of an expression", "Write what it computes.");
      case "AssignmentExpression":
      case "UpdateExpression":
        return this.refuse(
          node,
          "an expression changes nothing",
          "Use derive() for a new column, and rollup() to add up.",
        );
      case "ArrayExpression":
      case "ObjectExpression":
        return this.refuse(node, "an expression has one value, no list or object", "Make a column of each part.");
      case "NewExpression":
      case "TaggedTemplateExpression":
      case "ImportExpression":
      case "ClassExpression":
      case "AwaitExpression":
      case "YieldExpression":
        return this.refuse(node, "this cannot be done in the kernel", "Collect the events, and do it with the table.");
      default:
        return this.refuse(
          node,
          `${node.type} cannot be compiled for the kernel`,
          "Collect the events, and do it with the table.",
        );
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
        return this.refuse(node, `${nameOfType(value.type)} is no condition`, "Compare one of its members.");
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

  #literal(node: Extract<Expression, { type: "Literal" }>): Value {
    const { value } = node;
    if (value === null && node.raw === "null")
      return { type: { kind: "null" }, code: "0", special: { code: "1", infinite: false } };
    if (typeof value === "boolean") return { type: { kind: "bool" }, code: String(value) };
    if (typeof value === "string") return textValue({ from: "literal", value });
    if (typeof value === "bigint") return literal(value);
    if (typeof value !== "number")
      return this.refuse(
        node,
        "regular expressions do not run in the kernel",
        "Compare with === or op.startswith(), or filter the table: table.filter(d => op.match(d.comm, /…/)).",
      );
    if (!Number.isInteger(value))
      return this.refuse(
        node,
        "there are no fractions in the kernel",
        "Write integers: times as ns, and x * 10 > 25 for x > 2.5.",
      );
    if (Math.abs(value) >= 2 ** 64)
      return this.refuse(node, "the number does not fit in 64 bits", "Use a smaller one.");
    return literal(BigInt(value));
  }

  #identifier(node: Extract<Expression, { type: "Identifier" }>): Value {
    const { row, params } = this.parsed;
    const column = row.properties.get(node.name);
    if (column !== undefined) return this.column(column, node);
    const param = params.properties.get(node.name);
    if (param !== undefined) return this.#param(param, node);
    if (node.name === "undefined")
      return { type: { kind: "null" }, code: "0", special: { code: "1", infinite: false } };
    if (node.name === row.name)
      return this.refuse(node, "the row itself is no value", `Take a column of it: ${row.name}.pid.`);
    return this.refuse(
      node,
      `the kernel cannot see the variable ${node.name}`,
      `Pass its value: (d, $) => … $.${node.name} …, with .params({ ${node.name} }).`,
    );
  }

  column(name: string, node: Placed): Value {
    const found = this.scope.column(name);
    if (found) return found;
    const near = nearest(name, this.scope.columns());
    return this.refuse(
      node,
      `there is no column ${JSON.stringify(name)} here`,
      `The nearest are ${near.join(", ")}; all of them are ${this.scope.columns().join(", ")}.`,
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
    else if (property.type === "Literal" && (typeof property.value === "string" || typeof property.value === "number"))
      name = property.value;
    else
      return this.refuse(
        property,
        "a member has to be known when the expression is compiled",
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
          `${textOf(this.parsed, node)} is no integer`,
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
        return this.refuse(node, `${nameOfType(value.type)} is text, no number`, "op.code(…) is its number.");
      default:
        return this.refuse(
          node,
          `${nameOfType(value.type)} is no number`,
          value.type.kind === "text" ? "Compare text with === or !==." : "Use a member of it.",
        );
    }
  }

  /** An operand of arithmetic: NaN and infinities cannot go on in integers. */
  #operand(node: Expression): Num {
    const value = this.value(node);
    if (value.special?.infinite)
      return this.refuse(
        node,
        "the divisor may be 0 here, and integers know no Infinity and no NaN to go on with",
        "Say what to do then: b === 0 ? 0 : Math.floor(a / b).",
      );
    return this.number(value, node);
  }

  #unary(operator: string, argument: Expression, node: Placed): Value {
    switch (operator) {
      case "!":
        return { type: { kind: "bool" }, code: `!${this.condition(argument)}` };
      case "-":
        return negated(this.#operand(argument));
      case "+":
        return plain(this.#operand(argument));
      case "~":
        return bitwise("^", this.#operand(argument), literal(-1n));
      default:
        return this.refuse(
          node,
          `${operator} cannot be compiled for the kernel`,
          "Collect the events, and do it with the table.",
        );
    }
  }

  #binary(operator: string, left: Expression, right: Expression, node: Placed): Value {
    switch (operator) {
      case "+":
        for (const side of [left, right])
          if (["text", "named", "address6"].includes(this.value(side).type.kind))
            return this.refuse(
              node,
              "text cannot be put together in the kernel",
              "Select its parts as columns, and join them in the table.",
            );
        return arithmetic("+", this.#operand(left), this.#operand(right));
      case "-":
      case "*":
        return arithmetic(operator, this.#operand(left), this.#operand(right));
      case "/":
        return this.refuse(
          node,
          "a quotient is a fraction, and the kernel has integers only",
          `Say how it becomes one: Math.floor(${textOf(this.parsed, node)}); also Math.trunc, Math.ceil and Math.round.`,
        );
      case "%": {
        const [a, b] = [this.#operand(left), this.#operand(right)];
        const zero = this.#mayBeZero(b);
        return { ...remainder(a, b), ...(zero ? { special: { code: `(${b.code} ? 0 : 2)`, infinite: true } } : {}) };
      }
      case "&":
      case "|":
      case "^":
      case "<<":
      case ">>":
      case ">>>":
        return bitwise(operator, this.#operand(left), this.#operand(right));
      case "===":
      case "==":
        return equal(this, left, right, operator, node);
      case "!==":
      case "!=": {
        const same = equal(this, left, right, operator, node);
        return { type: { kind: "bool" }, code: `!${same.code}` };
      }
      case "<":
      case "<=":
      case ">":
      case ">=":
        return ordered(this, operator, left, right, node);
      default:
        return this.refuse(
          node,
          `${operator} cannot be compiled for the kernel`,
          operator === "**" ? "Multiply: d.x * d.x." : "Collect the events, and do it with the table.",
        );
    }
  }

  #mayBeZero(b: Num): boolean {
    return mayBeZero(b) && !this.#notZero.has(b.code);
  }

  /** A division with what makes an integer of it, such as Math.floor(a / b). */
  division(node: Extract<Expression, { type: "BinaryExpression" }>, how: Rounding): Value {
    const [a, b] = [this.#operand(node.left as Expression), this.#operand(node.right)];
    const special = this.#mayBeZero(b) ? { special: divisionByZero(a, b) } : {};
    if (b.constant === 0n) return this.refuse(node, "this divides by 0", "Divide by another number.");
    return { ...division(a, b, how), ...special };
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

  #call(node: CallExpression): Value {
    const { callee } = node;
    const name =
      callee.type === "Identifier"
        ? callee.name
        : callee.type === "MemberExpression" && !callee.computed && callee.property.type === "Identifier"
          ? callee.property.name
          : undefined;
    const of =
      callee.type === "MemberExpression" && callee.object.type === "Identifier" ? callee.object.name : undefined;
    const known =
      name === undefined
        ? undefined
        : of === "Math" && (name === "min" || name === "max")
          ? name === "min"
            ? "least"
            : "greatest"
          : name;
    if (known === undefined || !functionNames().includes(known)) {
      const near = nearest(name ?? "", functionNames()).map((one) => `op.${one}`);
      return this.refuse(
        node,
        `the kernel has no function ${textOf(this.parsed, callee)}`,
        `The nearest are ${near.join(", ")}; what only JavaScript can do, do with the table.`,
      );
    }
    return call(this, known, node);
  }
}

const constants: Record<string, bigint> = { MAX_SAFE_INTEGER: (1n << 53n) - 1n, MIN_SAFE_INTEGER: -((1n << 53n) - 1n) };
