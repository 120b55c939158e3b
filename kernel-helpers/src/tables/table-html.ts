import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ColumnTable } from "arquero";
import { captureOf, lossNote } from "../streams/capture.js";
import { type CellColumn, headOf } from "./cells.js";
import { html, type Html, trusted } from "../base/html.js";

// JupyterLab's and nbconvert's own rules for tables carry two classes or three; the doubled
// class outranks them. Their variables follow the theme, the fallbacks serve every other page.
// A notebook that JupyterLab does not trust loses this sheet: alignment is inline, and units have a line break.
const STYLE = `
.bpflab-table.bpflab-table { margin: 0.25em 0 0.75em; font-size: var(--jp-ui-font-size1, 13px); color: var(--jp-content-font-color1, inherit); }
.bpflab-table.bpflab-table .rows { overflow: auto; max-height: 43em; width: fit-content; max-width: 100%; }
.bpflab-table.bpflab-table table { border-collapse: separate; border-spacing: 0; margin: 0; border: 0; font-size: inherit;
  font-variant-numeric: tabular-nums; table-layout: auto; width: auto; }
.bpflab-table.bpflab-table table :is(th, td) { padding: 3px 10px; border: 0; vertical-align: top; white-space: pre;
  max-width: 40em; overflow: hidden; text-overflow: ellipsis; background: transparent; }
.bpflab-table.bpflab-table thead th { position: sticky; top: 0; background: var(--jp-layout-color0, Canvas); font-weight: 600; border-bottom: 1px solid var(--jp-border-color1, #9e9e9e); }
.bpflab-table.bpflab-table thead th small { font-weight: 400; font-size: 0.85em; color: var(--jp-content-font-color2, inherit); }
.bpflab-table.bpflab-table thead th[aria-sort=ascending] small::after { content: " ▲"; }
.bpflab-table.bpflab-table thead th[aria-sort=descending] small::after { content: " ▼"; }
.bpflab-table.bpflab-table table tbody tr:is(:nth-child(odd), :nth-child(even)) { background: transparent; }
.bpflab-table.bpflab-table table tbody tr:nth-child(even) { background: var(--jp-layout-color2, rgba(128, 128, 128, 0.12)); }
.bpflab-table.bpflab-table table tbody tr:hover { background: var(--jp-rendermime-table-row-hover-background, rgba(86, 180, 233, 0.2)); }
.bpflab-table.bpflab-table p { margin: 0.4em 0 0 0; padding: 0 10px; font-size: 0.9em; color: var(--jp-content-font-color2, inherit); }
.bpflab-table.bpflab-table p.loss { margin: 0 0 0.4em 10px; padding: 4px 10px; color: inherit; border-left: 4px solid #d55e00; }
@page bpflab-wide { size: landscape; }
@media print {
  .bpflab-table.bpflab-table .rows { overflow: visible; max-height: none; max-width: none; }
  .bpflab-table.bpflab-table table :is(th, td) { max-width: none; padding: 2px 6px; }
  .bpflab-table.bpflab-table table .long { white-space: pre-wrap; overflow-wrap: anywhere; }
  .bpflab-table.bpflab-table thead { display: table-header-group; }
  .bpflab-table.bpflab-table thead th { position: static; }
  .bpflab-table.bpflab-table tr { break-inside: avoid; }
  .bpflab-table:not(.very-wide, :has(tbody tr:nth-child(26))) { break-inside: avoid; }
  .bpflab-table.bpflab-table p { break-before: avoid; }
  .bpflab-table.turned { page: bpflab-wide; }
  .bpflab-table.wide table { font-size: var(--print-size); }
  .bpflab-table.very-wide :is(table, tbody) { display: block; font-size: inherit; }
  .bpflab-table.very-wide thead { display: none; }
  .bpflab-table.very-wide tr { display: block; padding: 4px 0; border-top: 1px solid #9e9e9e; }
  .bpflab-table.bpflab-table.very-wide td { display: inline-block; padding: 0 1.2em 0 0; text-align: left !important; max-width: 100%; }
  .bpflab-table.very-wide td::before { content: attr(data-name) " "; color: #616161; font-size: 0.9em; }
}
`;

let sortScript: string | undefined;

/** What sorts tables in a page; an exported page's policy lets only its own copy run. */
function sorting(): Html {
  // The sources hold what tsc does not copy; from dist/tables as from src/tables this is the same path.
  sortScript ??= readFileSync(fileURLToPath(new URL("../../src/tables/sort.browser.js", import.meta.url)), "utf8");
  return html`<script class="bpflab-sorting">${trusted(sortScript)}</script>`;
}

/** How much of a table to show. */
export interface TableViewOptions {
  /** Rows to show, from the top; default 100 in a page, where they scroll, and 20 as text. */
  limit?: number;
}

const SHOWN_ROWS = 100;
/** Most rows that a page is given. */
export const MOST_ROWS = 10_000;

/**
 * The head of a table as self-contained HTML: names with units, its shape, and what was lost from its events. Longer
 * ones scroll, and a click on a heading sorts the rows that are there. All text is escaped, and what would be unseen
 * in it is made visible.
 */
export function tableHtml(table: ColumnTable, { limit = SHOWN_ROWS }: TableViewOptions = {}): string {
  const { columns, caption } = headOf(table, limit);
  const loss = lossNote(captureOf(table));
  const paper = onPaper(columns);
  const header = columns.map(
    ({ name, heading, unit, align }) =>
      html`<th scope="col" style="text-align:${align}"${heading !== name && html` title="${name}"`}>${heading}<br><small>${unit}</small></th>`,
  );
  const wraps = columns.map(({ align, cells }) => align === "left" && cells.some(({ length }) => length > FEW_LETTERS));
  const body = (columns[0]?.cells ?? []).map((_, row) => {
    const cells = columns.map(({ heading, unit, align, cells, titles }, column) => {
      const title = titles[row] !== undefined && html` title="${titles[row]}"`;
      const name = paper.named && html` data-name="${unit ? `${heading} (${unit})` : heading}"`;
      return html`<td style="text-align:${align}"${wraps[column] && html` class="long"`}${title}${name}>${cells[row]}</td>`;
    });
    return html`<tr>${cells}</tr>\n`;
  });
  const rest = limit < MOST_ROWS && limit < table.numRows() ? `; showTable(table, { limit: … }) shows more` : "";
  return html`<div class="bpflab-table${paper.classes}"${paper.style}><style>${trusted(STYLE)}</style>
${loss && html`<p class="loss"><strong>${loss}</strong></p>`}
<div class="rows" tabindex="0" role="group" aria-label="table of ${caption}">
<table><thead><tr>${header}</tr></thead><tbody>${body}</tbody></table>
</div><p>${caption}${rest}</p></div>
${body.length > 1 && sorting()}`.toString();
}

/** Characters that fit across an upright page and one on its side, with some room between columns. */
const UPRIGHT_WIDTH = 105;
const SIDEWAYS_WIDTH = 160;
/** Rows that are no reason to turn a page. */
const FEW_ROWS = 3;
/** Letters of a text that needs no second line: names of processes have 15. */
const FEW_LETTERS = 24;

/**
 * How a table is to be printed whole: a wide one smaller, a wider one on its side too, which turns a page for it, and the
 * widest, or one of a few rows that is not worth a page, as a list of names and values a row.
 */
function onPaper(columns: readonly CellColumn[]): { classes: string; style: Html | undefined; named: boolean } {
  const width = columns.reduce((sum, { heading, unit, cells }) => {
    const texts = [heading, unit ?? "", ...cells];
    return (
      sum +
      3 +
      Math.min(
        texts.reduce((longest, text) => Math.max(longest, text.length), 0),
        40,
      )
    );
  }, 0);
  if (width <= UPRIGHT_WIDTH) return { classes: "", style: undefined, named: false };
  const sized = (classes: string, fitting: number) => ({
    classes,
    style: html` style="--print-size:${Math.min(9, (9.5 * fitting) / width).toFixed(1)}pt"`,
    named: false,
  });
  if (width <= UPRIGHT_WIDTH * 1.4) return sized(" wide", UPRIGHT_WIDTH);
  const rows = columns[0]?.cells.length ?? 0;
  if (rows <= FEW_ROWS || width > SIDEWAYS_WIDTH * 1.9) return { classes: " very-wide", style: undefined, named: true };
  return sized(" wide turned", SIDEWAYS_WIDTH);
}
