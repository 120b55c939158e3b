import type { Hook } from "../hooks/hook.js";
import type { Parsed } from "../expression/parse.js";
import type { Names, Type } from "../value-types.js";
import type { Line } from "./body.js";
import type { AggregateName, Bounds } from "./rollup.js";

/** A column of the answer, and the member of the C struct that it comes from. */
export interface OutputColumn {
  name: string;
  member: string;
  type: Type;
  /** True when it may be null, NaN or an infinity, which a byte beside it says. */
  special: boolean;
  /** Of a rollup: what it adds up. */
  how?: AggregateName;
  bounds?: Bounds;
  names?: Names;
}

/** A question as a program: what `.source()` shows, what the compiler gets, and how to read the answer. */
export interface Page {
  /** The C text. */
  text: string;
  /** For each line of the text, counting from 1, the expression that it came from. */
  origins: ReadonlyMap<number, Parsed>;
  /** Events through a ring buffer, or groups in a map. */
  answer: "events" | "groups";
  /** Of groups: whether there are keys, or one row for all. */
  keyed: boolean;
  columns: OutputColumn[];
  /** Of groups: what the answer computes from its columns, by the names that it then has; as they are, if undefined. */
  formulas: ReadonlyMap<string, string | undefined>;
  /** Globals in C by the name of the parameter. */
  params: ReadonlyMap<string, string>;
  /** Hooks by the name of their program. */
  hooks: ReadonlyMap<string, Pick<Hook, "name" | "attach">>;
  usesStacks: boolean;
}

/** Gathers the lines of a page and where they came from. */
export class Writer {
  readonly #lines: string[] = [];
  readonly origins = new Map<number, Parsed>();

  add(...lines: string[]): this {
    for (const line of lines) this.#lines.push(...line.split("\n"));
    return this;
  }

  addFrom(lines: readonly Line[], indent = "\t"): this {
    for (const { text, origin } of lines) {
      for (const row of text.split("\n")) {
        this.#lines.push(row === "" ? "" : indent + row);
        if (origin) this.origins.set(this.#lines.length, origin);
      }
    }
    return this;
  }

  get text(): string {
    return `${this.#lines.join("\n")}\n`;
  }
}

/** Text that can stand in a C comment. */
export function comment(text: string): string {
  return text.replace(/\*\//g, "* /").replace(/\/\*/g, "/ *").replace(/\s+/g, " ").trim();
}
