/** The session's cells, as `history_request` asks for them. */

type Entry = [session: number, line: number, source: string | [input: string, output: string | null]];

/** One process is one session; its number says nothing beyond it. */
const SESSION = 1;

export class History {
  readonly #cells: { line: number; input: string; output: string | null }[] = [];

  add(line: number, input: string, output: string | null): void {
    this.#cells.push({ line, input, output });
  }

  /** Answers the three kinds of access: `tail`, `range` and `search`. */
  query(content: Record<string, unknown>): Entry[] {
    const count = Number(content["n"] ?? 10);
    let cells = this.#cells;
    switch (content["hist_access_type"]) {
      case "range": {
        const session = Number(content["session"] ?? 0);
        const start = Number(content["start"] ?? 0);
        const stop = content["stop"] == null ? Infinity : Number(content["stop"]);
        // 0 is the current session, as negative numbers count back from it.
        cells = session === 0 || session === SESSION ? cells.filter(({ line }) => line >= start && line < stop) : [];
        break;
      }
      case "search": {
        const wanted = globToRegExp(String(content["pattern"] ?? "*"));
        cells = cells.filter(({ input }) => wanted.test(input));
        if (content["unique"] === true) cells = [...new Map(cells.map((cell) => [cell.input, cell])).values()];
        if (content["n"] != null) cells = cells.slice(-count);
        break;
      }
      default:
        cells = cells.slice(-count);
    }
    return cells.map(({ line, input, output }) => [
      SESSION,
      line,
      content["output"] === true ? [input, output] : input,
    ]);
  }
}

function globToRegExp(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*/g, ".*")
    .replace(/\?/g, ".");
  return new RegExp(`^${source}$`, "s");
}
