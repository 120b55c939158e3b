/**
 * `{ rows }` with a variable of an earlier cell: tslab turns identifiers of earlier cells into
 * `exports.rows`, but the compiler takes this one for the name of the property, and it stays as it is.
 */
import type TS from "@tslab/typescript-for-tslab";

/** Makes `{ rows }` into `{ rows: exports.rows }` where `rows` is an earlier cell's. */
export function expandShorthand(ts: typeof TS, checker: TS.TypeChecker): TS.TransformerFactory<TS.SourceFile> {
  return (context) => (file) => {
    const { factory } = context;
    const earlier: unknown = file.parent; // where tslab hangs the declarations of earlier cells
    const visit = (node: TS.Node): TS.Node => {
      const visited = ts.visitEachChild(node, visit, context);
      if (!ts.isShorthandPropertyAssignment(node)) return visited;
      const declarations = checker.getShorthandAssignmentValueSymbol(node)?.declarations ?? [];
      if (!declarations.some((one) => one.getSourceFile() === earlier)) return visited;
      const { name, objectAssignmentInitializer: otherwise } = visited as TS.ShorthandPropertyAssignment;
      const variable = factory.createPropertyAccessExpression(factory.createIdentifier("exports"), name.text);
      return factory.createPropertyAssignment(
        name.text,
        otherwise ? factory.createAssignment(variable, otherwise) : variable,
      );
    };
    return earlier ? (ts.visitNode(file, visit) as TS.SourceFile) : file;
  };
}
