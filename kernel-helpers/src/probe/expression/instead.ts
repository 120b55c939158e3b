import { op as arqueroOp } from "arquero";
import type { CallExpression } from "acorn";
import { listNames, nearest } from "../../base/names.js";

const byHand = (what: string) => `${what}; or do it with the table that collect() gives.`;

/** What people write, by the function's name, and what says it here. */
const instead: Record<string, string> = {
  includes: byHand('Compare one by one: d.comm === "a" || d.comm === "b"'),
  startsWith: 'Write op.startswith(d.comm, "a").',
  pow: "Multiply: d.x * d.x.",
  Boolean: "Write !!d.x.",
  Number: "A number is one already; of an enum op.code(d.x) is its number.",
  isInteger: "All numbers of the kernel's are integers.",
  is_finite: "A quotient by 0 is the only number that is not: compare the divisor with 0.",
  now: "d.time_ns is the time of the event.",
  length: byHand('Compare with "", or with a beginning: op.startswith(d.comm, "a")'),
  ...Object.fromEntries(
    ["match", "test", "search"].map((name) => [
      name,
      byHand("There are no regular expressions: compare with ===, or op.startswith()"),
    ]),
  ),
  ...Object.fromEntries(
    ["count", "sum", "mean", "min", "max", "first", "last", "log2", "linear", "valid"].map((name) => [
      name,
      `op.${name}() adds up the events of a group: it belongs into rollup().${/^m(?:in|ax)$/.test(name) ? ` Of two numbers write Math.${name}(a, b).` : ""}`,
    ]),
  ),
};

/** What to write instead of a function that the kernel does not have. @param known those that it has */
export function insteadOf({ callee }: CallExpression, known: readonly string[]): string {
  const property = callee.type === "MemberExpression" && !callee.computed ? callee.property : callee;
  const name = property.type === "Identifier" ? property.name : "";
  if (Object.hasOwn(instead, name)) return instead[name]!;
  if (Object.hasOwn(arqueroOp, name))
    return `arquero does it with the table: (await ….collect()).derive({ x: d => op.${name}(…) }).`;
  const near = nearest(name, known, 3, 2).map((one) => `op.${one}`);
  if (near.length > 0) return `The nearest ${near.length > 1 ? "are" : "is"} ${listNames(near)}.`;
  return `The kernel has ${listNames(known.map((one) => `op.${one}()`))}. What only JavaScript can do, do with the table.`;
}
