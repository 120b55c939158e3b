/** A table as a notebook shows it: its head with units, shape and losses. */
import type { ColumnTable } from "arquero";
import type { MimeBundle } from "../base/display.js";
import { tableHtml, type TableViewOptions } from "./table-html.js";
import { tableText } from "./plain.js";

/** The representations of a table: `text/html` and `text/plain`, the head only. */
export function tableBundle(table: ColumnTable, options: TableViewOptions = {}): MimeBundle {
  return { "text/html": tableHtml(table, options), "text/plain": tableText(table, options) };
}
