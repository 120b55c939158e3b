/** The declarations that carry a cell's variables to the next cell, as TypeScript text. */
import type TS from "@tslab/typescript-for-tslab";

/**
 * The declarations without variables, functions, classes and imports of the given names. Types stay: they
 * have no value that could be missing.
 */
export function withoutNames(ts: typeof TS, declarations: string, names: ReadonlySet<string>): string {
  const file = ts.createSourceFile("cell.d.ts", declarations, ts.ScriptTarget.Latest);
  const dropped = (name: TS.Node | undefined): boolean =>
    name !== undefined && ts.isIdentifier(name) && names.has(name.text);
  const { factory } = ts;
  const statements: TS.Statement[] = [];
  for (const statement of file.statements) {
    if (ts.isVariableStatement(statement)) {
      const { declarationList: list } = statement;
      const kept = list.declarations.filter((one) => !dropped(one.name));
      const shorter = factory.updateVariableDeclarationList(list, kept);
      if (kept.length > 0) statements.push(factory.updateVariableStatement(statement, statement.modifiers, shorter));
    } else if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) {
      if (!dropped(statement.name)) statements.push(statement);
    } else if (ts.isImportDeclaration(statement)) {
      const locals = importedNames(ts, statement);
      if (locals.length === 0 || !locals.every(dropped)) statements.push(statement);
    } else {
      statements.push(statement);
    }
  }
  return ts.createPrinter({ newLine: ts.NewLineKind.LineFeed }).printFile(factory.updateSourceFile(file, statements));
}

function importedNames(ts: typeof TS, { importClause }: TS.ImportDeclaration): TS.Identifier[] {
  const bindings = importClause?.namedBindings;
  const named = bindings
    ? ts.isNamespaceImport(bindings)
      ? [bindings.name]
      : bindings.elements.map((one) => one.name)
    : [];
  return importClause?.name ? [importClause.name, ...named] : named;
}
