import type { ColumnTable } from "arquero";
import { captureOf, lossNote } from "../streams/capture.js";
import { headOf } from "./cells.js";
import { escapeHtml } from "../base/text.js";

// JupyterLab's and nbconvert's own rules for tables carry two classes or three; the doubled
// class outranks them. Their variables follow the theme, the fallbacks serve every other page.
// A notebook that JupyterLab does not trust loses this sheet: alignment is inline, and units have a line break.
const style = `
.bpflab-table.bpflab-table { overflow-x: auto; margin: 0.25em 0 0.75em; font-size: var(--jp-ui-font-size1, 13px); color: var(--jp-content-font-color1, inherit); }
.bpflab-table.bpflab-table table { border-collapse: collapse; margin: 0; border: 0; font-size: inherit;
  font-variant-numeric: tabular-nums; table-layout: auto; width: auto; }
.bpflab-table.bpflab-table table :is(th, td) { padding: 3px 10px; border: 0; vertical-align: top; white-space: pre;
  max-width: 40em; overflow: hidden; text-overflow: ellipsis; background: transparent; }
.bpflab-table.bpflab-table thead th { font-weight: 600; border-bottom: 1px solid var(--jp-border-color1, #9e9e9e); }
.bpflab-table.bpflab-table thead th small { font-weight: 400; font-size: 0.85em; opacity: 0.75; }
.bpflab-table.bpflab-table table tbody tr:is(:nth-child(odd), :nth-child(even)) { background: transparent; }
.bpflab-table.bpflab-table table tbody tr:nth-child(even) { background: var(--jp-layout-color2, rgba(128, 128, 128, 0.12)); }
.bpflab-table.bpflab-table table tbody tr:hover { background: var(--jp-rendermime-table-row-hover-background, rgba(86, 180, 233, 0.2)); }
.bpflab-table.bpflab-table p { margin: 0.4em 0 0 0; padding: 0 10px; font-size: 0.9em; opacity: 0.8; }
.bpflab-table.bpflab-table p.loss { margin: 0 0 0.4em 10px; padding: 4px 10px; opacity: 1; border-left: 4px solid #d55e00; }
@media print { .bpflab-table.bpflab-table { overflow: visible; break-inside: avoid; } }
`;

/** How much of a table to show. */
export interface TableViewOptions {
  /** Rows to show, from the top; default 20. */
  limit?: number;
}

/**
 * The head of a table as self-contained HTML: names with units, its shape, and what was lost
 * from its events. All text is escaped, and what would be unseen in it is made visible.
 */
export function tableHtml(table: ColumnTable, { limit = 20 }: TableViewOptions = {}): string {
  const { columns, caption } = headOf(table, limit);
  const loss = lossNote(captureOf(table));
  const header = columns.map(
    ({ name, unit, align }) =>
      `<th style="text-align:${align}">${escapeHtml(name)}<br><small>${escapeHtml(unit ?? "")}</small></th>`,
  );
  const body = (columns[0]?.cells ?? []).map((_, row) => {
    const cells = columns.map(({ align, cells }) => `<td style="text-align:${align}">${escapeHtml(cells[row]!)}</td>`);
    return `<tr>${cells.join("")}</tr>`;
  });
  return [
    `<div class="bpflab-table"><style>${style}</style>`,
    loss ? `<p class="loss"><strong>${escapeHtml(loss)}</strong></p>` : "",
    `<table><thead><tr>${header.join("")}</tr></thead><tbody>${body.join("\n")}</tbody></table>`,
    `<p>${escapeHtml(caption)}</p></div>`,
  ]
    .filter(Boolean)
    .join("\n");
}
