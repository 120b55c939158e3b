/**
 * What Tab shows behind a value of each public class and interface is what its sources make public: each member with a
 * docstring, none that is tagged @internal, and no constructor that only we may call.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, test } from "node:test";
import ts from "typescript";
import { complete } from "../../dist/jupyter/typescript/completion.js";
import { CellConverter } from "../../dist/jupyter/typescript/converter.js";

const packageRoot = fileURLToPath(new URL("../../", import.meta.url));
const source = join(packageRoot, "src/");

const { options } = ts.parseJsonConfigFileContent(
  ts.readConfigFile(join(packageRoot, "tsconfig.json"), (path) => ts.sys.readFile(path)).config,
  ts.sys,
  packageRoot,
);
const program = ts.createProgram([join(source, "api/index.ts")], { ...options, noEmit: true });
const checker = program.getTypeChecker();

const isGenerated = (symbol: ts.Symbol): boolean =>
  symbol.declarations?.some((one) => one.getSourceFile().fileName.startsWith(join(source, "generated/"))) ?? false;
const isOurs = (symbol: ts.Symbol): boolean =>
  symbol.declarations?.some((one) => one.getSourceFile().fileName.startsWith(source)) ?? false;
/** By its own docstring: what overrides an internal method may be public. */
const isInternal = (declaration: ts.Declaration): boolean =>
  ts.getJSDocTags(declaration).some(({ tagName }) => tagName.text === "internal");
const isDocumented = (symbol: ts.Symbol): boolean =>
  symbol.getDocumentationComment(checker).length > 0 || symbol.getJsDocTags(checker).length > 0;

/** TypeScript writes names that are symbols or private with two underscores before them. */
const hasName = ({ escapedName }: ts.Symbol): boolean => !String(escapedName).startsWith("__");
const isHidden = (symbol: ts.Symbol): boolean =>
  symbol.declarations!.some(
    (one) =>
      isInternal(one) || ts.getCombinedModifierFlags(one) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected),
  );

interface Public {
  /** As a cell writes it: `bpf.ForeignMap`. */
  path: string;
  symbol: ts.Symbol;
}

/** All that the page exports, namespaces followed. */
function exportsOf(module: ts.Symbol, prefix = ""): Public[] {
  return checker.getExportsOfModule(module).flatMap((one): Public[] => {
    const symbol = one.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(one) : one;
    if (!isOurs(symbol)) return [];
    const path = prefix + one.name;
    const inside = symbol.flags & ts.SymbolFlags.ValueModule ? exportsOf(symbol, `${path}.`) : [];
    return symbol.valueDeclaration && ts.isSourceFile(symbol.valueDeclaration) ? inside : [{ path, symbol }, ...inside];
  });
}

const page = exportsOf(checker.getSymbolAtLocation(program.getSourceFile(join(source, "api/index.ts"))!)!);
const types = page.filter(({ symbol }) => symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface));

/** The type's name with an argument for each parameter that wants one. */
function written({ path, symbol }: Public): string {
  const parameters = symbol.declarations!.flatMap((one) =>
    ts.isClassDeclaration(one) || ts.isInterfaceDeclaration(one) ? (one.typeParameters ?? []) : [],
  );
  const wanted = parameters.filter((one) => !one.default).map(() => "any");
  return `all.${path}${wanted.length > 0 ? `<${wanted.join(", ")}>` : ""}`;
}

function membersOf({ symbol }: Public): ts.Symbol[] {
  return checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol)).filter(hasName);
}

describe("members of public classes and interfaces", () => {
  test("Tab shows those which are public, and no other", () => {
    const converter = new CellConverter(packageRoot);
    assert.ok(types.length > 80, "the page's types were not found");
    for (const one of types) {
      const own = membersOf(one).filter(isOurs); // what comes from Array or Error depends on the compiler's library
      const names = new Set(own.map(({ name }) => name));
      const shown = own.filter((member) => !isHidden(member));
      const cell = `import * as all from "kernel-helpers";\ndeclare const it: ${written(one)};\nit.`;
      const { matches } = complete(converter, cell, cell.length);
      assert.deepEqual(
        matches.filter((name) => names.has(name)).sort(),
        shown.map(({ name }) => name).sort(),
        one.path,
      );
    }
  });

  test("each has a docstring", () => {
    const bare = page.flatMap((one) => [
      ...(isDocumented(one.symbol) ? [] : [one.path]),
      ...(types.includes(one) ? membersOf(one) : [])
        .filter((member) => isOurs(member) && !isGenerated(member) && !isHidden(member) && !isDocumented(member))
        .map(({ name }) => `${one.path}.${name}`),
    ]);
    assert.deepEqual([...new Set(bare)], []);
  });

  test("a constructor that users must not call is private, for one tagged @internal would be declared without parameters", () => {
    for (const { path, symbol } of types) {
      const constructors = symbol.declarations!.flatMap((one) =>
        ts.isClassDeclaration(one) ? one.members.filter(ts.isConstructorDeclaration) : [],
      );
      for (const one of constructors) assert.ok(!isInternal(one), path);
    }
  });
});
