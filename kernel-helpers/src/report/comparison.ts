import { CAPTURE_MIME } from "../streams/capture.js";
import { html, type Html } from "../base/html.js";
import { visible } from "../base/text.js";
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
  return Object.entries(set)
    .map(([name, value]) => `${name} = ${String(value)}`)
    .join(", ");
}

/**
 * A notebook that lays the runs of a sweep side by side: for each cell that shows a chart or a table, what it showed
 * in each run, under the heading of its section.
 */
export function compareRuns(name: string, runs: readonly SweepRun[]): Notebook {
  const first = runs.reduce((longest, run) =>
    run.notebook.cells.length > longest.notebook.cells.length ? run : longest,
  );
  const varied = Object.keys(first.set).filter((name) => runs.some(({ set }) => set[name] !== first.set[name]));
  const cells: Cell[] = [
    markdown(html`<h1>${titleOf(first.notebook) ?? name}: ${varied.join(", ")} compared</h1>`),
    markdown(overview(runs, varied)),
  ];
  const accounts: Output[] = [];
  let heading: string | undefined;
  first.notebook.cells.forEach((cell, index) => {
    if (cell.cell_type === "markdown") heading = headingOf(sourceOf(cell)) ?? heading;
    const outputs = runs.map((run) => run.notebook.cells[index]?.outputs ?? []);
    accounts.push(
      ...outputs
        .flat()
        .filter((output) => !isPicture(output))
        .flatMap(accountOf),
    );
    const shown = outputs.map((all) => all.filter(isPicture).map(asDisplay));
    if (shown.every((outputs) => outputs.length === 0)) return;
    if (heading !== undefined) cells.push(markdown(`## ${heading}`));
    heading = undefined;
    runs.forEach((run, i) => {
      const set = Object.fromEntries(varied.map((name) => [name, run.set[name]!]));
      cells.push(markdown(html`<h4>${describeSet(set)}</h4>`));
      cells.push({ cell_type: "code", metadata: {}, source: "", execution_count: null, outputs: shown[i] });
    });
  });
  if (accounts.length > 0)
    cells.splice(2, 0, { cell_type: "code", metadata: {}, source: "", execution_count: null, outputs: accounts });
  const about = { ...(first.notebook.metadata["bpflab"] as object), parameters: listedValues(runs), folded: true };
  return {
    ...first.notebook,
    cells: cells.map((cell, i) => ({ id: `cell-${i}`, ...cell })),
    metadata: { ...first.notebook.metadata, bpflab: about },
  };
}

/** What is worth comparing: charts and tables, not what was printed. */
const isPicture = ({ data }: Output): boolean => data !== undefined && ("image/svg+xml" in data || "text/html" in data);

/** What an output says of a capture, which the cover adds up, and nothing to see. */
const accountOf = ({ data }: Output): Output[] =>
  data && CAPTURE_MIME in data
    ? [{ output_type: "display_data", data: { [CAPTURE_MIME]: data[CAPTURE_MIME] }, metadata: {} }]
    : [];

/** A cell's result has its number before it, which means nothing here. */
const asDisplay = ({ data, metadata }: Output): Output => ({
  output_type: "display_data",
  data,
  metadata: metadata ?? {},
});

function overview(runs: readonly SweepRun[], names: readonly string[]): Html {
  const rows = runs.map(({ set, page, failure }) => {
    const values = names.map((name) => html`<td>${String(set[name])}</td>`);
    const state = failure ? `cell ${failure.cell} failed: ${failure.ename}` : "complete";
    return html`<tr>${values}<td>${state}</td><td><a href="${encodeURI(page)}">the whole page</a></td></tr>`;
  });
  const heads = [...names, "run", ""].map((name) => html`<th>${name}</th>`);
  return html`<table><thead><tr>${heads}</tr></thead><tbody>${rows}</tbody></table>`;
}

function listedValues(runs: readonly SweepRun[]): [name: string, values: string][] {
  const names = Object.keys(runs[0]!.parameters);
  return names.map((name) => [
    name,
    [...new Set(runs.map(({ parameters }) => visible(String(parameters[name]))))].join(", "),
  ]);
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

/** A cell of Markdown, which takes HTML as it is. */
const markdown = (source: string | Html): Cell => ({ cell_type: "markdown", metadata: {}, source: String(source) });
