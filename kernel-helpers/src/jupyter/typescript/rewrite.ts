/**
 * Turns a cell's top-level names into properties of an object per cell, which all cells share.
 *
 *   let n = 0; function more() { n++; }     →     __cell4.more = more; __cell4.n = 0; function more() { __cell4.n++; }
 *   in a later cell: n = 5                  →     __cell4.n = 5
 *
 * Plain data properties are what V8 reads and writes fastest after variables of a function.
 */
import type TS from "typescript";
import { ts } from "./compiler-api.js";
import type { Declared } from "./declared.js";
import { assignment, assignmentTarget } from "./patterns.js";
import { ModuleNames } from "./module-names.js";
import { isFree, targetOf, targetsOf, type Target } from "./references.js";
import * as syntax from "./syntax.js";

/** The property of `exports` that takes the value of a cell's last expression. */
export const LAST_VALUE = "lastValue";

/** A cell as it is to be rewritten. */
export interface RewriteInput {
  checker: TS.TypeChecker;
  /** Number of the cell. */
  cell: number;
  /** The statements of the cell's own text. */
  own: readonly TS.Statement[];
  /** What the file declares, the names of earlier cells included; `home` is the scope object of the value. */
  declared: readonly (Declared & { home?: number; own: boolean })[];
  jsxFactory?: string | undefined;
}

/** What came to light while a cell was rewritten. */
export interface RewriteOutput {
  /** Specifiers of the modules that the cell loads first. */
  imports: readonly string[];
  hasLastValue: boolean;
  hasAwait: boolean;
}

/** @param done is told once the file is rewritten */
export function rewriteCell(
  input: RewriteInput,
  done: (output: RewriteOutput) => void,
): TS.TransformerFactory<TS.SourceFile> {
  return (context) => (file) => new Rewriter(input, context).file(file, done);
}

class Rewriter {
  readonly #input: RewriteInput;
  readonly #context: TS.TransformationContext;
  readonly #factory: TS.NodeFactory;
  readonly #targets;
  readonly #modules: ModuleNames;
  readonly #scopes = new Set<number>();
  #functions = 0;
  #hasAwait = false;

  constructor(input: RewriteInput, context: TS.TransformationContext) {
    this.#input = input;
    this.#context = context;
    this.#factory = context.factory;
    this.#targets = targetsOf(input.declared);
    this.#modules = new ModuleNames(context.factory);
  }

  file(file: TS.SourceFile, done: (output: RewriteOutput) => void): TS.SourceFile {
    const { own, declared, jsxFactory } = this.#input;
    this.#loadImports();
    const react = jsxFactory ? this.#jsx(jsxFactory) : [];
    const body: TS.Statement[] = [];
    const last = own.at(-1);
    let hasLastValue = false;
    for (const statement of own) {
      if (statement === last && (ts.isExpressionStatement(statement) || ts.isExportAssignment(statement))) {
        hasLastValue = true;
        body.push(this.#lastValue(statement));
      } else body.push(...this.#topLevel(statement));
    }
    const functions = declared.filter((one) => one.own && one.value === "function" && one.home !== undefined);
    const hoisted = [...new Set(functions.map(({ name }) => name))].map((name) => this.#publish(name));
    const statements = [...this.#prologue(), ...react, ...hoisted, ...body];
    done({
      imports: this.#modules.needed,
      hasLastValue,
      hasAwait: this.#hasAwait || this.#modules.needed.length > 0,
    });
    return this.#factory.updateSourceFile(file, statements);
  }

  /** A cell's imports are loaded even if it does not use them: they fail here, and later cells do. */
  #loadImports(): void {
    const { own, declared } = this.#input;
    for (const one of declared) if (one.own && one.value === "import") this.#modules.load(one.imported!.module);
    for (const one of own)
      if (syntax.isBareImport(one)) this.#modules.load((one.moduleSpecifier as TS.StringLiteral).text);
  }

  /** What comes first: the imports, and the scope objects of the cells whose names are used. */
  #prologue(): TS.Statement[] {
    const { cell, declared } = this.#input;
    // Also where there are imports alone: that the object is there says that they were loaded.
    if (declared.some((one) => one.own && one.value)) this.#scopes.add(cell);
    const scopes = [...this.#scopes].map((one) =>
      this.#constant(scopeName(one), this.#call("scope", [this.#factory.createNumericLiteral(one)])),
    );
    const strict = this.#factory.createExpressionStatement(this.#factory.createStringLiteral("use strict"));
    return [strict, ...this.#modules.statements(), ...scopes];
  }

  /** The compiler calls the JSX factory by its name. */
  #jsx(name: string): TS.Statement[] {
    const declared = this.#input.declared.find((one) => one.name === name && one.value);
    const target = declared && this.#targets.get(declared.node);
    return target ? [this.#constant(name, this.#access(target, name))] : [];
  }

  #constant(name: string, value: TS.Expression): TS.Statement {
    const declaration = this.#factory.createVariableDeclaration(name, undefined, undefined, value);
    return this.#factory.createVariableStatement(
      undefined,
      this.#factory.createVariableDeclarationList([declaration], ts.NodeFlags.Const),
    );
  }

  #call(name: string, args: TS.Expression[]): TS.Expression {
    const callee = this.#factory.createPropertyAccessExpression(this.#factory.createIdentifier(syntax.HOST), name);
    return this.#factory.createCallExpression(callee, undefined, args);
  }

  #access(target: Target, name: string): TS.Expression {
    if (target.kind === "import") return this.#modules.access(target.declared);
    this.#scopes.add(target.home);
    return this.#factory.createPropertyAccessExpression(this.#factory.createIdentifier(scopeName(target.home)), name);
  }

  /** `S.f = f`, for what keeps a name of its own in the cell; a redefined function also goes where earlier cells look. */
  #publish(name: string): TS.Statement {
    const { declared, cell } = this.#input;
    const { home } = declared.find((one) => one.own && one.name === name && one.home !== undefined)!;
    const places = [...new Set([cell, home!])].map((one) => this.#access({ kind: "scope", home: one }, name));
    const value = places.reduce<TS.Expression>(
      (right, place) => this.#factory.createAssignment(place, right),
      this.#factory.createIdentifier(name),
    );
    return this.#factory.createExpressionStatement(value);
  }

  #lastValue(statement: TS.ExpressionStatement | TS.ExportAssignment): TS.Statement {
    const value = ts.visitNode(statement.expression, this.#visit) as TS.Expression;
    const place = this.#factory.createPropertyAccessExpression(this.#factory.createIdentifier("exports"), LAST_VALUE);
    return ts.setTextRange(
      this.#factory.createExpressionStatement(this.#factory.createAssignment(place, value)),
      statement,
    );
  }

  #topLevel(statement: TS.Statement): TS.Statement[] {
    if (ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) return [];
    if (ts.isExportAssignment(statement))
      return [
        this.#factory.createExpressionStatement(ts.visitNode(statement.expression, this.#visit) as TS.Expression),
      ];
    if (ts.isImportEqualsDeclaration(statement)) return this.#alias(statement);
    if (ts.isVariableStatement(statement) && !syntax.isDeclare(statement))
      return syntax.isUsing(statement.declarationList)
        ? this.#using(statement)
        : this.#assigned(statement.declarationList, statement);
    const visited = syntax.withoutExport(this.#factory, ts.visitNode(statement, this.#visit) as TS.Statement);
    const name =
      ts.isClassDeclaration(statement) || ts.isEnumDeclaration(statement) || ts.isModuleDeclaration(statement)
        ? (statement.name as TS.Identifier | undefined)?.text
        : undefined;
    const target = name === undefined ? undefined : this.#targets.get(statement);
    return target ? [visited, this.#publish(name!)] : [visited];
  }

  /** `import A = N.B` */
  #alias(statement: TS.ImportEqualsDeclaration): TS.Statement[] {
    const target = this.#targets.get(statement);
    const symbol = this.#input.checker.getSymbolAtLocation(statement.name);
    if (target?.kind !== "scope" || !symbol || !syntax.isValueSymbol(this.#input.checker, symbol)) return [];
    const written = (name: TS.EntityName): TS.Expression =>
      ts.isIdentifier(name)
        ? (this.#replaced(name) ?? this.#factory.createIdentifier(name.text))
        : this.#factory.createPropertyAccessExpression(written(name.left), name.right.text);
    const value = written(statement.moduleReference as TS.EntityName);
    return [
      this.#factory.createExpressionStatement(
        this.#factory.createAssignment(this.#access(target, statement.name.text), value),
      ),
    ];
  }

  /** A list of declarations as one statement for each that has a value. */
  #assigned(list: TS.VariableDeclarationList, statement: TS.Node): TS.Statement[] {
    return list.declarations.flatMap((one) => {
      const expression = this.#assignment(one);
      if (!expression) return [];
      return [
        ts.setTextRange(
          this.#factory.createExpressionStatement(expression),
          list.declarations.length > 1 ? one : statement,
        ),
      ];
    });
  }

  #assignment(declaration: TS.VariableDeclaration): TS.Expression | undefined {
    if (!declaration.initializer) return undefined;
    const visited = ts.visitEachChild(declaration, this.#visit, this.#context);
    const target = this.#targets.get(syntax.firstBound(declaration));
    const home = target?.kind === "scope" ? target.home : this.#input.cell;
    const expression = assignment(this.#factory, visited.name, visited.initializer!, (name) => this.#own(name, home));
    if (home === this.#input.cell || !ts.isIdentifier(declaration.name)) return expression;
    // A redefined function: where earlier cells look for it, and here, as a mark that this cell came so far.
    return this.#factory.createAssignment(this.#own(declaration.name, this.#input.cell), expression);
  }

  #own(name: TS.Identifier, home = this.#input.cell): TS.Expression {
    return this.#access({ kind: "scope", home }, name.text);
  }

  /** What is disposed of at the cell's end has to stay a variable. */
  #using(statement: TS.VariableStatement): TS.Statement[] {
    this.#hasAwait ||= syntax.isAwaitUsing(statement.declarationList);
    const visited = ts.visitEachChild(statement, this.#visit, this.#context);
    const names = statement.declarationList.declarations.map((one) => (one.name as TS.Identifier).text);
    return [visited, ...names.map((name) => this.#publish(name))];
  }

  #replaced(node: TS.Identifier): TS.Expression | undefined {
    const target = targetOf(this.#input.checker, this.#targets, node);
    return target && ts.setTextRange(this.#access(target, node.text), node);
  }

  readonly #visit = (node: TS.Node): TS.VisitResult<TS.Node | undefined> => {
    if (ts.isIdentifier(node)) return this.#identifier(node);
    if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return node; // gone at run time
    if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return node;
    if (ts.isShorthandPropertyAssignment(node)) return this.#shorthand(node);
    if (ts.isFunctionLike(node) || ts.isClassStaticBlockDeclaration(node) || ts.isModuleDeclaration(node)) {
      this.#functions++;
      const visited = ts.visitEachChild(node, this.#visit, this.#context);
      this.#functions--;
      return visited;
    }
    if (this.#functions === 0) {
      if (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier)) this.#hasAwait = true;
      if (ts.isVariableDeclarationList(node)) this.#hasAwait ||= syntax.isAwaitUsing(node);
      if (syntax.isVar(node)) return this.#innerVar(node);
    }
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const args = node.arguments.map((one) => ts.visitNode(one, this.#visit) as TS.Expression);
      return ts.setTextRange(this.#call("import", args), node);
    }
    if (ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword) return this.#meta();
    return ts.visitEachChild(node, this.#visit, this.#context);
  };

  /** `var` in a block or a loop at the top of the cell. */
  #innerVar(node: TS.VariableStatement | TS.VariableDeclarationList): TS.VisitResult<TS.Node | undefined> {
    if (ts.isVariableStatement(node)) {
      const statements = this.#assigned(node.declarationList, node);
      return statements.length === 1 ? statements[0] : this.#factory.createBlock(statements);
    }
    const { parent } = node;
    if (ts.isForInStatement(parent) || ts.isForOfStatement(parent)) {
      const name = ts.visitNode(node.declarations[0]!.name, this.#visit) as TS.BindingName;
      return assignmentTarget(this.#factory, name, (one) => this.#own(one));
    }
    const expressions = node.declarations.flatMap((one) => this.#assignment(one) ?? []);
    return expressions.length > 0
      ? expressions.reduce((left, right) => this.#factory.createComma(left, right))
      : undefined;
  }

  #identifier(node: TS.Identifier): TS.Node {
    const access = this.#replaced(node) ?? this.#place(node);
    if (!access) return node;
    if (!syntax.isCallee(node) || ts.isIdentifier(access)) return access;
    // Called as a plain function, and not as a method of the object that holds it.
    const callee = this.#factory.createParenthesizedExpression(
      this.#factory.createComma(this.#factory.createNumericLiteral(0), access),
    );
    // V8 says of such a call that it stands at the callee's end.
    const start = node.getStart();
    return ts.setSourceMapRange(callee, { pos: start, end: start });
  }

  /** `__dirname` and `__filename`, which a script has. */
  #place(node: TS.Identifier): TS.Expression | undefined {
    const name = { __dirname: "dirname", __filename: "filename" }[node.text];
    return name && isFree(this.#input.checker, node)
      ? this.#factory.createPropertyAccessExpression(this.#meta(), name)
      : undefined;
  }

  #meta(): TS.Expression {
    return this.#factory.createPropertyAccessExpression(this.#factory.createIdentifier(syntax.HOST), "meta");
  }

  #shorthand(node: TS.ShorthandPropertyAssignment): TS.Node {
    const target = targetOf(this.#input.checker, this.#targets, node.name);
    const otherwise =
      node.objectAssignmentInitializer &&
      (ts.visitNode(node.objectAssignmentInitializer, this.#visit) as TS.Expression);
    if (!target) return this.#factory.updateShorthandPropertyAssignment(node, node.name, otherwise);
    const place = this.#access(target, node.name.text);
    return this.#factory.createPropertyAssignment(
      node.name.text,
      otherwise ? this.#factory.createAssignment(place, otherwise) : place,
    );
  }
}

const scopeName = (cell: number): string => `__cell${cell}`;
