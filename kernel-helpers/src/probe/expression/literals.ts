import type { Literal } from "acorn";
import { literal } from "./arithmetic.js";
import type { ExpressionCompiler } from "./expression-compiler.js";
import { textValue, type Value } from "./value.js";

/** What stands in an expression as itself: a number, a text, true, null. */
export function literalValue(compiler: ExpressionCompiler, node: Literal): Value {
  const { value } = node;
  if (value === null && node.raw === "null")
    return { type: { kind: "null" }, code: "0", special: { code: "1", infinite: false } };
  if (typeof value === "boolean") return { type: { kind: "bool" }, code: String(value) };
  if (typeof value === "string") return textValue({ from: "literal", value });
  if (typeof value === "bigint") return literal(value);
  if (typeof value !== "number")
    return compiler.refuse(
      node,
      "regular expressions do not run in the kernel",
      "Compare with === or op.startswith(), or filter the table: table.filter(d => op.match(d.comm, /…/)).",
    );
  if (!Number.isInteger(value))
    return compiler.refuse(
      node,
      "there are no fractions in the kernel",
      "Write integers: times as ns, and x * 10 > 25 for x > 2.5.",
    );
  if (Math.abs(value) >= 2 ** 64)
    return compiler.refuse(node, "the number does not fit in 64 bits", "Use a smaller one.");
  return literal(BigInt(value));
}
