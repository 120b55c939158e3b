/**
 * The project's own TypeScript, compiled ahead: V8 takes half a second for its 9 MB, and a tenth of that with what it
 * made of them the last time. Node 20 has no cache for that; the file lies with this package, and V8 refuses one that
 * another version made.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import vm from "node:vm";
import type TypeScript from "typescript";
import { kept } from "./kept.js";

const CACHE = fileURLToPath(new URL("./typescript.v8-cache", import.meta.url));

const require = createRequire(import.meta.url);

function cached(): Buffer | undefined {
  try {
    return readFileSync(CACHE);
  } catch {
    return undefined;
  }
}

function load(): { ts: typeof TypeScript; script?: vm.Script } {
  if (kept?.ts) return { ts: kept.ts };
  const filename = require.resolve("typescript");
  const cachedData = cached();
  const script = new vm.Script(
    `(function (exports, require, module, __filename, __dirname) {${readFileSync(filename, "utf8")}\n})`,
    { filename, ...(cachedData ? { cachedData } : {}) },
  );
  const module = { exports: {} as typeof TypeScript };
  const run = script.runInThisContext() as (...args: unknown[]) => void;
  run(module.exports, createRequire(filename), module, filename, dirname(filename));
  return { ts: module.exports, script };
}

const loaded = load();

export const { ts } = loaded;

/** Keeps what V8 has made of TypeScript by now for the next start, unless this one began with it. */
export function keepCompiled(): void {
  const { script } = loaded;
  if (!script || script.cachedDataRejected === false) return;
  try {
    const made = `${CACHE}.${process.pid}`;
    writeFileSync(made, script.createCachedData(), { mode: 0o600 });
    renameSync(made, CACHE);
  } catch {
    // An installation that cannot be written to starts more slowly.
  }
}
