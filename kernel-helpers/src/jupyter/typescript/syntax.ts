/** Questions about nodes of a cell that its rewriting asks. */
import type TS from "typescript";
import { ts } from "./compiler-api.js";

/** The object that tslab's executor hands to cells. */
export const HOST = "__tslab__";

export function isValueSymbol(checker: TS.TypeChecker, symbol: TS.Symbol): boolean {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  // What cannot be found has no declarations: it may be there all the same.
  return (target.flags & ts.SymbolFlags.Value) !== 0 || !target.declarations;
}

/** Whether an imported name stands for a value, for a type, or for both. */
export function meaningsOf(checker: TS.TypeChecker, declaration: TS.Declaration): { value: boolean; type: boolean } {
  const { name } = declaration as TS.Declaration & { name?: TS.Node };
  const symbol = name && checker.getSymbolAtLocation(name);
  if (!symbol) return { value: true, type: true };
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const type = (target.flags & (ts.SymbolFlags.Type | ts.SymbolFlags.Namespace)) !== 0;
  return { value: isValueSymbol(checker, symbol), type };
}

/** True for an `import "…"` that binds no name. */
export function isBareImport(statement: TS.Statement): statement is TS.ImportDeclaration {
  return ts.isImportDeclaration(statement) && !statement.importClause;
}

export function isDeclare(statement: TS.VariableStatement): boolean {
  return statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.DeclareKeyword) ?? false;
}

/** `using` is written as two flags, each of which means something else alone. */
const hasAll = (flags: number, wanted: number): boolean => (flags & wanted) === wanted;

/** `using` and `await using` */
export function isUsing(list: TS.VariableDeclarationList): boolean {
  return hasAll(list.flags, ts.NodeFlags.Using);
}

export function isAwaitUsing(list: TS.VariableDeclarationList): boolean {
  return hasAll(list.flags, ts.NodeFlags.AwaitUsing);
}

/** What stands inside of parentheses and of what is only for the checker. */
export function bare(expression: TS.Expression): TS.Expression {
  return ts.isParenthesizedExpression(expression) ||
    ts.isAsExpression(expression) ||
    ts.isNonNullExpression(expression) ||
    ts.isSatisfiesExpression(expression)
    ? bare(expression.expression)
    : expression;
}

/** A `var`, as a statement or as a part of a loop. */
export function isVar(node: TS.Node): node is TS.VariableStatement | TS.VariableDeclarationList {
  if (ts.isVariableStatement(node))
    return (node.declarationList.flags & ts.NodeFlags.BlockScoped) === 0 && !isDeclare(node);
  return (
    ts.isVariableDeclarationList(node) &&
    (node.flags & ts.NodeFlags.BlockScoped) === 0 &&
    !ts.isVariableStatement(node.parent)
  );
}

/** The node that the checker knows as the declaration of the first name in a pattern. */
export function firstBound(declaration: TS.VariableDeclaration | TS.BindingElement): TS.Node {
  if (ts.isIdentifier(declaration.name)) return declaration;
  for (const one of declaration.name.elements) if (ts.isBindingElement(one)) return firstBound(one);
  return declaration;
}

/** True for what is called, as `f` in `f()`, `f!()` and a tagged template. */
export function isCallee(node: TS.Expression): boolean {
  const { parent } = node;
  if (
    ts.isParenthesizedExpression(parent) ||
    ts.isAsExpression(parent) ||
    ts.isNonNullExpression(parent) ||
    ts.isSatisfiesExpression(parent)
  )
    return isCallee(parent);
  return (
    (ts.isCallExpression(parent) && parent.expression === node) ||
    (ts.isTaggedTemplateExpression(parent) && parent.tag === node)
  );
}

/** A cell exports everything anyway, and its code is no module. */
export function withoutExport(factory: TS.NodeFactory, node: TS.Statement): TS.Statement {
  if (!ts.canHaveModifiers(node) || !node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword))
    return node;
  const isKept = ({ kind }: TS.ModifierLike): boolean =>
    kind !== ts.SyntaxKind.ExportKeyword && kind !== ts.SyntaxKind.DefaultKeyword;
  const kept = node.modifiers.filter(isKept);
  if (ts.isFunctionDeclaration(node)) {
    const { asteriskToken, name, typeParameters, parameters, type, body } = node;
    const named = name ?? factory.createUniqueName("unnamed");
    return factory.updateFunctionDeclaration(
      node,
      kept as TS.Modifier[],
      asteriskToken,
      named,
      typeParameters,
      parameters,
      type,
      body,
    );
  }
  if (ts.isClassDeclaration(node)) {
    const { name, typeParameters, heritageClauses, members } = node;
    const named = name ?? factory.createUniqueName("Unnamed");
    return factory.updateClassDeclaration(node, kept, named, typeParameters, heritageClauses, members);
  }
  if (ts.isEnumDeclaration(node))
    return factory.updateEnumDeclaration(node, kept as TS.Modifier[], node.name, node.members);
  if (ts.isModuleDeclaration(node))
    return factory.updateModuleDeclaration(node, kept as TS.Modifier[], node.name, node.body);
  return node; // gone at run time
}

/** True for a file that awaits outside of any function. */
export function hasTopLevelAwait(file: TS.SourceFile): boolean {
  const find = (node: TS.Node): boolean => {
    if (ts.isFunctionLike(node)) return false;
    if (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier)) return true;
    if (ts.isVariableDeclarationList(node) && isAwaitUsing(node)) return true;
    return ts.forEachChild(node, (child) => find(child) || undefined) ?? false;
  };
  return find(file);
}
