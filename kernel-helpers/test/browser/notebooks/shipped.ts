import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { outsideLoads } from "../../../dist/report/html-page.js";
import { Executed, type SavedCell } from "../../notebooks/executed.js";
import { assertReadable } from "../contrast.js";
import { Lab } from "../lab.js";
import { assertDrawn, type NotebookPage } from "../notebook-page.js";

/** High enough for a whole notebook, so that JupyterLab draws every cell and a picture shows it all. */
export const WHOLE = 15_000;
/** What a page may weigh, in bytes. */
const MOST = 3e6;

/** A shipped notebook that has run in JupyterLab. */
export interface Ran {
  lab: Lab;
  notebook: NotebookPage;
  /** Its code cells as they were saved. */
  cells: SavedCell[];
  /** What they show. */
  executed: Executed;
  /** The page that the menu's export makes of it. */
  page: string;
}

/**
 * Tests that a shipped notebook runs from top to bottom in JupyterLab without an error, draws its charts, shows tables
 * that can be read, and becomes a page of its own through the menu.
 *
 * @param more.before called when the notebook is open, before it runs; what it returns is awaited after the run
 * @param more.then looks at what is particular to this notebook
 */
export function testNotebook(
  name: string,
  more: { before?: (notebook: NotebookPage) => Promise<void>; then?: (ran: Ran) => Promise<void> } = {},
): void {
  describe(name, () => {
    let lab: Lab;
    before(async () => {
      lab = await Lab.start();
    });
    after(() => lab.close());

    it("runs from top to bottom in JupyterLab", async () => {
      const notebook = await lab.open(await lab.copy(`${name}.ipynb`), { height: WHOLE });
      const watched = more.before?.(notebook);
      await notebook.runAll(240_000);
      await watched;
      await notebook.picture(name);
      await notebook.save();
      const cells = await lab.saved(notebook.name);
      const bad = cells
        .flatMap(({ outputs }) => outputs)
        .filter(({ output_type, name }) => output_type === "error" || name === "stderr");
      assert.deepEqual(bad, []);
      assert.ok(
        cells.every(({ execution_count }) => execution_count !== null),
        "every cell has run",
      );
      await assertReadable(notebook.outputs.and(notebook.page.locator(":not(.jp-RenderedMarkdown)"))); // code in which JupyterLab colours itself
      const drawn = cells
        .flatMap(({ outputs }) => outputs)
        .filter(({ data }) => data?.["application/vnd.vegalite.v5+json"]);
      assert.equal(await notebook.charts.count(), drawn.length);
      for (const chart of await notebook.charts.all()) await assertDrawn(chart);
      for (const table of await notebook.outputs.locator(".bpflab-table table").all())
        assert.ok((await table.locator("tbody td").count()) > 0, "a table with rows");

      const page = await notebook.exportHtml();
      assert.ok(Buffer.byteLength(page) <= MOST, `a page of ${Buffer.byteLength(page)} bytes`);
      assert.deepEqual(outsideLoads(page), []);
      await writeFile(join(lab.directory, "exported.html"), page);
      const tab = await lab.newPage();
      await tab.goto(pathToFileURL(join(lab.directory, "exported.html")).href);
      if (drawn.length > 0)
        await tab
          .locator(".vega-embed svg.marks")
          .nth(drawn.length - 1)
          .waitFor();
      const tables = notebook.outputs.locator(".bpflab-table table");
      assert.deepEqual(await tab.locator(".bpflab-table table").allInnerTexts(), await tables.allInnerTexts());
      assert.doesNotMatch(await tab.locator("body").innerText(), /<\/?(style|table|div|kbd)\b/, "tags as text");
      await tab.close();
      await more.then?.({ lab, notebook, cells, executed: new Executed(cells), page });
      await notebook.close();
      await lab.shutdownKernels();
    });
  });
}

/** The answers that a report's notebook writes at its top when all has run: question by question. */
export async function answersOf(notebook: NotebookPage): Promise<Map<string, string>> {
  const table = notebook.outputs.locator(".bpflab-table").first();
  await table.locator("tbody tr").nth(1).waitFor();
  const rows = await table
    .locator("tbody tr")
    .evaluateAll((all) => all.map((row) => Array.from(row.querySelectorAll("td"), (cell) => cell.textContent ?? "")));
  return new Map(rows as [string, string][]);
}
