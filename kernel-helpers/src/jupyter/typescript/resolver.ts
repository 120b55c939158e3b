/** Where the compiler finds a module: as a script in the notebook's directory would, then among what this kernel came with. */
import { isBuiltin } from "node:module";
import { dirname, join } from "node:path";
import type TS from "typescript";
import { ts } from "./compiler-api.js";
import { kept, keyOf } from "./kept.js";
import { isBare, isInstalled, PACKAGE_ROOT } from "./package-paths.js";
import { rolledUpFile } from "./rolled-up.js";

/** Always our own package: another copy would not know this kernel. */
const ourName = /^kernel-helpers(?:\/|$)/;
const OURS = join(PACKAGE_ROOT, "package.json");

export class Resolver {
  readonly #options: TS.CompilerOptions;
  readonly #host: TS.ModuleResolutionHost;
  /** What the compiler has read of package.json files: without it, it reads one for each file and each cell. */
  readonly cache: TS.ModuleResolutionCache;
  /** What is installed stays where it is. */
  readonly installed: Map<string, TS.ResolvedModuleFull>;
  /** What was found of the rest since the last refresh. */
  readonly #recent = new Map<string, TS.ResolvedModuleFull | undefined>();
  /** Files with imports that were not found. */
  readonly #unresolved = new Set<string>();

  constructor(directory: string, options: TS.CompilerOptions, host: TS.ModuleResolutionHost) {
    const known = kept?.options === keyOf(options) ? kept : undefined;
    this.cache = known?.cache ?? ts.createModuleResolutionCache(directory, (name) => name, options);
    this.installed = new Map(known?.resolved);
    this.#options = options;
    this.#host = host;
  }

  /** The module's file, as the compiler takes it: declarations where there are any. */
  find(name: string, containingFile: string): TS.ResolvedModuleFull | undefined {
    if (isBuiltin(name)) return undefined; // declared with Node's types, and loaded before any package of that name
    const key = `${dirname(containingFile)}\0${name}`;
    const known = this.installed.get(key) ?? this.#recent.get(key);
    if (known || this.#recent.has(key)) return known;
    const found = this.#search(name, containingFile);
    if (found && (isInstalled(containingFile) || isInstalled(found.resolvedFileName))) this.installed.set(key, found);
    else this.#recent.set(key, found);
    if (!found && !isInstalled(containingFile)) this.#unresolved.add(containingFile);
    return found;
  }

  #search(name: string, containingFile: string): TS.ResolvedModuleFull | undefined {
    const from = (file: string): TS.ResolvedModuleFull | undefined => {
      const cache = isInstalled(file) ? this.cache : undefined;
      const found = ts.resolveModuleName(name, file, this.#options, this.#host, cache).resolvedModule;
      const resolvedFileName = found && rolledUpFile(name, found.resolvedFileName);
      return resolvedFileName ? { ...found, resolvedFileName } : found;
    };
    if (ourName.test(name)) return from(OURS);
    return from(containingFile) ?? (isBare(name) ? from(OURS) : undefined);
  }

  /** True for a file with an import that was not found when it was last looked for, and may be there now. */
  isUnresolved(path: string): boolean {
    return this.#unresolved.has(path);
  }

  /** Looks again for what may have moved. @param changed directories of packages that were installed again */
  refresh(changed: readonly string[]): void {
    this.#recent.clear();
    if (changed.length > 0) this.cache.clear();
    for (const [key, { resolvedFileName }] of this.installed)
      if (changed.some((one) => key.startsWith(`${one}/`) || resolvedFileName.startsWith(`${one}/`)))
        this.installed.delete(key);
  }
}
