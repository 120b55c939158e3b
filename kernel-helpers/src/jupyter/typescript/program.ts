/**
 * The program that a cell is compiled in, without the record of who refers to whom that TypeScript keeps for
 * builds: it is made anew for each cell from all files of all packages, which costs more than the cell itself.
 */
import type TS from "@tslab/typescript-for-tslab";
import { isInstalled } from "./installation.js";

/** Source files know what their imports stand for; TypeScript does not declare it. */
interface Resolved {
  resolvedModules?: { forEach(visit: (resolution: { resolvedModule?: TS.ResolvedModule } | undefined) => void): void };
}

/** What TypeScript's own checker calls first for each file; it does nothing for a file that is bound. */
type Binding = typeof TS & { bindSourceFile(file: TS.SourceFile, options: TS.CompilerOptions): void };

export function lightBuilder(ts: typeof TS): TS.CreateProgram<TS.BuilderProgram> {
  return (...args) => {
    const builder = ts.createAbstractBuilder(...args);
    // The converter looks for a cell's variables before it asks for types. A type checker, which binds files too, would be made for that alone.
    const program = builder.getProgram();
    for (const file of program.getSourceFiles())
      if (!isInstalled(file.fileName)) (ts as Binding).bindSourceFile(file, program.getCompilerOptions());
    return Object.assign(builder, {
      getAllDependencies: (file: TS.SourceFile) => ownDependencies(builder.getProgram(), file),
    });
  };
}

/** The file and what it imports, directly or not, of the user's own: what is installed is compiled already. */
function ownDependencies(program: TS.Program, file: TS.SourceFile): string[] {
  const found = new Set<TS.SourceFile>();
  const visit = (one: TS.SourceFile | undefined): void => {
    if (!one || found.has(one) || isInstalled(one.fileName)) return;
    found.add(one);
    (one as Resolved).resolvedModules?.forEach(
      (resolution) =>
        resolution?.resolvedModule && visit(program.getSourceFile(resolution.resolvedModule.resolvedFileName)),
    );
  };
  visit(file);
  return [...found].map(({ fileName }) => fileName);
}
