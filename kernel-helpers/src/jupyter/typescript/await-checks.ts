/**
 * Makes a cell's code look up after every await, whether anybody still wants it:
 * `await x` becomes `__tslab__.alive(await x)`, which throws in a cell that was stopped.
 */
import type TS from "typescript";
import { ts } from "./compiler-api.js";
import { HOST } from "./syntax.js";

/** Our function on the object that tslab hands to cells. */
const ALIVE = "alive";

export function checkAwaits(context: TS.TransformationContext): TS.Transformer<TS.SourceFile> {
  const { factory } = context;
  const alive = (value: TS.Expression[]): TS.Expression =>
    factory.createCallExpression(
      factory.createPropertyAccessExpression(factory.createIdentifier(HOST), ALIVE),
      undefined,
      value,
    );
  const visit = (node: TS.Node): TS.Node => {
    const visited = ts.visitEachChild(node, visit, context);
    if (ts.isAwaitExpression(visited)) return alive([visited]);
    if (ts.isForOfStatement(visited) && visited.awaitModifier) {
      const body = factory.createBlock([factory.createExpressionStatement(alive([])), visited.statement], true);
      return factory.updateForOfStatement(
        visited,
        visited.awaitModifier,
        visited.initializer,
        visited.expression,
        body,
      );
    }
    return visited;
  };
  return (file) => ts.visitNode(file, visit) as TS.SourceFile;
}
