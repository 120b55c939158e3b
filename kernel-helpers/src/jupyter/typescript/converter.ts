/**
 * A converter for tslab's executor on the public language service: each cell is a module, whose source later cells
 * see as it is. Only the newest is checked, and nothing is emitted but its code.
 */
import type { Converter, ConvertResult, Diagnostic } from "tslab/dist/converter.js";
import type TS from "typescript";
import { checkAwaits } from "./await-checks.js";
import { ts } from "./compiler-api.js";
import { declaredIn, isAugmentation, type Declared } from "./declared.js";
import { HookTypes } from "./hook-types.js";
import { jsxFactoryOf, optionsFor } from "./compiler-options.js";
import { LAST_VALUE, rewriteCell, type RewriteOutput } from "./rewrite.js";
import { cellFile, Scope } from "./scope.js";
import { CellService } from "./service.js";
import { meaningsOf } from "./syntax.js";

/** A cell that was converted: what later cells are to see of it. */
export interface Converted extends ConvertResult {
  /** Number of the cell, and of its scope object. */
  cell: number;
  declared: readonly Declared[];
  /** Types of variables where they are short, by name. */
  types: ReadonlyMap<string, string>;
  augments: boolean;
  text: string;
  jsx: boolean;
  map: string;
}

/** A text in hand as a file of the service. */
interface Placed {
  prelude: string;
  text: string;
  jsx: boolean;
}

/** Types that are written as they are instead of being inferred again for each later cell. */
const short = /^(?:number|string|boolean|bigint|any|unknown|undefined|null)(?:\[\])*$/;

export class CellConverter {
  readonly service: CellService;
  readonly #scope = new Scope();
  readonly #hookTypes = new HookTypes();
  readonly #jsxFactory: string;
  #cells = 0;

  constructor(directory: string) {
    const options = optionsFor(directory);
    this.#jsxFactory = jsxFactoryOf(options);
    this.service = new CellService(directory, options);
  }

  /** The converter as tslab's executor knows it. */
  forExecutor(
    convert: (source: string) => ConvertResult,
    addModule: (name: string, content: string) => Diagnostic[],
  ): Converter {
    const unused = (): never => {
      throw new Error("The kernel asks the language service itself.");
    };
    return {
      convert: (_known, source) => convert(source),
      addModule,
      close: () => this.service.service.dispose(),
      complete: unused,
      inspect: unused,
    };
  }

  /** Checks a cell and makes its code, if there is nothing wrong with it. */
  convert(source: string): Converted {
    const cell = ++this.#cells;
    const placed = this.place(source);
    const { prelude, text, jsx } = placed;
    const base = { cell, text, jsx, map: "", declared: [], types: new Map<string, string>(), augments: false };
    const diagnostics = this.service.diagnostics().map((one) => this.#diagnostic(one, source, prelude.length));
    if (diagnostics.length > 0) return { ...base, diagnostics };
    const program = this.service.program();
    const file = program.getSourceFile(this.service.current)!;
    const end = prelude.length + source.length;
    const own = file.statements.filter((one) => {
      const start = one.getStart(file);
      return start >= prelude.length && start < end;
    });
    const declared = declaredIn(own).map((one) => withMeanings(program.getTypeChecker(), one));
    const { code, map, output } = this.#emit(program, file, own, declared, {
      cell,
      preludeLength: prelude.length,
      jsx,
    });
    this.service.keepImports(output.imports);
    return {
      ...base,
      map,
      declared,
      types: shortTypes(program.getTypeChecker(), declared),
      augments: own.some(isAugmentation),
      diagnostics: [],
      output: code,
      declOutput: "later",
      hasToplevelAwait: output.hasAwait,
      ...(output.hasLastValue ? { lastExpressionVar: LAST_VALUE } : {}),
    };
  }

  /** Lets later cells see what a cell declared. @param isThere false for a name that the cell did not come to */
  commit({ cell, declared, types, augments, text, jsx }: Converted, isThere: (name: string) => boolean): void {
    const kept = declared.filter((one) => !one.value || one.ambient || isThere(one.name));
    if (kept.some(({ imported }) => !imported) || augments)
      this.service.setFile(cellFile(this.service.directory, cell, jsx), text);
    for (const one of kept) this.#scope.define(one, cell, one.value === "function" ? undefined : types.get(one.name));
    if (augments) this.#scope.augment(cell);
  }

  /** The scope objects that later cells can reach. */
  homes(): ReadonlySet<number> {
    return this.#scope.homes();
  }

  /** The names that cells see, each with the scope object that holds its value; not what was imported. */
  values(): [name: string, home: number][] {
    return [...this.#scope.names].flatMap((name): [string, number][] => {
      const home = this.#scope.value(name)?.home;
      return home === undefined ? [] : [[name, home]];
    });
  }

  /** The same of a cell that later cells do not see yet. */
  valuesOf({ declared, cell }: Converted): [name: string, home: number][] {
    return declared.flatMap((one): [string, number][] => {
      const { home } = this.#ownHome(one, cell);
      return home === undefined ? [] : [[one.name, home]];
    });
  }

  /** What a name of an earlier cell is: `function`, `class`, `let` and the like. */
  kindOf(name: string): string {
    const kind = this.#scope.value(name)?.kind;
    return !kind || kind === "import" || kind === "alias" ? "alias" : kind === "namespace" ? "module" : kind;
  }

  /** Puts a text in hand, with the names of earlier cells that it uses. @param all also those that it does not */
  place(source: string, all = false): Placed {
    const hooks = this.#hookTypes.learn(source);
    if (hooks) this.service.setHooks(hooks);
    const jsx = isJsx(source);
    const file = ts.createSourceFile(jsx ? "cell.tsx" : "cell.ts", source, ts.ScriptTarget.Latest, true);
    const own = declaredIn(file.statements);
    const wanted = all ? this.#scope.names : jsx ? [...namesIn(file), this.#jsxFactory] : namesIn(file);
    const prelude = `${this.#scope.prelude(wanted, own, (cell) => `./[cell ${cell}]`)}\n`;
    const exported = own.filter((one) => !one.exported && one.value !== "import" && !one.imported);
    const names = [...new Set(exported.map(({ name }) => name))].join(", ");
    const text = `${prelude}${source}\nexport { ${names} };`;
    this.service.setCurrent(text, jsx);
    return { prelude, text, jsx };
  }

  #emit(
    program: TS.Program,
    file: TS.SourceFile,
    own: readonly TS.Statement[],
    declared: readonly Declared[],
    { cell, preludeLength, jsx }: { cell: number; preludeLength: number; jsx: boolean },
  ): { code: string; map: string; output: RewriteOutput } {
    let [code, map] = ["", ""];
    let output: RewriteOutput | undefined;
    const earlier = declaredIn(file.statements.filter((one) => one.getStart(file) < preludeLength));
    const input = {
      checker: program.getTypeChecker(),
      cell,
      own,
      declared: [
        ...declared.map((one) => ({ ...one, own: true, ...this.#ownHome(one, cell) })),
        ...earlier.flatMap((one) => this.#earlier(one)),
      ],
      jsxFactory: jsx ? this.#jsxFactory : undefined,
    };
    program.emit(file, (name, text) => (name.endsWith(".map") ? (map = text) : (code = text)), undefined, false, {
      before: [rewriteCell(input, (found) => (output = found))],
      after: [checkAwaits, withoutExports],
    });
    return { code: code.replace(/\n\/\/# sourceMappingURL=.*\s*$/, ""), map, output: output! };
  }

  #ownHome(one: Declared, cell: number): { home?: number } {
    return one.value && !one.ambient && one.value !== "import" ? { home: this.#scope.homeOf(one, cell) } : {};
  }

  /** A name that a line before the cell brings in, as what it is in its own cell. */
  #earlier(one: Declared): (Declared & { home?: number; own: boolean })[] {
    const binding = this.#scope.value(one.name);
    if (!binding || !one.value || binding.kind === "type") return [];
    const { kind, home, imported } = binding;
    return [{ ...one, value: kind, imported, own: false, ambient: false, ...(home === undefined ? {} : { home }) }];
  }

  /** Makes a module of a cell that begins with `@module NAME`, for others to import. */
  addModule(name: string, content: string): Diagnostic[] {
    const path = `${this.service.directory}/${name}.ts`;
    this.service.setFile(path, `${content}\nexport {};`); // a module, whatever it holds
    this.service.refresh();
    this.service.keepImports([`./${name}`]);
    const { service } = this.service;
    return [...service.getSyntacticDiagnostics(path), ...service.getSemanticDiagnostics(path)].map((one) =>
      this.#diagnostic(one, content, 0, path),
    );
  }

  /** Names of earlier cells are imports to the compiler alone. */
  #inTheCellsWords(message: string): string {
    return message.replace(
      /^(Cannot assign to '(.*)' because it is )an import\.$/,
      (whole, said: string, name: string) => {
        const kind = this.#scope.value(name)?.kind;
        return !kind || kind === "import" ? whole : `${said}a ${kind === "const" ? "constant" : kind}.`;
      },
    );
  }

  /** A complaint in the terms of the cell's own text. */
  #diagnostic(
    { file, start = 0, length = 1, messageText, category, code }: TS.Diagnostic,
    source: string,
    preludeLength: number,
    whole = this.service.current,
  ): Diagnostic {
    const isCell = !file || file.fileName === whole;
    const text = isCell ? source : file.text;
    const from = isCell ? start - preludeLength : start;
    const at = (offset: number): Diagnostic["start"] => {
      const clamped = Math.min(Math.max(offset, 0), text.length);
      const before = text.slice(0, clamped).split("\n");
      return { offset: clamped, line: before.length - 1, character: before.at(-1)!.length };
    };
    return {
      start: at(from),
      end: at(from + length),
      messageText: this.#inTheCellsWords(ts.flattenDiagnosticMessageText(messageText, "\n")),
      category,
      code,
      ...(isCell ? {} : { fileName: this.service.shown(file.fileName) }),
    };
  }
}

/** JSX is not TypeScript without it: `<T>x` is one thing in the one and another in the other. */
function isJsx(source: string): boolean {
  if (!/<\/|\/>/.test(source)) return false;
  const parsed = (name: string): number =>
    ts.transpileModule(source, {
      fileName: name,
      reportDiagnostics: true,
      compilerOptions: { jsx: ts.JsxEmit.Preserve },
    }).diagnostics!.length;
  return parsed("cell.ts") > 0 && parsed("cell.tsx") === 0;
}

/** Every identifier of a file, whatever it stands for, but the names of its own types: a value of that name is none of the file's. */
function namesIn(file: TS.SourceFile): Set<string> {
  const names = new Set<string>();
  const visit = (node: TS.Node): void => {
    const { parent } = node;
    const isTypeName =
      parent && (ts.isInterfaceDeclaration(parent) || ts.isTypeAliasDeclaration(parent)) && parent.name === node;
    if (ts.isIdentifier(node) && !isTypeName) names.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return names;
}

/** The compiler ends what was a module with `export {}`. */
const withoutExports: TS.TransformerFactory<TS.SourceFile> = ({ factory }) => {
  return (file) =>
    factory.updateSourceFile(
      file,
      file.statements.filter((one) => !ts.isExportDeclaration(one)),
    );
};

function shortTypes(checker: TS.TypeChecker, declared: readonly Declared[]): Map<string, string> {
  const types = new Map<string, string>();
  for (const { name, node, value } of declared) {
    if (value !== "let" && value !== "const") continue;
    const symbol = checker.getSymbolAtLocation((node as TS.VariableDeclaration).name);
    const text = symbol && checker.typeToString(checker.getTypeOfSymbol(symbol));
    if (text && short.test(text)) types.set(name, text);
  }
  return types;
}

/** An imported name as the type or the value that it is, so that a later cell may add the other. */
function withMeanings(checker: TS.TypeChecker, declared: Declared): Declared {
  const { imported, value } = declared;
  if (value !== "import" || !imported) return declared;
  const meanings = meaningsOf(checker, declared.node);
  if (meanings.value) return { ...declared, type: meanings.type };
  const { value: _gone, ...rest } = declared;
  return { ...rest, type: true, imported: { ...imported, typeOnly: true } };
}
