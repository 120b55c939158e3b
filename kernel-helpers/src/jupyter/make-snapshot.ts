/**
 * `node make-snapshot.js`: makes the snapshot that kernels start with. Node.js takes a snapshot of one script that needs
 * nothing but its own modules, so the compiler and the part of the kernel that compiles cells are put into one.
 */
import { readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { execa } from "execa";
import ts from "typescript";
import { SNAPSHOT, snapshotOf, V8_OPTIONS } from "./kernelspec.js";

const WARM_UP = fileURLToPath(new URL("./typescript/warm-up.js", import.meta.url));
const COMPILER = createRequire(import.meta.url).resolve("typescript");

/** A module as a function of `require`, with those that it imports. */
function addModule(path: string, modules: Map<string, string>): void {
  if (modules.has(path)) return;
  const text = readFileSync(path, "utf8").replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href));
  const { module, target } = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 };
  const { outputText } = ts.transpileModule(text, { compilerOptions: { module, target } });
  modules.set(path, "");
  const code = outputText.replace(/\brequire\("([^"]+)"\)/g, (_, id: string) => {
    if (!id.startsWith(".")) return `builtin(${JSON.stringify(id)})`;
    const imported = join(dirname(path), id);
    addModule(imported, modules);
    return `loadModule(${JSON.stringify(imported)})`;
  });
  modules.set(path, code);
}

function script(): string {
  const modules = new Map<string, string>();
  addModule(WARM_UP, modules);
  const functions = [...modules].map(
    ([path, code]) => `${JSON.stringify(path)}: function (exports, builtin, module, loadModule) {${code}\n}`,
  );
  const compiler = [COMPILER, dirname(COMPILER)].map((one) => JSON.stringify(one)).join(", ");
  return `
const compiler = { exports: {} };
(function (exports, require, module, __filename, __dirname) {${readFileSync(COMPILER, "utf8")}
})(compiler.exports, require, compiler, ${compiler});
Object.defineProperty(globalThis, Symbol.for("bpflab.kept"), { value: { ts: compiler.exports }, configurable: true });
const modules = { ${functions.join(",\n")} };
const loaded = new Map();
function loadModule(path) {
  if (loaded.has(path)) return loaded.get(path).exports;
  const module = { exports: {} };
  loaded.set(path, module);
  modules[path](module.exports, require, module, loadModule);
  return module.exports;
}
loadModule(${JSON.stringify(WARM_UP)});
`;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

const BLOB = snapshotOf(process.execPath);
const [MADE, SOURCE] = [`${BLOB}.${process.pid}`, `${BLOB}.${process.pid}.cjs`];
try {
  // One byte a character: V8 takes two for all of a text that has one beyond Latin-1.
  writeFileSync(SOURCE, script().replace(/[^\0-\xff]/g, escaped));
  await execa(process.execPath, [...V8_OPTIONS, "--snapshot-blob", MADE, "--build-snapshot", SOURCE]);
  for (const name of readdirSync(dirname(SNAPSHOT)))
    if (name.startsWith(`${basename(SNAPSHOT)}-`) && name.endsWith(".blob")) rmSync(join(dirname(SNAPSHOT), name));
  renameSync(MADE, BLOB);
} finally {
  for (const one of [MADE, SOURCE]) rmSync(one, { force: true });
}
