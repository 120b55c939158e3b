/**
 * tslab's converter with the options that cells need.
 *
 * tslab chooses its TypeScript options inside one function and reads its compiler
 * through require. A copy of the compiler with a few functions wrapped, put into
 * require's cache first, is the least invasive way to reach them; tslab is pinned
 * exactly, and its own files stay as they are.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Converter } from "tslab/dist/converter.js";
import type TS from "@tslab/typescript-for-tslab";
import { lightBuilder } from "./program.js";
import { isBare, isInstalled, nodeModulesOf, packageRoot } from "./installation.js";
import { leashAwaits } from "./await-checks.js";
import { finishPlainCell } from "./single-pass.js";
import { expandShorthand } from "./shorthand.js";
import type { MapChain } from "./source-map.js";

const require = createRequire(import.meta.url);

/** tslab's compiler and converter. */
export interface Compiler {
  ts: typeof TS;
  converter: Converter;
  /** The source maps of the newest conversion, outermost first. */
  takeMaps(): MapChain;
}

type WatchHost = TS.WatchCompilerHostOfFilesAndCompilerOptions<TS.BuilderProgram>;

const INLINE_MAP = /(?:^|\n)\/\/# sourceMappingURL=data:application\/json;base64,([A-Za-z0-9+/=]+)\s*$/;
const MAP_COMMENT = /\n\/\/# sourceMappingURL=\S*\s*$/;

/** Types of what the kernel puts into every cell's global scope. */
const CELL_GLOBALS = join(packageRoot, "dist/jupyter/typescript/cell-globals.d.ts");

/** Loads TypeScript, about half a second, and makes the converter for the working directory. */
export function createCompiler(): Compiler {
  const tslabRequire = createRequire(require.resolve("tslab/dist/converter.js"));
  const path = tslabRequire.resolve("@tslab/typescript-for-tslab");
  const ts = tslabRequire(path) as typeof TS;
  let maps: MapChain = [];
  /** Output that needs no second compilation. */
  let finished: string | undefined;

  const patched: typeof TS = {
    ...ts,
    createWatchCompilerHost: ((
      rootNames: string[],
      options: TS.CompilerOptions,
      system: TS.System,
      _createProgram: unknown,
      ...rest: unknown[]
    ) => {
      const create = ts.createWatchCompilerHost as unknown as (...args: unknown[]) => WatchHost;
      const host = create(
        [...rootNames, CELL_GLOBALS],
        { ...options, ...cellOptions(ts) },
        quietSystem(system),
        lightBuilder(ts),
        ...rest,
      );
      host.resolveModuleNameLiterals = moduleResolver(ts, host);
      // Without this the compiler resolves every import of every file anew for each cell.
      host.hasInvalidatedResolutions = (path) => !isInstalled(path);
      return host;
    }) as unknown as typeof TS.createWatchCompilerHost,
    createWatchProgram: ((host: WatchHost) => {
      const { afterProgramCreate } = host;
      host.afterProgramCreate = (builder) => {
        builder.getProgram().getSourceFiles().forEach(completeOriginal);
        const emit = builder.emit.bind(builder);
        builder.emit = (file, write, token, only, transformers) => {
          const before = [...(transformers?.before ?? []), expandShorthand(ts, builder.getProgram().getTypeChecker())];
          let isPlain = false;
          const after = [...(transformers?.after ?? []), finishPlainCell(ts, () => (isPlain = true))];
          const written: TS.WriteFileCallback = (name, text, ...rest) => {
            if (isPlain && name.endsWith(".js")) finished = text;
            write?.(name, text, ...rest);
          };
          return emit(file, written, token, only, { ...transformers, before, after });
        };
        afterProgramCreate?.(builder);
      };
      const watch = ts.createWatchProgram(host);
      const { updateRootFileNames } = watch;
      watch.updateRootFileNames = (names) => updateRootFileNames([...names, CELL_GLOBALS]);
      return watch;
    }) as unknown as typeof TS.createWatchProgram,
    transpileModule: (input, options) => {
      const inner = INLINE_MAP.exec(input)?.[1];
      const innerMaps = inner ? [Buffer.from(inner, "base64").toString()] : [];
      if (input === finished) {
        maps = innerMaps;
        return { outputText: input.replace(INLINE_MAP, "\n") };
      }
      const compilerOptions = { ...options.compilerOptions, sourceMap: true };
      const transformers = { before: [leashAwaits(ts)] };
      const output = ts.transpileModule(input.replace(INLINE_MAP, "\n"), { ...options, compilerOptions, transformers });
      maps = [...(output.sourceMapText ? [output.sourceMapText] : []), ...innerMaps];
      return { ...output, outputText: output.outputText.replace(MAP_COMMENT, "\n") };
    },
  };
  tslabRequire.cache[path]!.exports = patched;
  const { createConverter } = tslabRequire("./converter.js") as typeof import("tslab/dist/converter.js");
  return { ts, converter: createConverter(), takeMaps: () => maps };
}

/**
 * `paths` is what lets the compiler name a type of an imported package in the
 * declarations that carry a cell's variables to the next cell; without it they
 * are errors (TS2742) as soon as the package lies outside the notebook's directory.
 */
function cellOptions(ts: typeof TS): TS.CompilerOptions {
  const roots = [...new Set([...nodeModulesOf(process.cwd()), ...nodeModulesOf(packageRoot)])];
  return {
    moduleResolution: ts.ModuleResolutionKind.Node10,
    baseUrl: "/",
    paths: {
      "kernel-helpers": [fromRoot(join(packageRoot, "dist/api/index.d.ts"))],
      "kernel-helpers/*": [fromRoot(`${packageRoot}/*`)],
      "*": roots.flatMap((root) => [fromRoot(`${root}/*`), fromRoot(`${root}/@types/*`)]),
    },
    typeRoots: nodeModulesOf(packageRoot).map((root) => join(root, "@types")),
    types: ["node"],
    inlineSourceMap: true,
  };
}

/** `paths` that are absolute resolve, but are not used to name a type. */
function fromRoot(path: string): string {
  return path.replace(/^\//, "");
}

/** Node's own search first, as a script in the directory has it; then what this kernel came with. */
function moduleResolver(
  ts: typeof TS,
  host: TS.ModuleResolutionHost,
): NonNullable<TS.CompilerHost["resolveModuleNameLiterals"]> {
  const ours = join(packageRoot, "package.json");
  const find = (
    name: string,
    containingFile: string,
    options: TS.CompilerOptions,
  ): TS.ResolvedModuleWithFailedLookupLocations => {
    const plain = { ...options, paths: undefined, baseUrl: undefined };
    const own = OUR_NAME.test(name) ? undefined : ts.resolveModuleName(name, containingFile, plain, host);
    if (own?.resolvedModule || (own && !isBare(name))) return own;
    const fallback = ts.resolveModuleName(name, ours, plain, host);
    if (fallback.resolvedModule) return fallback;
    // A name that the compiler made up by `paths` for a declaration, such as rxjs/dist/types, only they can undo.
    const named = ts.resolveModuleName(name, ours, options, host);
    return named.resolvedModule ? named : (own ?? fallback);
  };
  // The compiler asks anew for each cell; what is installed stays where it is.
  const known = new Map<string, TS.ResolvedModuleWithFailedLookupLocations>();
  return (literals, containingFile, _redirect, options) => {
    return literals.map(({ text }) => {
      const key = `${dirname(containingFile)}\0${text}`;
      const found = known.get(key) ?? find(text, containingFile, options);
      if (isInstalled(containingFile) || isInstalled(found.resolvedModule?.resolvedFileName ?? ""))
        known.set(key, found);
      return found;
    });
  };
}

/**
 * A file with an await at its top is parsed twice, and what the first parse made is kept as the original, without a
 * path. Asked how a declaration in such a file can name a type of a package, TypeScript looks there, and fails.
 */
function completeOriginal(file: TS.SourceFile & { path?: string; original?: { path?: string } }): void {
  if (file.original && !file.original.path) file.original.path = file.path;
}

/** Always our own package: another copy would not know this kernel. */
const OUR_NAME = /^kernel-helpers(?:\/|$)/;

/** Watches the user's files only: hundreds of watchers on installed packages cost a start 100 ms and see nothing. */
function quietSystem(system: TS.System): TS.System {
  const watchFile = system.watchFile?.bind(system);
  const quiet = Object.create(system) as TS.System;
  quiet.watchFile = (path, ...rest) => (isInstalled(path) ? { close: () => undefined } : watchFile!(path, ...rest));
  quiet.watchDirectory = () => ({ close: () => undefined });
  return quiet;
}
