import assert from "node:assert/strict";

/** A cell as a notebook's file has it. */
export interface SavedCell {
  cell_type: string;
  source: string | string[];
  execution_count?: number | null;
  outputs: { output_type: string; name?: string; text?: string | string[]; data?: Record<string, unknown> }[];
}

interface Cell {
  source: string;
  outputs: { text?: string; data: Record<string, unknown> }[];
}

const joined = (text: unknown) => (Array.isArray(text) ? text.join("") : text);

/** A notebook after its run. */
export class Executed {
  private readonly cells: readonly Cell[];

  constructor(saved: readonly SavedCell[]) {
    this.cells = saved
      .filter(({ cell_type }) => cell_type === "code")
      .map(({ source, outputs }) => ({
        source: joined(source) as string,
        outputs: outputs.map(({ text, data = {} }) => ({
          ...(text === undefined ? {} : { text: joined(text) as string }),
          data: Object.fromEntries(Object.entries(data).map(([type, value]) => [type, joined(value)])),
        })),
      }));
  }

  /** The code cell that holds a text. */
  private cell(holding: string): Cell {
    const found = this.cells.filter(({ source }) => source.includes(holding));
    assert.equal(found.length, 1, `${found.length} cells hold ${holding}`);
    return found[0]!;
  }

  /** What the cell that holds a text shows, as text. */
  text(holding: string): string {
    return this.cell(holding)
      .outputs.map(({ text, data }) => text ?? String(data["text/plain"] ?? ""))
      .join("\n");
  }

  /** The rows of the table that the cell shows last, cell by cell; without its head and its caption. */
  rows(holding: string): string[][] {
    const table = String(this.cell(holding).outputs.at(-1)!.data["text/plain"]).trim().split("\n");
    return table
      .filter((line) => !line.startsWith("Incomplete"))
      .slice(1, -1)
      .map((line) => line.trim().split(/ {2,}/));
  }

  /** The chart that the cell shows, as JSON: beside it there is a picture for pages without scripts. */
  chart(holding: string): string {
    const { data } = this.cell(holding).outputs.find(({ data: one }) => one["application/vnd.vegalite.v5+json"])!;
    assert.match(String(data["image/svg+xml"]), /^<svg/);
    return JSON.stringify(data["application/vnd.vegalite.v5+json"]);
  }
}
