/** Stacks in terms of what the user wrote: lines of cells and of the user's own modules. */
import { fileURLToPath } from "node:url";
import { LazyMap } from "./source-map.js";

/** What ran as a script, and the cell it came from. */
export interface Script {
  /** Execution count of the cell. */
  count: number;
  source: string;
  map: string;
  /** Characters before the code on its first line. */
  runOffset: number;
  /** Lines of code; what is below them calls the cell and belongs to tslab. */
  runLines: number;
}

/** A module of the user's. */
export interface OwnFile {
  /** The file as the user knows it. */
  name: string;
  source: string;
  map: string;
}

/** A line of the user's; it and the column count from 0. */
export interface SourcePlace {
  /** Such as `Cell [3]`, and in frames `cell [3]`. */
  where: string;
  source: string;
  line: number;
  column: number;
}

/** Frames of this kernel say nothing to the user. */
const KERNEL = fileURLToPath(new URL("..", import.meta.url));
const frame = /^ {4}at (?:async )?(?:(.*) \()?(?:file:\/\/)?(.*?):(\d+):(\d+)\)?$/;
const cellName = /^cell-run-(\d+)\.ts$/;

/** The name under which a run's code appears in stacks. */
export function scriptName(run: number): string {
  return `cell-run-${run}.ts`;
}

type Mapped<Kept> = Kept & { lazy: LazyMap };

/** Knows every script that ran, so that a late error still finds its line. */
export class CellStacks {
  readonly #scripts = new Map<number, Mapped<Script>>();
  readonly #files = new Map<string, Mapped<OwnFile>>();
  /** Stacks as V8 has them. */
  readonly #raw = new WeakMap<object, string>();

  remember(run: number, script: Script): void {
    this.#scripts.set(run, { ...script, lazy: new LazyMap(script.map) });
  }

  rememberFile(path: string, file: OwnFile): void {
    this.#files.set(path, { ...file, lazy: new LazyMap(file.map) });
  }

  /** Makes every `error.stack` one in the user's terms, as `console.log(error)` and `console.trace()` show it. */
  install(): void {
    Error.prepareStackTrace = (error, sites) => {
      const headline = headlineOf(error);
      const raw = `${headline}${sites.map((site) => `\n    at ${String(site)}`).join("")}`;
      this.#raw.set(error, raw);
      return [headline, ...this.frames(raw).frames].join("\n");
    };
  }

  /** An error's stack as V8 has it. */
  rawOf(error: Error): string {
    const stack = String(error.stack ?? "");
    return this.#raw.get(error) ?? stack;
  }

  /** The text of the cell that ran under a name; undefined for what is no cell. */
  cellSource(file: string): string | undefined {
    return this.#scripts.get(Number(cellName.exec(file)?.[1]))?.source;
  }

  /** The end of a cell's code, where a debugger stops once more, as the end of its text. */
  end(file: string, line: number, column: number): SourcePlace | undefined {
    const script = this.#scripts.get(Number(cellName.exec(file)?.[1]));
    if (!script || line <= script.runLines || column !== 1) return undefined; // what stands there further on calls it
    const { source, count } = script;
    return { where: `cell [${count}]`, source, line: source.trimEnd().split("\n").length - 1, column: 0 };
  }

  isOwnFile(file: string): boolean {
    return this.#files.has(file);
  }

  /** Where a place of the code that runs, counted from 1, was written. */
  place(file: string, line: number, column: number): SourcePlace | undefined {
    const own = this.#files.get(file);
    if (own) {
      const place = own.map ? own.lazy.original(line - 1, column - 1) : { line: line - 1, column: column - 1 };
      return place && { where: own.name, source: own.source, ...place };
    }
    const script = this.#scripts.get(Number(cellName.exec(file)?.[1]));
    if (!script || line > script.runLines) return undefined;
    const place = script.lazy.original(line - 1, column - 1 - (line === 1 ? script.runOffset : 0));
    // The converter puts one line before the cell's text.
    if (!place || place.line < 1) return undefined;
    return { where: `cell [${script.count}]`, source: script.source, line: place.line - 1, column: place.column };
  }

  /** The stack up to where the kernel called the cell, and the first line in it that is the user's. */
  frames(stack: string): { frames: string[]; place: SourcePlace | undefined } {
    const frames: string[] = [];
    let first: SourcePlace | undefined;
    for (const line of stack.split("\n")) {
      const match = frame.exec(line);
      if (!match) continue;
      const [, name, file, row, column] = match;
      const place = this.place(file!, Number(row), Number(column));
      first ??= place;
      if (place) {
        const where = `${place.where}:${place.line + 1}:${place.column + 1}`;
        // The function that wraps a cell has no name of its own.
        frames.push(name ? `    at ${name.replace(/^Object\./, "")} (${where})` : `    at ${where}`);
      } else if (cellName.test(file!) || /\/tslab\/|node:vm|evalmachine/.test(file!)) {
        break;
      } else if (!file!.startsWith("node:") && !file!.includes(KERNEL)) {
        frames.push(line);
      }
    }
    return { frames, place: first };
  }
}

function headlineOf(error: Error): string {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return "Error";
  }
}
