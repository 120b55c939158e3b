/**
 * What a kernel finds made when it starts: the compiler, and the declarations that every cell sees, parsed. They lie in a
 * snapshot of V8's heap, which `make-snapshot.ts` makes and `setup/kernel.sh` starts Node.js with.
 */
import { statSync } from "node:fs";
import type TypeScript from "typescript";
import type TS from "typescript";

export interface KeptFile {
  snapshot: TS.IScriptSnapshot;
  version: string;
}

export interface Kept {
  ts: typeof TypeScript;
  registry: TS.DocumentRegistry;
  /** Files of this installation, by path. */
  files: ReadonlyMap<string, KeptFile>;
  /** What of them is found under which name, and the package.json files that say so; by the options that they were read with. */
  resolved: ReadonlyMap<string, TS.ResolvedModuleFull>;
  cache: TS.ModuleResolutionCache;
  options: string;
  /** What tells that the installation is another one by now. */
  stamps: ReadonlyMap<string, string>;
}

const key = Symbol.for("bpflab.kept");

/** What tells an edited file from the one that was read. One that this user may not see, in somebody else's clone, is gone for them. */
export function stampOf(path: string): string {
  try {
    const { mtimeNs, size, ino } = statSync(path, { bigint: true });
    return `${mtimeNs} ${size} ${ino}`;
  } catch {
    return "gone";
  }
}

/** The options, as far as modules are found by them. */
export function keyOf({ typeRoots: _, ...options }: TS.CompilerOptions): string {
  return JSON.stringify(options);
}

/** Puts it into the heap. */
export function keep(kept: Kept): void {
  Object.defineProperty(globalThis, key, { value: kept, configurable: true });
}

function found(): Partial<Kept> | undefined {
  const kept = (globalThis as { [key]?: Partial<Kept> })[key];
  const isSame = [...(kept?.stamps ?? [])].every(([path, stamp]) => stampOf(path) === stamp);
  return isSame ? kept : undefined;
}

/** What this process was started with, if that is of this installation. While a snapshot is made it is the compiler alone. */
export const kept = found();
