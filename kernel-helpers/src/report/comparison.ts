import { escapeHtml } from "../text.js";
import { type Cell, type Notebook, type Output, sourceOf } from "./notebook.js";
import type { ParameterValue } from "./parameters.js";
import type { Run } from "./report.js";

/** A run of a sweep, and where its own page is, seen from the comparison. */
export interface SweepRun extends Run {
  /** The values that the sweep set. */
  set: Record<string, ParameterValue>;
  /** The page's address relative to the comparison's. */
  page: string;
}

/** `threshold = 20, peers = 3`. */
export function describeSet(set: Record<string, ParameterValue>): string {
  return Object.entries(set).map(([name, value]) => `${name} = ${String(value)}`).join(", ");
}

/**
 * A notebook that lays the runs of a sweep side by side: for each cell that shows a chart or a table, what it showed
 * in each run, under the heading of its section.
 */
export function compareRuns(name: string, runs: readonly SweepRun[]): Notebook {
  const first = runs.reduce((longest, run) => (run.notebook.cells.length > longest.notebook.cells.length ? run : longest));
  const cells: Cell[] = [html(`<h1>${escapeHtml(`${titleOf(first.notebook) ?? name}: ${Object.keys(first.set).join(", ")} compared`)}</h1>`), html(overview(runs))];
  let heading: string | undefined;
  first.notebook.cells.forEach((cell, index) => {
    if (cell.cell_type === "markdown") heading = headingOf(sourceOf(cell)) ?? heading;
    const shown = runs.map((run) => (run.notebook.cells[index]?.outputs ?? []).filter(isPicture).map(asDisplay));
    if (shown.every((outputs) => outputs.length === 0)) return;
    if (heading !== undefined) cells.push(markdown(`## ${heading}`));
    heading = undefined;
    runs.forEach((run, i) => {
      cells.push(html(`<p><strong>${escapeHtml(describeSet(run.set))}</strong></p>`));
      cells.push({ cell_type: "code", metadata: {}, source: "", execution_count: null, outputs: shown[i] });
    });
  });
  const about = { ...(first.notebook.metadata["bpflab"] as object), parameters: listedValues(runs), folded: true };
  return { ...first.notebook, cells: cells.map((cell, i) => ({ id: `cell-${i}`, ...cell })), metadata: { ...first.notebook.metadata, bpflab: about } };
}

/** What is worth comparing: charts and tables, not what was printed. */
const isPicture = ({ data }: Output): boolean => data !== undefined && ("image/svg+xml" in data || "text/html" in data);

/** A cell's result has its number before it, which means nothing here. */
const asDisplay = ({ data, metadata }: Output): Output => ({ output_type: "display_data", data, metadata: metadata ?? {} });

function overview(runs: readonly SweepRun[]): string {
  const names = Object.keys(runs[0]!.set);
  const rows = runs.map(({ set, page, failure }) => {
    const values = names.map((name) => `<td>${escapeHtml(String(set[name]))}</td>`).join("");
    const state = failure ? `cell ${failure.cell} failed: ${escapeHtml(failure.ename)}` : "complete";
    return `<tr>${values}<td>${state}</td><td><a href="${escapeHtml(encodeURI(page))}">the whole page</a></td></tr>`;
  });
  const heads = [...names, "run", ""].map((name) => `<th>${escapeHtml(name)}</th>`).join("");
  return `<table><thead><tr>${heads}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

function listedValues(runs: readonly SweepRun[]): Record<string, string> {
  const names = Object.keys(runs[0]!.parameters);
  return Object.fromEntries(names.map((name) => [name, [...new Set(runs.map(({ parameters }) => String(parameters[name])))].join(", ")]));
}

function titleOf(notebook: Notebook): string | undefined {
  for (const cell of notebook.cells) {
    const title = cell.cell_type === "markdown" ? /^# +(.+)$/m.exec(sourceOf(cell)) : undefined;
    if (title) return title[1];
  }
  return undefined;
}

/** The last heading of a cell: what its code below is about. */
const headingOf = (source: string): string | undefined => [...source.matchAll(/^#{2,3} +(.+)$/gm)].at(-1)?.[1];

const markdown = (source: string): Cell => ({ cell_type: "markdown", metadata: {}, source });
const html = markdown; // Markdown takes HTML as it is
