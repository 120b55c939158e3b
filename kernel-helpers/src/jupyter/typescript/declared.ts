/** What a cell declares at its top: the names that later cells see. */
import type TS from "typescript";
import { ts } from "./compiler-api.js";
import { bare, isUsing } from "./syntax.js";

export type ValueKind = "let" | "const" | "function" | "class" | "enum" | "namespace" | "alias" | "import";

/** Where an imported name comes from. */
export interface ImportedName {
  module: string;
  /** `with { … }`, as it was written. */
  attributes: string;
  /** A name of the module, `default`, `*` for all of it, or `=` for `import x = require(…)`. */
  name: string;
  typeOnly: boolean;
}

/** One declaration of a name. */
export interface Declared {
  name: string;
  /** The node that the checker knows as the name's declaration. */
  node: TS.Declaration;
  /** Undefined for what is a type only. */
  value?: ValueKind;
  type: boolean;
  /** Declared for the checker alone: the value is somebody else's. */
  ambient: boolean;
  /** A function, a constant that is one, or what a C cell made: redefined, it is what earlier cells call. */
  callable: boolean;
  /** The cell says `export` itself. */
  exported: boolean;
  imported?: ImportedName;
}

const has = (node: TS.Node, kind: TS.SyntaxKind): boolean =>
  ts.canHaveModifiers(node) && (ts.getModifiers(node)?.some((one) => one.kind === kind) ?? false);

/** The names of a pattern such as `{ a, b: [c] }`, each with its node. */
function* boundNames(node: TS.VariableDeclaration | TS.BindingElement): Generator<[string, TS.Declaration]> {
  if (ts.isIdentifier(node.name)) yield [node.name.text, node];
  else for (const one of node.name.elements) if (ts.isBindingElement(one)) yield* boundNames(one);
}

/** Where TypeScript picks up what a C cell made; the handle itself cannot be written as source. */
export const MADE_BY_C = 'Symbol.for("bpflab.cells")';

/** What a rerun of a C cell replaces also for the functions of earlier cells, for which the old one is closed. */
function isMadeByC(expression: TS.Expression | undefined): boolean {
  const inner = expression && bare(expression);
  return inner !== undefined && ts.isCallExpression(inner) && inner.expression.getText().includes(MADE_BY_C);
}

function isFunction(expression: TS.Expression | undefined): boolean {
  const inner = expression && bare(expression);
  return inner !== undefined && (ts.isArrowFunction(inner) || ts.isFunctionExpression(inner));
}

function* ofList(
  list: TS.VariableDeclarationList,
  traits: Pick<Declared, "ambient" | "exported">,
): Generator<Declared> {
  const value = (list.flags & ts.NodeFlags.BlockScoped) === 0 || list.flags & ts.NodeFlags.Let ? "let" : "const";
  for (const declaration of list.declarations) {
    const { initializer } = declaration;
    const callable = value === "const" && !isUsing(list) && (isFunction(initializer) || isMadeByC(initializer));
    for (const [name, node] of boundNames(declaration))
      yield { name, node, value, type: false, callable: callable && node === declaration, ...traits };
  }
}

/** `var` inside of blocks and loops belongs to the whole cell. */
function* innerVars(node: TS.Node): Generator<Declared> {
  if (ts.isFunctionLike(node) || ts.isClassLike(node) || ts.isModuleDeclaration(node)) return;
  if (ts.isVariableDeclarationList(node) && !(node.flags & ts.NodeFlags.BlockScoped))
    yield* ofList(node, { ambient: false, exported: false });
  const inner: TS.Node[] = [];
  ts.forEachChild(node, (child) => void inner.push(child));
  for (const child of inner) yield* innerVars(child);
}

function* ofImport(statement: TS.ImportDeclaration): Generator<Declared> {
  const clause = statement.importClause;
  if (!clause || !ts.isStringLiteral(statement.moduleSpecifier)) return;
  const module = statement.moduleSpecifier.text;
  const attributes = statement.attributes?.getText() ?? "";
  const one = (node: TS.NamedDeclaration & { name?: TS.Node }, name: string, typeOnly: boolean): Declared => ({
    name: (node.name as TS.Identifier).text,
    node,
    ...(typeOnly ? {} : { value: "import" as const }),
    type: true,
    ambient: false,
    callable: false,
    exported: false,
    imported: { module, attributes, name, typeOnly },
  });
  const typeOnly = clause.isTypeOnly;
  if (clause.name) yield one(clause as TS.ImportClause & { name: TS.Identifier }, "default", typeOnly);
  const bindings = clause.namedBindings;
  if (bindings && ts.isNamespaceImport(bindings)) yield one(bindings, "*", typeOnly);
  else
    for (const element of bindings?.elements ?? [])
      yield one(element, (element.propertyName ?? element.name).text, typeOnly || element.isTypeOnly);
}

function isInstantiated(node: TS.ModuleDeclaration): boolean {
  const { body } = node;
  if (!body) return false;
  if (ts.isModuleDeclaration(body)) return isInstantiated(body);
  if (!ts.isModuleBlock(body)) return false;
  return body.statements.some((one) =>
    ts.isModuleDeclaration(one)
      ? isInstantiated(one)
      : !ts.isInterfaceDeclaration(one) && !ts.isTypeAliasDeclaration(one),
  );
}

function* ofStatement(statement: TS.Statement): Generator<Declared> {
  const ambient = has(statement, ts.SyntaxKind.DeclareKeyword);
  const exported = has(statement, ts.SyntaxKind.ExportKeyword) && !has(statement, ts.SyntaxKind.DefaultKeyword);
  const named = (
    node: TS.Declaration & { name: TS.Node },
    value: ValueKind | undefined,
    type: boolean,
    isAmbient = ambient,
  ): Declared => ({
    name: (node.name as TS.Identifier).text,
    node,
    ...(value ? { value } : {}),
    type,
    ambient: isAmbient,
    callable: value === "function",
    exported,
  });
  if (ts.isVariableStatement(statement)) yield* ofList(statement.declarationList, { ambient, exported });
  else if (ts.isFunctionDeclaration(statement)) {
    if (statement.name) yield named(statement as never, "function", false, ambient || !statement.body);
  } else if (ts.isClassDeclaration(statement)) {
    if (statement.name) yield named(statement as never, "class", true);
  } else if (ts.isEnumDeclaration(statement)) yield named(statement, "enum", true);
  else if (ts.isModuleDeclaration(statement)) {
    if (ts.isIdentifier(statement.name) && !(statement.flags & ts.NodeFlags.GlobalAugmentation))
      yield named(statement, isInstantiated(statement) ? "namespace" : undefined, true);
  } else if (ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement))
    yield named(statement, undefined, true);
  else if (ts.isImportDeclaration(statement)) yield* ofImport(statement);
  else if (ts.isImportEqualsDeclaration(statement)) {
    const { moduleReference: reference, isTypeOnly: typeOnly } = statement;
    if (!ts.isExternalModuleReference(reference)) yield named(statement, typeOnly ? undefined : "alias", true);
    else if (ts.isStringLiteral(reference.expression)) {
      const imported = { module: reference.expression.text, attributes: "", name: "=", typeOnly };
      yield { ...named(statement, typeOnly ? undefined : "import", true), imported };
    }
  } else yield* innerVars(statement);
}

/** Everything that the statements declare, in their order. */
export function declaredIn(statements: Iterable<TS.Statement>): Declared[] {
  return [...statements].flatMap((statement) => [...ofStatement(statement)]);
}

/** True for statements whose effect is on types elsewhere: `declare global` and `declare module "…"`. */
export function isAugmentation(statement: TS.Statement): boolean {
  return (
    ts.isModuleDeclaration(statement) &&
    (ts.isStringLiteral(statement.name) || (statement.flags & ts.NodeFlags.GlobalAugmentation) !== 0)
  );
}
