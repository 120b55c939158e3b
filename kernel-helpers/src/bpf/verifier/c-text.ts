/** Finds, in the C of a rejected program, the words that the verifier's numbers stand for. */
import { bare, callArguments, offsetAt, placeAt } from "../../clang/lint/source-text.js";

export interface Spot {
  line: number;
  column: number;
}

/** The C of one program, for questions about places in it. */
export class CText {
  readonly #bare: string;

  constructor(readonly source: string) {
    this.#bare = bare(source);
  }

  row(line: number): string {
    return this.source.split("\n")[line - 1] ?? "";
  }

  /** Where a word stands in a line, from a column on, else anywhere in it. */
  word(line: number, word: string, from = 1): Spot | undefined {
    const shape = new RegExp(`(?<!\\w)${word.replace(/[^\w]/g, "\\$&")}(?!\\w)`, "g");
    const row = this.#bare.split("\n")[line - 1] ?? "";
    const found = [...row.matchAll(shape)].map(({ index }) => index + 1);
    const column = found.find((at) => at >= from) ?? found.at(-1);
    return column === undefined ? undefined : { line, column };
  }

  /** The argument of a call, counting from 1, as it is written and where. */
  argument(line: number, helper: string, number: number): (Spot & { text: string }) | undefined {
    const call = this.word(line, helper);
    if (!call) return undefined;
    const open = this.#bare.indexOf("(", offsetAt(this.source, line, call.column));
    const part = open < 0 ? undefined : callArguments(this.#bare, open)[number - 1];
    return part && { ...placeAt(this.source, part.start), text: this.source.slice(part.start, part.end) };
  }

  /** The variable that a call's result goes into. */
  assigned(line: number, helper: string): string | undefined {
    const call = this.word(line, helper);
    const end = call ? offsetAt(this.source, line, call.column) : 0;
    return /([A-Za-z_]\w*)\s*=\s*(?:\([^()]*\)\s*)*$/.exec(this.#bare.slice(Math.max(0, end - 300), end))?.[1];
  }

  /**
   * The pointer that is followed at a place: `e` of `e->fd`, `*e` and `e[1]`. clang's column is that of the field
   * or of the star.
   */
  pointer(line: number, column: number | undefined): (Spot & { text: string }) | undefined {
    const row = this.#bare.split("\n")[line - 1] ?? "";
    const found = [...row.matchAll(/\*\s*([A-Za-z_]\w*)(?!\s*[\w(*])|([A-Za-z_]\w*)\s*(?:->|\[)/g)].map((one) => {
      const text = (one[1] ?? one[2])!;
      return { line, column: one.index + one[0].indexOf(text) + 1, end: one.index + one[0].length + 1, text };
    });
    const near =
      column === undefined
        ? undefined
        : (found.filter((one) => one.column <= column).at(-1) ?? found.find((one) => one.end >= column));
    const spot = near ?? found[0];
    if (!spot) return this.#atomic(line);
    return spot && { line, column: spot.column, text: spot.text };
  }

  /** The first argument of the atomic operation at a place: `s->writes` of `__sync_fetch_and_add(&s->writes, 1)`, and its pointer. */
  #atomic(line: number): (Spot & { text: string }) | undefined {
    const row = this.#bare.split("\n")[line - 1] ?? "";
    const found = /\b__(?:sync|atomic)_\w+\s*\(\s*&?\s*([A-Za-z_]\w*)/.exec(row);
    return found ? { line, column: found.index + found[0].length - found[1]!.length + 1, text: found[1]! } : undefined;
  }

  /** The index in the brackets behind a variable at a place, and how many elements it is declared with. */
  index(line: number, variable: string): { text: string; count: string | undefined } | undefined {
    const row = this.#bare.split("\n")[line - 1] ?? "";
    const text = new RegExp(`\\b${variable}\\s*\\[([^\\]]+)\\]`).exec(row)?.[1]?.trim();
    if (text === undefined) return undefined;
    const declared = new RegExp(`\\b\\w+\\s+${variable}\\s*\\[\\s*(\\w+)\\s*\\]\\s*(?:=[^;]*)?;`).exec(this.#bare);
    return { text, count: declared?.[1] };
  }

  /** The comparisons with the packet's end above a line, the last one first: where they stand and what they compare. */
  packetChecks(before: number): (Spot & { row: string; left: string; operator: string })[] {
    return this.#bare
      .split("\n")
      .slice(0, before - 1)
      .flatMap((row, i) => {
        const found = /([^&|;]*?)\s*(?<!-)(<=?|>=?)\s*(?:\([^()]*\)\s*)*(?:\(long\)\s*)?(?:\w+->)?data_end\b/.exec(row);
        const left = found?.[1]!.replace(/^.*?\b(?:if|while)\s*\(/, "").trim();
        return found && left ? [{ line: i + 1, column: row.indexOf(left) + 1, row, left, operator: found[2]! }] : [];
      })
      .reverse();
  }

  /** What a pointer was computed from, where it is declared or assigned before a line: the right side. */
  origin(variable: string, before: number): (Spot & { text: string }) | undefined {
    const rows = this.#bare.split("\n");
    for (let line = before; line >= 1; line--) {
      const found = new RegExp(`\\b${variable}\\s*=(?!=)\\s*([^;,]*)`).exec(rows[line - 1] ?? "");
      if (found) return { line, column: found.index + 1, text: found[1]!.trim() };
    }
    return undefined;
  }

  /** The line of the `while` or `for` that a line stands in. */
  loop(line: number): Spot | undefined {
    const rows = this.#bare.split("\n");
    for (let at = line; at >= 1; at--) {
      const column = /\b(?:while|for|do|goto)\b/.exec(rows[at - 1] ?? "")?.index;
      if (column !== undefined) return { line: at, column: column + 1 };
      if (/^\}/.test(rows[at - 1] ?? "") && at < line) return undefined;
    }
    return undefined;
  }
}
