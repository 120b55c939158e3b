/** Errors as a notebook shows them: the message, the cell's own line, and the way there. */
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { BpflabError } from "../../base/errors.js";
import { excerpt } from "./excerpt.js";
import { TypeScriptError, type ErrorContent } from "../errors.js";
import { originalPlace, type MapChain } from "./source-map.js";

/** What ran as a script, and the cell it came from. */
export interface Script {
  /** Execution count of the cell. */
  count: number;
  source: string;
  maps: MapChain;
  /** Characters before the converted code on its first line, and before the cell's text on its. */
  runOffset: number;
  sourceOffset: number;
  /** Lines of converted code; what is below them calls the cell and belongs to tslab. */
  runLines: number;
}

/** Frames of this kernel say nothing to the user. */
const KERNEL = fileURLToPath(new URL("..", import.meta.url));
/** Errors in a chain, which may be a circle, and errors of an AggregateError. */
const [MOST_CAUSES, MOST_ERRORS] = [5, 5];
const FRAME = /^ {4}at (?:async )?(?:(.*) \()?(.*?):(\d+):(\d+)\)?$/;
const NAME = /^cell-run-(\d+)\.ts$/;

/** The name under which a run's code appears in stacks. */
export function scriptName(run: number): string {
  return `cell-run-${run}.ts`;
}

interface CellPlace {
  script: Script;
  line: number;
  column: number;
}

/** Knows every script that ran, so that a late error still finds its line. */
export class Tracebacks {
  readonly #scripts = new Map<number, Script>();

  remember(run: number, script: Script): void {
    this.#scripts.set(run, script);
  }

  #place(file: string, line: number, column: number): CellPlace | undefined {
    const script = this.#scripts.get(Number(NAME.exec(file)?.[1]));
    if (!script || line > script.runLines) return undefined;
    const place = originalPlace(script.maps, line - 1, column - 1 - (line === 1 ? script.runOffset : 0));
    if (!place) return undefined;
    // The converter puts one line before the cell's text.
    const inCell = { line: place.line - 1, column: place.column - (place.line === 1 ? script.sourceOffset : 0) };
    return inCell.line < 0 ? undefined : { script, ...inCell, column: Math.max(0, inCell.column) };
  }

  /** The content of the `error` message for anything that was thrown; never throws itself, whatever that is. */
  describe(error: unknown): ErrorContent {
    try {
      return this.#describe(error, 0);
    } catch {
      const evalue = "something that cannot be looked at without another error";
      return { ename: "Thrown", evalue, traceback: [`Thrown: ${evalue}`] };
    }
  }

  #describe(error: unknown, depth: number): ErrorContent {
    if (!(error instanceof Error) && !looksLikeError(error)) {
      const evalue = typeof error === "string" ? error : inspect(error);
      return { ename: "Thrown", evalue, traceback: [`Thrown: ${evalue}`] };
    }
    const ename = error.name || "Error";
    const evalue = inTheCellsWords(error);
    const headline = evalue ? `${ename}: ${evalue}` : ename;
    if (error instanceof TypeScriptError) return { ename, evalue, traceback: [headline, ...error.excerpts] };
    const { frames, place } = this.#frames(String(error.stack ?? ""));
    const shown = place
      ? [`Cell [${place.script.count}], line ${place.line + 1}:\n${excerpt(place.script.source, place)}`]
      : [];
    if (!(error instanceof BpflabError) && frames.length > 1) shown.push(frames.join("\n"));
    const { cause, errors } = error as { cause?: unknown; errors?: unknown };
    const several = Array.isArray(errors)
      ? errors.slice(0, MOST_ERRORS).map((one) => ["One of them:", one] as const)
      : [];
    const reasons = [...several, ...(cause === undefined ? [] : [["Caused by:", cause] as const])];
    if (!(error instanceof BpflabError) && depth < MOST_CAUSES)
      for (const [word, one] of reasons) shown.push(word, ...this.#describe(one, depth + 1).traceback);
    return { ename, evalue, traceback: [headline, ...shown] };
  }

  /** The stack with cell lines for script lines, up to where the kernel called the cell. */
  #frames(stack: string): { frames: string[]; place: CellPlace | undefined } {
    const frames: string[] = [];
    let first: CellPlace | undefined;
    for (const line of stack.split("\n")) {
      const match = FRAME.exec(line);
      if (!match) continue;
      const [, name, file, row, column] = match;
      const place = this.#place(file!, Number(row), Number(column));
      first ??= place;
      if (place) {
        const where = `cell [${place.script.count}]:${place.line + 1}:${place.column + 1}`;
        // The function that wraps a cell has no name of its own, and those of earlier cells are called on tslab's proxy.
        const shown = name?.replace(/^Proxy\./, "");
        frames.push(shown ? `    at ${shown} (${where})` : `    at ${where}`);
      } else if (NAME.test(file!) || /tslab|node:vm|evalmachine/.test(file!)) {
        break;
      } else if (!file!.startsWith("node:") && !file!.includes(KERNEL)) {
        frames.push(line);
      }
    }
    return { frames, place: first };
  }
}

/** tslab keeps a cell's variables on an object; V8 names it in messages such as "exports.x is not a function". */
function inTheCellsWords(error: Error): string {
  const message = String(error.message);
  return error instanceof TypeError ? message.replace(/\bexports\./g, "") : message;
}

/** Errors of another realm, or of a library with its own idea of a base class. */
function looksLikeError(value: unknown): value is Error {
  if (typeof value !== "object" || value === null) return false;
  const { message, name } = value as Partial<Error>;
  return typeof message === "string" && typeof name === "string";
}
