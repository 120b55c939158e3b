/** The exercises' notebooks: they run as they are handed out, and with the gaps filled in every step passes. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { executeNotebook } from "../../dist/report/execute.js";
import type { Notebook } from "../../dist/report/notebook.js";
import { reportPython } from "../../dist/report/python.js";
import { solutions, solved } from "./exercise-solutions.js";

const directory = fileURLToPath(new URL("../../../notebooks/exercises/", import.meta.url));
const MIME = "application/vnd.bpflab.exercise+json";

interface Result {
  exercise: string;
  steps: { name: string; points: number; passed: boolean; message?: string }[];
}

describe("the exercises' notebooks", () => {
  let scratch: string;
  before(async () => void (scratch = await mkdtemp(join(tmpdir(), "bpflab-exercises-"))));
  after(() => rm(scratch, { recursive: true }));

  async function run(name: string, notebook: Notebook): Promise<Result> {
    const [from, to] = [join(scratch, `${name}.ipynb`), join(scratch, `${name}-run.ipynb`)];
    await writeFile(from, JSON.stringify(notebook));
    const failure = await executeNotebook(from, to, { python: await reportPython(), directory: scratch, about: {} });
    assert.equal(failure, undefined, JSON.stringify(failure));
    const { cells } = JSON.parse(await readFile(to, "utf8")) as Notebook;
    const outputs = cells.flatMap(({ outputs = [] }) => outputs);
    assert.ok(
      !outputs.some((output) => output["name"] === "stderr"),
      "nothing on standard error: nbgrader takes it for a failure",
    );
    return outputs.flatMap(({ data }) => (data?.[MIME] as Result | undefined) ?? [])[0]!;
  }

  test("there is a solution to each, and each has one check", async () => {
    const names = (await readdir(directory))
      .filter((file) => file.endsWith(".ipynb"))
      .map((file) => basename(file, ".ipynb"));
    assert.deepEqual(names.sort(), Object.keys(solutions).sort());
  });

  test("with its gaps one runs to its end, and says what is missing", async () => {
    const notebook = JSON.parse(await readFile(join(directory, "2-hashmap.ipynb"), "utf8")) as Notebook;
    const { steps } = await run("open", notebook);
    assert.ok(steps.some(({ passed, message }) => !passed && message?.includes("no line is printed")));
  });

  for (const [name, fills] of Object.entries(solutions)) {
    test(`${name}: filled in, it runs and all steps pass`, async () => {
      const notebook = JSON.parse(await readFile(join(directory, `${name}.ipynb`), "utf8")) as Notebook;
      const done = await run(`${name}-solved`, solved(notebook, fills));
      assert.deepEqual(
        done.steps.filter(({ passed, points }) => !passed && points > 0),
        [],
      );
      const graded = notebook.cells.filter(
        ({ metadata }) => (metadata["nbgrader"] as { grade?: boolean } | undefined)?.grade,
      );
      assert.equal(graded.length, 1);
      assert.equal(
        (graded[0]!.metadata["nbgrader"] as { points: number }).points,
        done.steps.reduce((sum, { points }) => sum + points, 0),
      );
    });
  }
});
