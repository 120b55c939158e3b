/**
 * Cells that declare, import and export nothing, such as `1 + 1` or `charts.histogram(writes)`.
 *
 * tslab compiles what the compiler wrote for a cell a second time, to make a CommonJS module of it. These have nothing
 * of a module but their last value, and can do without: it is a quarter of what such a cell takes.
 */
import type TS from "@tslab/typescript-for-tslab";
import { leashAwaits } from "./await-checks.js";

/** tslab's name for the file that the cell is. */
const CELL = /(?:^|\/)__tslab__\.ts$/;

/**
 * Finishes such a cell in its first compilation, after tslab's own transformer, which exports the last value.
 *
 * @param found called when the file is one
 */
export function finishPlainCell(ts: typeof TS, found: () => void): TS.TransformerFactory<TS.SourceFile> {
  return (context) => (file) => {
    // import("…") and import.meta are written differently in a CommonJS module.
    const script =
      CELL.test(file.fileName) && !/\bimport\b/.test(file.text) && asScript(ts, context.factory, file.statements);
    if (!script) return file;
    found();
    return leashAwaits(ts)(context)(context.factory.updateSourceFile(file, script));
  };
}

/** The statements without their exports; undefined if they export more than the last value. */
function asScript(
  ts: typeof TS,
  factory: TS.NodeFactory,
  statements: readonly TS.Statement[],
): TS.Statement[] | undefined {
  const script: TS.Statement[] = [];
  for (const statement of statements) {
    if (ts.isExportDeclaration(statement)) {
      if (!isEmpty(ts, statement)) return undefined;
    } else if (ts.isVariableStatement(statement)) {
      const [last, ...others] = statement.declarationList.declarations;
      if (!last?.initializer || !ts.isIdentifier(last.name) || others.length > 0) return undefined;
      const place = factory.createPropertyAccessExpression(factory.createIdentifier("exports"), last.name.text);
      script.push(
        ts.setTextRange(
          factory.createExpressionStatement(factory.createAssignment(place, last.initializer)),
          statement,
        ),
      );
    } else if (ts.isExportAssignment(statement)) return undefined;
    else script.push(statement);
  }
  return script;
}

/** `export {}`, which the compiler ends a module with. Whatever a cell declares, tslab puts in there. */
function isEmpty(ts: typeof TS, { exportClause, moduleSpecifier }: TS.ExportDeclaration): boolean {
  return (
    !moduleSpecifier &&
    exportClause !== undefined &&
    ts.isNamedExports(exportClause) &&
    exportClause.elements.length === 0
  );
}
