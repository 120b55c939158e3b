/** One of the user's own modules: its code, made from TypeScript or JavaScript of either kind. */
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import vm from "node:vm";
import type TS from "typescript";
import { checkAwaits } from "./await-checks.js";
import { ts } from "./compiler-api.js";
import { hasTopLevelAwait } from "./syntax.js";

/** What the code of a module is called with. */
const parameters = ["exports", "require", "module", "__filename", "__dirname", "__import", "__meta"];

/** A module's code, ready to run. */
export interface Code {
  /** Modules that have to be loaded before it runs. */
  imports: readonly string[];
  isAsync: boolean;
  source: string;
  map: string;
  run(
    exports: unknown,
    require: (id: string) => unknown,
    module: { exports: unknown },
    dynamicImport: (id: string) => Promise<unknown>,
  ): unknown;
}

/** `import(x)` and `import.meta`, which only Node can give to a module, as names that the code is called with. */
const importsAsNames: TS.TransformerFactory<TS.SourceFile> = (context) => {
  const { factory } = context;
  const visit = (node: TS.Node): TS.Node => {
    const visited = ts.visitEachChild(node, visit, context);
    if (ts.isCallExpression(visited) && visited.expression.kind === ts.SyntaxKind.ImportKeyword)
      return factory.updateCallExpression(visited, factory.createIdentifier("__import"), undefined, visited.arguments);
    if (ts.isMetaProperty(visited) && visited.keywordToken === ts.SyntaxKind.ImportKeyword)
      return factory.createIdentifier("__meta");
    return visited;
  };
  return (file) => ts.visitNode(file, visit) as TS.SourceFile;
};

/** Makes a module's code. @throws SyntaxError with the file and the line */
export function compileModule(path: string, source: string, options: TS.CompilerOptions): Code {
  const { outputText, sourceMapText, diagnostics } = ts.transpileModule(source, {
    fileName: path.replace(/\.[cm]([jt]s)$/, ".$1"), // of .mjs the compiler makes no CommonJS
    reportDiagnostics: true,
    compilerOptions: {
      ...options,
      module: ts.ModuleKind.CommonJS,
      moduleResolution: undefined,
      moduleDetection: ts.ModuleDetectionKind.Auto,
    },
    transformers: { before: [importsAsNames], after: [checkAwaits] },
  });
  const [wrong] = diagnostics!.filter(({ file, code }) => file && !awaits.has(code));
  if (wrong) {
    const { line } = wrong.file!.getLineAndCharacterOfPosition(wrong.start!);
    throw new SyntaxError(`${path}:${line + 1}: ${ts.flattenDiagnosticMessageText(wrong.messageText, "\n")}`);
  }
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true);
  const isAsync = ts.isExternalModule(file) && hasTopLevelAwait(file);
  const code = outputText.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n");
  const body = isAsync ? `return (async () => {\n${code}\n})();` : code;
  const made = vm.compileFunction(body, parameters, { filename: path, lineOffset: isAsync ? -1 : 0 });
  const required = ts.isExternalModule(file) ? code.matchAll(/\brequire\("((?:[^"\\]|\\.)+)"\)/g) : [];
  return {
    imports: [...new Set([...required].map(([, id]) => JSON.parse(`"${id}"`) as string))],
    isAsync,
    source,
    map: sourceMapText ?? "",
    run: (exports, require, module, dynamicImport) => {
      const meta = metaOf(path);
      return made.call(exports, exports, require, module, path, dirname(path), dynamicImport, meta) as unknown;
    },
  };
}

/** Complaints about an await at the top of a module, which runs all the same. */
const awaits = new Set([1378, 1432, 1309, 1375, 1431]);

/** What `import.meta` is in a file. */
export function metaOf(path: string): ImportMeta {
  const url = pathToFileURL(path).href;
  const resolve = (specifier: string): string => new URL(specifier, url).href;
  return { url, filename: path, dirname: dirname(path), resolve };
}
