/** The main thread's side of the debugger: places in the user's text, the notebook's variables, expressions in a cell's words. */
import { fileURLToPath } from "node:url";
import type TS from "typescript";
import { bundleOf } from "../../base/display.js";
import { encodeBundle } from "../bundle.js";
import { callOf, offerDebugAccess, type Place } from "../debugger/access.js";
import { cellPath } from "../debugger/cell-paths.js";
import { ts } from "./compiler-api.js";
import { isReference } from "./references.js";
import type { CellStacks } from "./cell-stacks.js";

/** What cells have declared, as far as it is values. */
export interface Notebook {
  /** The scope objects, each with the names in it that a cell would see. */
  names(): Iterable<readonly [name: string, home: number]>;
  scope(home: number): Record<string, unknown>;
}

/** Makes this thread answer the debugger. */
export function offerDebugging(stacks: CellStacks, notebook: Notebook): void {
  offerDebugAccess({
    path: (url) => pathOf(stacks, url),
    places: (url, positions) => positions.map(([line, column]) => placeOf(stacks, url, line, column)),
    scope: (home) => notebook.scope(home),
    variables: () => variablesOf(notebook),
    expression: (source, locals) => expressionOf(source, locals, notebook),
    describe: async (value) => encodeBundle(await bundleOf(value)),
  });
}

function pathOf(stacks: CellStacks, url: string): string | null {
  const source = stacks.cellSource(url);
  if (source !== undefined) return cellPath(source);
  return stacks.isOwnFile(fileOf(url)) ? fileOf(url) : null;
}

const fileOf = (url: string): string => (url.startsWith("file:") ? fileURLToPath(url) : url);

function placeOf(stacks: CellStacks, url: string, line: number, column: number): Place | null {
  const at = [fileOf(url), line + 1, column + 1] as const;
  const place = stacks.place(...at) ?? stacks.end(...at);
  return place ? { line: place.line + 1, column: place.column + 1 } : null;
}

function variablesOf(notebook: Notebook): object {
  const variables: Record<string, unknown> = {};
  for (const [name, home] of notebook.names()) {
    const scope = notebook.scope(home);
    if (Object.hasOwn(scope, name)) variables[name] = scope[name];
  }
  return variables;
}

/** TypeScript to JavaScript, in which a name that the frame does not have is the notebook's. */
function expressionOf(source: string, locals: readonly string[], notebook: Notebook): string {
  const homes = new Map(notebook.names());
  for (const name of locals) homes.delete(name);
  const rename: TS.TransformerFactory<TS.SourceFile> = (context) => {
    const visit = (node: TS.Node): TS.Node => {
      const home = ts.isIdentifier(node) && isReference(node) ? homes.get(node.text) : undefined;
      if (home === undefined) return ts.visitEachChild(node, visit, context);
      return context.factory.createIdentifier(`${callOf("scope", home)}.${(node as TS.Identifier).text}`);
    };
    return (file) => ts.visitNode(file, visit) as TS.SourceFile;
  };
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, removeComments: true },
    transformers: { before: [rename] },
  });
  return outputText.trim();
}
