/** The results of a set of submissions, as files: a line each, all of it, and a page each. */
import { readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { stringify } from "csv-stringify/sync";
import { html } from "../base/html.js";
import { visible } from "../base/text.js";
import type { Cell, Notebook } from "../report/notebook.js";
import { writePage } from "../report/report.js";
import type { Grade } from "./grade.js";

/** A submission with its page, by its path from the CSV file. */
export type Graded = Grade & { page: string };

/**
 * A line for each submission, with a column for each step, for a spreadsheet: what would be a formula there is quoted.
 */
export function asCsv(grades: readonly Graded[]): string {
  const most = Math.max(0, ...grades.map(({ steps }) => steps.length));
  const records = grades.map(({ submission, outcome, points, bounds, seconds, steps, detail, page }) => ({
    submission,
    outcome,
    points: points.reached,
    of: points.of,
    ...Object.fromEntries(
      Array.from({ length: most }, (_, i) => [
        `step_${i + 1}`,
        steps[i] === undefined ? "" : steps[i].passed ? steps[i].points : 0,
      ]),
    ),
    seconds: seconds.toFixed(1),
    bounds,
    detail: visible(detail),
    page,
  }));
  return stringify(records, { header: true, escape_formulas: true });
}

/** All that is known of each submission, except the notebooks. */
export function asJson(grades: readonly Graded[]): string {
  return `${JSON.stringify(
    grades.map(({ notebook: _, ...grade }) => grade),
    undefined,
    2,
  )}\n`;
}

/** What a student put into the page runs nothing and loads nothing when the teacher opens it. */
const POLICY = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:">`;

/** Writes the submission as it ran, below a list of its steps. */
export async function writeGradePage(grade: Grade, page: string): Promise<void> {
  const { notebook = emptyNotebook, ...rest } = grade;
  const cells = notebook.cells.map((cell) => (cell.cell_type === "code" ? { outputs: [], ...cell } : cell));
  await writePage({ ...notebook, cells: [head(rest), ...cells] }, page, dirname(page));
  const text = await readFile(page, "utf8");
  await writeFile(
    page,
    text.replace(/<head>/i, (tag) => `${tag}${POLICY}`),
  );
}

const emptyNotebook: Notebook = { cells: [], metadata: {}, nbformat: 4, nbformat_minor: 5 };

function head({ submission, outcome, detail, points, steps, errors }: Omit<Grade, "notebook">): Cell {
  const rows = steps.map(
    ({ name, points, passed, message }) =>
      html`<li>${passed ? "✓" : "✗"} ${name} (${passed ? points : 0} of ${points})${message === undefined ? "" : html`<br><em>${message}</em>`}</li>`,
  );
  const failed = errors.map(({ cell, ename, evalue }) => html`<li>cell ${cell}: ${ename}: ${evalue}</li>`);
  const page = html`<h1>${submission}: ${points.reached} of ${points.of} points</h1><p><b>${outcome}</b>${detail && `: ${detail}`}</p><ul style="list-style:none">${rows}</ul>${failed.length > 0 && html`<p>Cells that failed:</p><ul>${failed}</ul>`}`;
  const bundle = { output_type: "display_data", metadata: {}, data: { "text/html": page.toString() } };
  return { id: "bpflab-grade", cell_type: "code", execution_count: null, metadata: {}, source: "", outputs: [bundle] };
}
