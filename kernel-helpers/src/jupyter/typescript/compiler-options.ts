/** How cells are compiled: as the directory's tsconfig.json says, as far as a cell leaves it the choice. */
import { join } from "node:path";
import type TS from "typescript";
import { ts } from "./compiler-api.js";
import { nodeModulesOf, PACKAGE_ROOT } from "./package-paths.js";

/** Parts of the newest library that this Node may have, with what tells. */
const newer: readonly [lib: string, isThere: boolean][] = [
  ["es2024.object", "groupBy" in Object],
  ["es2024.collection", "groupBy" in Map],
  ["es2024.promise", "withResolvers" in Promise],
  ["es2024.string", "isWellFormed" in String.prototype],
  ["es2024.regexp", "unicodeSets" in RegExp.prototype],
  ["es2024.arraybuffer", "transfer" in ArrayBuffer.prototype],
  ["es2024.sharedmemory", true], // each Node that this runs on has it; V8 has no Atomics while it makes a snapshot
  ["esnext.array", "fromAsync" in Array],
  ["esnext.collection", "union" in Set.prototype],
  ["esnext.iterator", "Iterator" in globalThis],
  ["esnext.disposable", "dispose" in Symbol],
];

/** What a directory may not choose: how its cells become code that runs here. */
function fixed(): TS.CompilerOptions {
  return {
    module: ts.ModuleKind.Preserve,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    moduleDetection: ts.ModuleDetectionKind.Auto,
    allowImportingTsExtensions: true,
    allowJs: true,
    checkJs: false,
    resolveJsonModule: true,
    esModuleInterop: true,
    allowSyntheticDefaultImports: true,
    isolatedModules: false,
    verbatimModuleSyntax: false,
    erasableSyntaxOnly: false,
    isolatedDeclarations: false,
    noEmit: false,
    noEmitOnError: false,
    declaration: false,
    declarationMap: false,
    emitDeclarationOnly: false,
    composite: false,
    incremental: false,
    noUnusedLocals: false, // a later cell may use them
    noUnusedParameters: false,
    allowUnusedLabels: true,
    importHelpers: false,
    skipLibCheck: true,
    removeComments: true,
    preserveConstEnums: true,
    sourceMap: true,
    inlineSourceMap: false,
    inlineSources: false,
    newLine: ts.NewLineKind.LineFeed,
    rootDir: undefined,
    outDir: undefined,
    outFile: undefined,
    out: undefined,
    tsBuildInfoFile: undefined,
    sourceRoot: undefined,
    mapRoot: undefined,
    plugins: undefined,
  } as TS.CompilerOptions;
}

/** The options for cells and local modules of a directory. */
export function optionsFor(directory: string): TS.CompilerOptions {
  const file = ts.findConfigFile(directory, ts.sys.fileExists);
  const written = file ? readOptions(file) : {};
  const libs = ["es2023", ...newer.flatMap(([lib, isThere]) => (isThere ? [lib] : []))];
  const own = nodeModulesOf(directory).map((root) => join(root, "@types"));
  return {
    target: ts.ScriptTarget.ES2022,
    jsx: ts.JsxEmit.React,
    ...written,
    ...fixed(),
    lib: [...new Set([...libs.map((one) => `lib.${one}.d.ts`), ...((written.lib as string[] | undefined) ?? [])])],
    types: [...new Set(["node", ...(written.types ?? [])])],
    typeRoots: [...(written.typeRoots ?? own), ...nodeModulesOf(PACKAGE_ROOT).map((root) => join(root, "@types"))],
  };
}

function readOptions(file: string): TS.CompilerOptions {
  const host: TS.ParseConfigFileHost = {
    useCaseSensitiveFileNames: true,
    fileExists: ts.sys.fileExists,
    readFile: ts.sys.readFile,
    getCurrentDirectory: () => process.cwd(),
    readDirectory: () => [], // the options only, and not the directory's files
    onUnRecoverableConfigFileDiagnostic: () => undefined,
  };
  return ts.getParsedCommandLineOfConfigFile(file, {}, host)?.options ?? {};
}

/** The name under which JSX makes its elements: `React` or what the options say. */
export function jsxFactoryOf({ jsx, jsxFactory, reactNamespace }: TS.CompilerOptions): string {
  const isAutomatic = jsx === ts.JsxEmit.ReactJSX || jsx === ts.JsxEmit.ReactJSXDev;
  return isAutomatic ? "" : (jsxFactory?.split(".")[0] ?? reactNamespace ?? "React");
}
