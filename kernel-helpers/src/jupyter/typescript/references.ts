/** Which identifiers of a cell stand for a top-level name of this or an earlier cell, and what they become. */
import type TS from "typescript";
import { ts } from "./compiler-api.js";
import type { Declared } from "./declared.js";

/** What an identifier becomes. */
export type Target =
  /** A property of a cell's scope object. */
  | { kind: "scope"; home: number; owner?: TS.Node }
  /** A property of an imported module, or all of it. */
  | { kind: "import"; declared: Declared };

export type Targets = ReadonlyMap<TS.Node, Target>;

/** Says for each declaration of a file what references to it become. */
export function targetsOf(declared: Iterable<Declared & { home?: number }>): Targets {
  const targets = new Map<TS.Node, Target>();
  for (const one of declared) {
    if (one.value === "import") targets.set(one.node, { kind: "import", declared: one });
    else if (one.value && one.home !== undefined) {
      // Inside of itself a class, an enumeration or a namespace has a name that is there before the value is.
      const isOwn = one.value === "class" || one.value === "enum" || one.value === "namespace";
      targets.set(one.node, { kind: "scope", home: one.home, ...(isOwn ? { owner: one.node } : {}) });
    }
  }
  return targets;
}

/** True for an identifier that is read or written, unlike a name of a declaration, a property or a label. */
export function isReference(node: TS.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isQualifiedName(parent)) return parent.left === node;
  if (ts.isPropertyAssignment(parent) || ts.isBindingElement(parent) || ts.isVariableDeclaration(parent))
    return parent.initializer === node;
  if (ts.isParameter(parent) || ts.isPropertyDeclaration(parent) || ts.isEnumMember(parent))
    return parent.initializer === node;
  if (ts.isImportEqualsDeclaration(parent)) return parent.moduleReference === node;
  if (ts.isMetaProperty(parent) || ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent)) return false;
  if (ts.isImportClause(parent) || ts.isNamespaceImport(parent) || ts.isJsxAttribute(parent)) return false;
  if (ts.isLabeledStatement(parent) || ts.isBreakOrContinueStatement(parent)) return false;
  return !((ts.isFunctionLike(parent) || ts.isClassLike(parent)) && parent.name === node) && !isDeclarationName(node);
}

function isDeclarationName(node: TS.Identifier): boolean {
  const { parent } = node;
  return (
    (ts.isEnumDeclaration(parent) ||
      ts.isModuleDeclaration(parent) ||
      ts.isInterfaceDeclaration(parent) ||
      ts.isTypeAliasDeclaration(parent)) &&
    parent.name === node
  );
}

function isInside(node: TS.Node, owner: TS.Node): boolean {
  for (let at: TS.Node | undefined = node; at; at = at.parent) if (at === owner) return true;
  return false;
}

/** What an identifier of the source stands for, if it is a name that cells share. */
export function targetOf(checker: TS.TypeChecker, targets: Targets, node: TS.Identifier): Target | undefined {
  const isShorthand = ts.isShorthandPropertyAssignment(node.parent);
  if (!isShorthand && !isReference(node)) return undefined;
  const symbol = isShorthand
    ? checker.getShorthandAssignmentValueSymbol(node.parent)
    : checker.getSymbolAtLocation(node);
  for (const declaration of symbol?.declarations ?? []) {
    const target = targets.get(declaration);
    if (!target) continue;
    if (target.kind === "scope" && target.owner && isInside(node, target.owner)) return undefined;
    return target;
  }
  return undefined;
}

/** True for an identifier of the source that stands for nothing in its file. */
export function isFree(checker: TS.TypeChecker, node: TS.Identifier): boolean {
  if (!isReference(node)) return false;
  const declarations = checker.getSymbolAtLocation(node)?.declarations ?? [];
  return declarations.every((one) => one.getSourceFile() !== node.getSourceFile());
}
