import type { ColumnTable } from "arquero";
import { captureOf, lossNote } from "../streams/capture.js";
import { headOf } from "./cells.js";
import type { TableViewOptions } from "./table-html.js";
import { visible } from "../base/text.js";

/**
 * The head of a table as aligned text for a terminal, with units, shape and loss.
 *
 * @example
 * console.log(tableText(writes))
 */
export function tableText(table: ColumnTable, { limit = 20 }: TableViewOptions = {}): string {
  const { columns, caption } = headOf(table, limit);
  const loss = lossNote(captureOf(table));
  const blocks = columns.map(({ heading, unit, align, cells }) => {
    const lines = [unit ? `${heading} (${unit})` : heading, ...cells].map(visible);
    const width = Math.max(...lines.map((line) => line.length));
    return lines.map((line) => (align === "right" ? line.padStart(width) : line.padEnd(width)));
  });
  const lines = (blocks[0] ?? []).map((_, row) =>
    blocks
      .map((block) => block[row])
      .join("  ")
      .trimEnd(),
  );
  return [...(loss === undefined ? [] : [visible(loss)]), ...lines, visible(caption)].join("\n");
}
