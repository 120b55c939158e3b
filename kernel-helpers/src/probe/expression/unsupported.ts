import type { Expression, PrivateIdentifier, Super } from "acorn";
import type { ExpressionCompiler } from "./expression-compiler.js";

/** Refuses what JavaScript has and a BPF program has not, and says what to write instead. */
export function refuseSyntax(compiler: ExpressionCompiler, node: Expression | PrivateIdentifier | Super): never {
  switch (node.type) {
    case "ArrowFunctionExpression":
    case "FunctionExpression":
      return compiler.refuse(node, "an expression cannot contain functions", "Write what it computes.");
    case "AssignmentExpression":
    case "UpdateExpression":
      return compiler.refuse(
        node,
        "an expression cannot change anything",
        "Use derive() for a new column, and rollup() to add up.",
      );
    case "ArrayExpression":
    case "ObjectExpression":
      return compiler.refuse(
        node,
        "an expression has one value, not a list or an object",
        "Make a column of each part.",
      );
    case "NewExpression":
    case "TaggedTemplateExpression":
    case "ImportExpression":
    case "ClassExpression":
    case "AwaitExpression":
    case "YieldExpression":
      return compiler.refuse(
        node,
        "this cannot be done in the kernel",
        "Collect the events, and do it with the table.",
      );
    case "SequenceExpression":
      return compiler.refuse(
        node,
        "an expression has one value, not several with commas between",
        "Make a column of each.",
      );
    case "ThisExpression":
      return compiler.refuse(node, "an expression has no this", "The row is its first parameter: d => d.pid.");
    default:
      return compiler.refuse(
        node,
        "this cannot be done in the kernel",
        "Collect the events, and do it with the table.",
      );
  }
}
