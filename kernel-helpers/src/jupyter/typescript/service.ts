/**
 * TypeScript's language service over the cells of a notebook.
 *
 * Two files are its roots: the cell in hand, always under one name, and a list of all that was ever imported, so
 * that the declarations of packages stay loaded when a cell does not use them. Earlier cells are modules beside it.
 */
import { dirname, join, relative } from "node:path";
import type TS from "typescript";
import { ts } from "./compiler-api.js";
import { isInstalled, PACKAGE_ROOT } from "./package-paths.js";
import { kept, keyOf, stampOf, type Kept, type KeptFile } from "./kept.js";
import { PackageWatch } from "./package-watch.js";
import { Resolver } from "./resolver.js";

/** Types of what the kernel puts into every cell's global scope. */
const CELL_GLOBALS = join(PACKAGE_ROOT, "dist/jupyter/typescript/cell-globals.d.ts");

/** Documentation is a fifth of what there is to parse; `documentation.ts` reads that of a name when somebody asks. */
const COMMENTS = ts.JSDocParsingMode.ParseNone;

/** "Cannot find module" of what is not a file, such as `data:text/javascript,…`: the runtime will know. */
function isAddress({ code, file, start = 0, length }: TS.Diagnostic): boolean {
  return code === 2307 && /^.(?:data|file|blob|https?):/.test(file?.text.substr(start, length) ?? "");
}

interface Virtual {
  snapshot: TS.IScriptSnapshot;
  version: number;
}

export class CellService {
  readonly directory: string;
  readonly options: TS.CompilerOptions;
  readonly resolver: Resolver;
  readonly #service: TS.LanguageService;
  readonly #virtual = new Map<string, Virtual>();
  readonly #disk = new Map<string, KeptFile | undefined>();
  readonly #registry: TS.DocumentRegistry;
  readonly #imported = new Set<string>();
  readonly #importsFile: string;
  readonly #hooksFile: string;
  readonly #packages = new PackageWatch();
  #versions = 0;
  /** How often a package was found to be another one. */
  #installs = 0;
  #current: string;

  constructor(directory: string, options: TS.CompilerOptions) {
    this.directory = directory;
    this.options = options;
    this.#importsFile = join(directory, "[imports].ts");
    this.#current = join(directory, "[cell].ts");
    this.resolver = new Resolver(directory, options, {
      ...ts.sys,
      fileExists: (path) => this.#virtual.has(path) || ts.sys.fileExists(path),
      readFile: (path) => this.#virtual.get(path)?.snapshot.getText(0, Infinity) ?? ts.sys.readFile(path),
    });
    this.#hooksFile = join(directory, "[hooks].ts");
    this.setFile(this.#hooksFile, "");
    this.setFile(this.#importsFile, "export {};");
    this.setFile(this.#current, "export {};");
    this.#registry = kept?.registry ?? ts.createDocumentRegistry(true, directory, COMMENTS);
    this.#service = ts.createLanguageService(this.#host(), this.#registry);
  }

  get service(): TS.LanguageService {
    return this.#service;
  }

  /** The file of the cell in hand. */
  get current(): string {
    return this.#current;
  }

  /** Puts a cell's text in hand. */
  setCurrent(text: string, jsx: boolean): void {
    this.#current = join(this.directory, jsx ? "[cell].tsx" : "[cell].ts");
    this.setFile(this.#current, text);
  }

  /** Makes a file that is not on disk, or gives it another text. */
  setFile(path: string, text: string): void {
    const known = this.#virtual.get(path);
    if (known && known.snapshot.getLength() === text.length && known.snapshot.getText(0, text.length) === text) return;
    this.#virtual.set(path, { snapshot: ts.ScriptSnapshot.fromString(text), version: ++this.#versions });
  }

  /** Declares the hooks that cells have named, for all cells. */
  setHooks(declarations: string): void {
    this.setFile(this.#hooksFile, declarations);
  }

  virtualFile(path: string): string | undefined {
    const snapshot = this.#virtual.get(path)?.snapshot;
    return snapshot?.getText(0, snapshot.getLength());
  }

  /** Keeps the declarations of modules loaded from now on. */
  keepImports(modules: Iterable<string>): void {
    const before = this.#imported.size;
    for (const one of modules) this.#imported.add(one);
    if (this.#imported.size === before) return;
    const lines = [...this.#imported].map((one) => `import ${JSON.stringify(one)};\n`);
    this.setFile(this.#importsFile, `${lines.join("")}export {};`);
  }

  /** Looks at the user's files again: they may have been edited, and packages installed. Gives the packages that are other ones now. */
  refresh(): string[] {
    const changed = this.#packages.changed();
    for (const path of this.#disk.keys())
      if (!isInstalled(path) || changed.some((one) => path.startsWith(`${one}/`))) this.#disk.delete(path);
    this.#versions++;
    if (changed.length > 0) this.#installs++;
    this.resolver.refresh(changed);
    return changed;
  }

  program(): TS.Program {
    return this.#service.getProgram()!;
  }

  /** What is wrong with the cell in hand, and with the user's modules that it imports. */
  diagnostics(): readonly TS.Diagnostic[] {
    const path = this.#current;
    const syntactic = this.#service.getSyntacticDiagnostics(path);
    if (syntactic.length > 0) return syntactic;
    const found: TS.Diagnostic[] = [...this.#service.getSemanticDiagnostics(path)];
    for (const file of this.#ownModules(path))
      found.push(...this.#service.getSyntacticDiagnostics(file), ...this.#service.getSemanticDiagnostics(file));
    return found.filter((one) => one.category === ts.DiagnosticCategory.Error && !isAddress(one));
  }

  /** TypeScript of the user that a file imports, directly or not. */
  #ownModules(path: string): Set<string> {
    const program = this.program();
    const found = new Set<string>();
    const visit = (from: string): void => {
      const text = program.getSourceFile(from)?.text;
      if (text === undefined) return;
      for (const { fileName } of ts.preProcessFile(text, true, true).importedFiles) {
        const file = this.resolver.find(fileName, from)?.resolvedFileName;
        if (!file || found.has(file) || isInstalled(file) || this.isCell(file) || !/\.[cm]?tsx?$/.test(file)) continue;
        found.add(file);
        visit(file);
      }
    };
    visit(path);
    return found;
  }

  isCell(path: string): boolean {
    return dirname(path) === this.directory && /\/\[(?:cell(?: \d+)?|imports)\]\.tsx?$/.test(path);
  }

  /** A file's name as its user knows it. */
  shown(path: string): string {
    const name = relative(this.directory, path);
    return name.startsWith("..") ? path : name;
  }

  /** What the next kernel can begin with. */
  kept(): Omit<Kept, "stamps"> {
    const files = new Map<string, KeptFile>();
    for (const [path, file] of this.#disk) if (file && isInstalled(path)) files.set(path, file);
    const { installed: resolved, cache } = this.resolver;
    return { ts, registry: this.#registry, files, resolved, cache, options: keyOf(this.options) };
  }

  #read(path: string): KeptFile | undefined {
    if (this.#disk.has(path)) return this.#disk.get(path);
    const known = kept?.files?.get(path);
    if (known) {
      this.#disk.set(path, known);
      return known;
    }
    const text = ts.sys.readFile(path);
    if (text !== undefined) this.#packages.add(path);
    const version = text !== undefined && !isInstalled(path) ? stampOf(path) : `installed ${this.#installs}`;
    const read = text === undefined ? undefined : { snapshot: ts.ScriptSnapshot.fromString(text), version };
    this.#disk.set(path, read);
    return read;
  }

  #version(path: string): string {
    const version = String(this.#virtual.get(path)?.version ?? this.#read(path)?.version ?? 0);
    // The compiler looks again for an import that was not found only in a file that is another one.
    return this.resolver.isUnresolved(path) ? `${version} ${this.#versions}` : version;
  }

  #host(): TS.LanguageServiceHost & Pick<TS.CompilerHost, "getModuleResolutionCache"> {
    return {
      getCompilationSettings: () => this.options,
      jsDocParsingMode: COMMENTS,
      getProjectVersion: () => String(this.#versions),
      getScriptFileNames: () => [CELL_GLOBALS, this.#hooksFile, this.#importsFile, this.#current],
      getScriptVersion: (path) => this.#version(path),
      getScriptSnapshot: (path) => (this.#virtual.get(path) ?? this.#read(path))?.snapshot,
      getCurrentDirectory: () => this.directory,
      getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
      fileExists: (path) => this.#virtual.has(path) || ts.sys.fileExists(path),
      readFile: (path) => this.virtualFile(path) ?? ts.sys.readFile(path),
      readDirectory: ts.sys.readDirectory.bind(ts.sys),
      directoryExists: ts.sys.directoryExists.bind(ts.sys),
      getDirectories: ts.sys.getDirectories.bind(ts.sys),
      realpath: (path) => (this.#virtual.has(path) ? path : ts.sys.realpath!(path)),
      useCaseSensitiveFileNames: () => true,
      getModuleResolutionCache: () => this.resolver.cache,
      resolveModuleNameLiterals: (literals, file) =>
        literals.map(({ text }) => ({ resolvedModule: this.resolver.find(text, file) })),
    };
  }
}
