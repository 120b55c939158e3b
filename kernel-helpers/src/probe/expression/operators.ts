import type { BinaryExpression, Expression } from "acorn";
import {
  arithmetic,
  bitwise,
  division,
  divisionByZero,
  literal,
  negated,
  remainder,
  type Rounding,
} from "./arithmetic.js";
import { equal, ordered } from "./comparisons.js";
import type { ExpressionCompiler } from "./expression-compiler.js";
import { plain } from "./conditional.js";
import { textOf, type Placed } from "./parse.js";
import type { Value } from "./value.js";

/** A value of an operator with one operand. */
export function unary(compiler: ExpressionCompiler, operator: string, argument: Expression, node: Placed): Value {
  switch (operator) {
    case "!":
      return { type: { kind: "bool" }, code: `!${compiler.condition(argument)}` };
    case "-":
      return negated(compiler.operand(argument));
    case "+":
      return plain(compiler.operand(argument));
    case "~":
      return bitwise("^", compiler.operand(argument), literal(-1n));
    default:
      return compiler.refuse(
        node,
        `${operator} cannot be compiled for the kernel`,
        "Collect the events, and do it with the table.",
      );
  }
}

/** A value of an operator with two. */
export function binary(
  compiler: ExpressionCompiler,
  operator: string,
  left: Expression,
  right: Expression,
  node: Placed,
): Value {
  switch (operator) {
    case "+": {
      // Each side once: of a long sum, twice would be twice at each of its levels.
      const [a, b] = [compiler.value(left), compiler.value(right)];
      if ([a, b].some(({ type }) => ["text", "named", "address6"].includes(type.kind)))
        return compiler.refuse(
          node,
          "text cannot be concatenated in the kernel",
          "Select its parts as columns, and join them in the table.",
        );
      return arithmetic("+", compiler.operandOf(a, left), compiler.operandOf(b, right));
    }
    case "-":
    case "*":
      return arithmetic(operator, compiler.operand(left), compiler.operand(right));
    case "/":
      return compiler.refuse(
        node,
        "a quotient is a fraction, and the kernel has integers only",
        `Say how it becomes one: Math.floor(${textOf(compiler.parsed, node)}); also Math.trunc, Math.ceil and Math.round.`,
      );
    case "%": {
      const [a, b] = [compiler.operand(left), compiler.operand(right)];
      const zero = compiler.mayBeZero(b);
      return { ...remainder(a, b), ...(zero ? { special: { code: `(${b.code} ? 0 : 2)`, infinite: true } } : {}) };
    }
    case "&":
    case "|":
    case "^":
    case "<<":
    case ">>":
    case ">>>":
      return bitwise(operator, compiler.operand(left), compiler.operand(right));
    case "===":
    case "==":
      return equal(compiler, left, right, operator, node);
    case "!==":
    case "!=": {
      const same = equal(compiler, left, right, operator, node);
      return { type: { kind: "bool" }, code: `!${same.code}` };
    }
    case "<":
    case "<=":
    case ">":
    case ">=":
      return ordered(compiler, operator, left, right, node);
    default:
      return compiler.refuse(
        node,
        `${operator} cannot be compiled for the kernel`,
        operator === "**" ? "Multiply: d.x * d.x." : "Collect the events, and do it with the table.",
      );
  }
}

/** A division with what makes an integer of it, such as Math.floor(a / b). */
export function quotient(compiler: ExpressionCompiler, node: BinaryExpression, how: Rounding): Value {
  const [a, b] = [compiler.operand(node.left as Expression), compiler.operand(node.right)];
  const special = compiler.mayBeZero(b) ? { special: divisionByZero(a, b) } : {};
  if (b.constant === 0n) return compiler.refuse(node, "this divides by 0", "Divide by another number.");
  return { ...division(a, b, how), ...special };
}
