/**
 * Gives arquero's tables their notebook form. Imported for its effect: a table that is
 * a cell's last expression shows its head with units, shape and losses.
 */
import { ColumnTable } from "arquero";
import { displaySymbol, type MimeBundle } from "../base/display.js";
import { tableHtml, type TableViewOptions } from "./html.js";
import { tableText } from "./plain.js";

/** The representations of a table: `text/html` and `text/plain`, the head only. */
export function tableBundle(table: ColumnTable, options: TableViewOptions = {}): MimeBundle {
  return { "text/html": tableHtml(table, options), "text/plain": tableText(table, options) };
}

Object.defineProperty(ColumnTable.prototype, displaySymbol, {
  value(this: ColumnTable): MimeBundle {
    return tableBundle(this);
  },
  configurable: true,
  writable: true,
});
