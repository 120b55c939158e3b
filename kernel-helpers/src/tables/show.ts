import { requireInteger } from "../base/arguments.js";
import type { ColumnTable } from "arquero";
import { type Displayable, mime } from "../base/display.js";
import { MOST_ROWS, tableHtml, type TableViewOptions } from "./table-html.js";
import { tableText } from "./plain.js";

/**
 * More of a table than a cell shows by itself, or less.
 *
 * @param options `limit`: rows to show, from the top, up to 10,000
 * @throws ArgumentError if `limit` is out of range
 * @example
 * showTable(latency.summary(writes, { by: "comm" }), { limit: 500 })
 */
export function showTable(table: ColumnTable, { limit = MOST_ROWS }: TableViewOptions = {}): Displayable {
  requireInteger("limit", limit, { from: 1, to: MOST_ROWS });
  return mime({ "text/html": tableHtml(table, { limit }), "text/plain": tableText(table, { limit }) });
}
