import type { Expression } from "acorn";
import { nearest } from "../../base/names.js";
import { nameOfType, type Type } from "../value-types.js";
import type { ExpressionCompiler } from "./expression-compiler.js";
import { comparison } from "./arithmetic.js";
import type { Placed } from "./parse.js";
import { matches } from "./c-strings.js";
import { sizeOfText, type TextSource, type Value } from "./value.js";

/** `<`, `<=`, `>` or `>=`. */
export function ordered(
  compiler: ExpressionCompiler,
  operator: "<" | "<=" | ">" | ">=",
  left: Expression,
  right: Expression,
  node: Placed,
): Value {
  const [x, y] = [compiler.value(left), compiler.value(right)];
  if (x.type.kind === "text" || y.type.kind === "text")
    return compiler.refuse(
      node,
      "text has no order in the kernel",
      "Compare it with === or !==, or order the table: table.orderby(…).",
    );
  const [a, b] = [compiler.number(x, left), compiler.number(y, right)];
  if (x.special?.infinite && y.special?.infinite)
    return compiler.refuse(node, "both sides may be Infinity or NaN", "Say what to do when a divisor is 0.");
  const plainly = comparison(operator, a, b);
  const bool = (code: string): Value => ({ type: { kind: "bool" }, code });
  const least = operator === "<" || operator === "<=";
  // NaN compares with nothing; an infinity is beyond what the other side can be.
  if (x.special?.infinite) return bool(`(${x.special.code} < 2 ? ${plainly} : ${x.special.code} == ${least ? 4 : 3})`);
  if (y.special?.infinite) return bool(`(${y.special.code} < 2 ? ${plainly} : ${y.special.code} == ${least ? 3 : 4})`);
  return bool(plainly);
}

/** `===` or `==`. */
export function equal(
  compiler: ExpressionCompiler,
  left: Expression,
  right: Expression,
  operator: string,
  node: Placed,
): Value {
  const [x, y] = [compiler.value(left), compiler.value(right)];
  const bool = (code: string): Value => ({ type: { kind: "bool" }, code });
  const isUndefined = (side: Expression) => side.type === "Identifier" && side.name === "undefined";
  if (operator.length === 3 && (isUndefined(left) || isUndefined(right)))
    return compiler.refuse(node, "nothing is undefined in the kernel", "What is not there is null: compare with null.");
  if (x.type.kind === "null" && y.type.kind === "null") return bool("true");
  if (x.type.kind === "null" || y.type.kind === "null") {
    const other = x.type.kind === "null" ? y : x;
    return bool(other.special ? `(${other.special.code} == 1)` : "false");
  }
  const ordinary = [x, y].flatMap(({ special }) => (special ? [`!${special.code}`] : []));
  const both = x.special && y.special ? [`${x.special.code} == 1 && ${y.special.code} == 1`] : [];
  const code = same(compiler, x, y, left, right, operator, node);
  const checked = ordinary.length > 0 ? `(${[...ordinary, code].join(" && ")})` : code;
  return bool(both.length > 0 ? `(${checked} || (${both[0]}))` : checked);
}

function same(
  compiler: ExpressionCompiler,
  x: Value,
  y: Value,
  left: Expression,
  right: Expression,
  operator: string,
  node: Placed,
): string {
  const [a, b] = [x.type, y.type];
  if (a.kind === "named" && b.kind === "text") return named(compiler, x, a, y, right);
  if (b.kind === "named" && a.kind === "text") return named(compiler, y, b, x, left);
  if (a.kind === "named" && b.kind === "named") {
    if (a.names.what !== b.names.what)
      return compiler.refuse(node, `${nameOfType(a)} is never ${nameOfType(b)}`, "Compare values of the same kind.");
    return `(${x.code} == ${y.code})`;
  }
  if (a.kind === "text" && b.kind === "text") return sameText(compiler, x.text!, y.text!);
  const numeric = (type: Type) => type.kind === "int" || type.kind === "bool" || type.kind === "pointer";
  if (!numeric(a) || !numeric(b))
    return compiler.refuse(
      node,
      `${nameOfType(a)} is never equal to ${nameOfType(b)}`,
      a.kind === "named" || b.kind === "named"
        ? "Compare it with a name, or write op.code(…) for the number."
        : "Compare values of the same kind.",
    );
  if (a.kind === "bool" && b.kind === "bool") return `(${x.code} == ${y.code})`;
  if (operator.length === 3 && (a.kind === "bool") !== (b.kind === "bool"))
    return compiler.refuse(node, "=== is never true between a number and a boolean", "Compare numbers with numbers.");
  return comparison("==", compiler.number(x, left), compiler.number(y, right));
}

function sameText(compiler: ExpressionCompiler, a: TextSource, b: TextSource): string {
  if (b.from === "literal") return matches(a, b.value, "equal");
  if (a.from === "literal") return matches(b, a.value, "equal");
  const [x, y] = [a, b].map((source) => {
    const size = Math.min(256, sizeOfText(source));
    return {
      code:
        source.from === "array" ? source.code : source.from === "comm" ? "comm" : compiler.scope.buffer(source, size),
      size,
    };
  }) as [{ code: string; size: number }, { code: string; size: number }];
  return `text_same(${x.code}, ${x.size}, ${y.code}, ${y.size})`;
}

/** A named number compared with a name, which has to be one. */
function named(
  compiler: ExpressionCompiler,
  value: Value,
  { names }: Type & { kind: "named" },
  other: Value,
  node: Placed,
): string {
  if (other.text?.from !== "literal")
    return compiler.refuse(
      node,
      `the name of a ${names.what} can only be compared with a name`,
      'Write the name in quotes: === "…".',
    );
  const number = names.valueOf(other.text.value);
  if (number === undefined)
    return compiler.refuse(
      node,
      `no ${names.what} is called ${JSON.stringify(other.text.value)}`,
      `The nearest are ${nearest(other.text.value, names.all()).join(", ")}.`,
    );
  return `(${value.code} == ${number})`;
}
