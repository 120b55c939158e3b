/** Errors as a notebook shows them: the message, the cell's own line, and the way there. */
import { inspect } from "node:util";
import { BpflabError } from "../../base/errors.js";
import { visibleLines } from "../../base/text.js";
import { excerpt } from "./excerpt.js";
import { TypeScriptError, type ErrorContent } from "../kernel-errors.js";
import { CellStacks } from "./cell-stacks.js";

/** Errors in a chain, which may be a circle, and errors of an AggregateError. */
const [MOST_CAUSES, MOST_ERRORS] = [5, 5];

export class Tracebacks {
  readonly stacks = new CellStacks();

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
    // Ours tell of what others have named, such as interfaces and files.
    const evalue = error instanceof BpflabError ? visibleLines(inTheCellsWords(error)) : inTheCellsWords(error);
    const headline = evalue ? `${ename}: ${evalue}` : ename;
    if (error instanceof TypeScriptError) return { ename, evalue, traceback: [headline, ...error.excerpts] };
    const { frames, place } = this.stacks.frames(this.stacks.rawOf(error as Error));
    const shown = place
      ? [`${place.where.replace(/^c/, "C")}, line ${place.line + 1}:\n${excerpt(place.source, place)}`]
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
}

/** A cell's variables are properties of an object; V8 names it in messages such as "__cell3.x is not a function". */
function inTheCellsWords(error: Error): string {
  const message = String(error.message);
  return error instanceof TypeError
    ? message.replace(/\(0 , (?:__\w+\.)?([^)]*)\)/g, "$1").replace(/\b__(?:cell|module|default|namespace)\d+\./g, "")
    : message;
}

/** Errors of another realm, or of a library with its own idea of a base class. */
function looksLikeError(value: unknown): value is Error {
  if (typeof value !== "object" || value === null) return false;
  const { message, name } = value as Partial<Error>;
  return typeof message === "string" && typeof name === "string";
}
