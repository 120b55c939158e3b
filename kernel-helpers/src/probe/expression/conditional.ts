import { nameOfType, type Type } from "../value-types.js";
import type { ExpressionCompiler } from "./expression-compiler.js";
import { choice, type Num } from "./arithmetic.js";
import type { Placed } from "./parse.js";
import { textValue, type Value } from "./value.js";

/** One of two values. */
export function either(compiler: ExpressionCompiler, test: string, a: Value, b: Value, node: Placed): Value {
  const special =
    a.special || b.special
      ? {
          special: {
            code: `(${test} ? ${a.special?.code ?? 0} : ${b.special?.code ?? 0})`,
            infinite: (a.special?.infinite || b.special?.infinite) ?? false,
          },
        }
      : {};
  const [x, y] = [a.type, b.type];
  if (x.kind === "null" && y.kind === "null") return a;
  if (x.kind === "null" || y.kind === "null") {
    const other = x.kind === "null" ? b : a;
    if (other.text)
      return {
        ...textValue({
          from: "choice",
          test: x.kind === "null" ? `!${test}` : test,
          then: other.text,
          else: { from: "literal", value: "" },
        }),
        ...special,
      };
    if (!["int", "bool", "named"].includes(other.type.kind))
      return compiler.refuse(node, `${nameOfType(other.type)} cannot be null here`, "Use a condition in filter().");
    return {
      type: widened(other.type),
      code: x.kind === "null" ? `(${test} ? 0 : ${other.code})` : `(${test} ? ${other.code} : 0)`,
      ...special,
    };
  }
  if (x.kind === "int" && y.kind === "int") return { ...choice(test, a as Num, b as Num), ...special };
  if (x.kind === "bool" && y.kind === "bool") return { type: x, code: `(${test} ? ${a.code} : ${b.code})`, ...special };
  if (a.text && b.text) return { ...textValue({ from: "choice", test, then: a.text, else: b.text }), ...special };
  if (x.kind === "named" && y.kind === "named" && x.names.what === y.names.what)
    return { type: x, code: `(${test} ? ${a.code} : ${b.code})`, ...special };
  return compiler.refuse(
    node,
    `this is ${nameOfType(x)} or ${nameOfType(y)}, and a column has one type`,
    "Give both sides one type; null goes with any.",
  );
}

/** The value where it is none of the special ones. */
export function plain(value: Value): Value {
  const { special: _, constant: __, ...rest } = value;
  return rest;
}

/** A range that includes the 0 that stands for null. */
function widened(type: Type): Type {
  if (type.kind !== "int") return type;
  return { kind: "int", low: type.low > 0n ? 0n : type.low, high: type.high < 0n ? 0n : type.high };
}
