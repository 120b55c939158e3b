import assert from "node:assert/strict";
import type { Lab } from "./lab.js";
import type { NotebookPage } from "./notebook-page.js";

/** High enough for a whole notebook, so that JupyterLab draws every cell and a picture shows it all. */
export const WHOLE = 15_000;

/** What a test does with a shipped notebook, in the lab that `lab` gives. */
export function wholeNotebooks(lab: () => Lab) {
  return {
    /** Opens a copy. */
    open: async (name: string): Promise<NotebookPage> => lab().open(await lab().copy(name), { height: WHOLE }),

    /** Saves a notebook that has run; fails on any error it shows. */
    async saveWithoutErrors(notebook: NotebookPage): Promise<void> {
      await notebook.picture(notebook.name.replace(".ipynb", ""));
      await notebook.save();
      const cells = await lab().saved(notebook.name);
      const bad = cells.flatMap(({ outputs }) => outputs).filter(({ output_type, name }) => output_type === "error" || name === "stderr");
      assert.deepEqual(bad, []);
      assert.ok(cells.every(({ execution_count }) => execution_count !== null), "every cell has run");
    },

    /** Closes the page and ends its kernel, so that nothing of one notebook runs into the next. */
    async close(notebook: NotebookPage): Promise<void> {
      await notebook.close();
      await lab().shutdownKernels();
    },
  };
}
