import { writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { visible } from "../base/text.js";
import { inScratch } from "../base/scratch.js";
import { thisMachine, timeText } from "../base/machine.js";
import { executeNotebook, type CellFailure, type Progress } from "./execute.js";
import { writeHtml } from "./html-page.js";
import { type Notebook, readNotebook } from "./notebook.js";
import { type ParameterValue, parametersOf, withParameters } from "./parameters.js";
import { reportPython } from "./python.js";

/** A notebook that has run. */
export interface Run {
  /** Its cells with their outputs, up to the one that failed if one did. */
  notebook: Notebook;
  /** What the parameters were, those left at their defaults included. */
  parameters: Record<string, ParameterValue>;
  failure: CellFailure | undefined;
}

export interface ReportOptions {
  /** Values for the variables of the cell tagged `parameters`. */
  parameters?: Record<string, ParameterValue>;
  onProgress?: (progress: Progress) => void;
}

/**
 * Runs a notebook and writes the page that shows it; the notebook itself stays as it is. When a cell fails the page
 * shows what ran up to there, the error included.
 *
 * @param path the `.ipynb` file; its cells run in its directory
 * @param page the `.html` file to write; its directory is there
 * @throws MissingFeatureError when nbconvert is not there, BpflabError when the notebook cannot be read
 * @example
 * const { failure } = await makeReport("notebooks/01-minimal.ipynb", "reports/01-minimal.html");
 */
export async function makeReport(
  path: string,
  page: string,
  { parameters = {}, onProgress }: ReportOptions = {},
): Promise<Run> {
  const python = await reportPython();
  const directory = dirname(resolve(path));
  const given = withParameters(await readNotebook(path), parameters);
  const values = Object.fromEntries(parametersOf(given).map(({ name, value }) => [name, value]));
  const about = {
    ...thisMachine(),
    started: timeText(Date.now()),
    parameters: Object.entries(values).map(([name, value]) => [name, visible(String(value))]), // a list keeps its order in the file
    folded: Object.keys(values).length > 0, // who sets parameters wants the answer, who reads a walk wants the code
  };
  return inScratch("bpflab-report-", async (scratch) => {
    const source = join(scratch, "source.ipynb");
    const executed = join(scratch, basename(path));
    await writeFile(source, JSON.stringify(given));
    const failure = await executeNotebook(source, executed, {
      python,
      directory,
      about,
      onProgress,
    });
    await writeHtml(executed, resolve(page), { python, directory });
    return { notebook: await readNotebook(executed), parameters: values, failure };
  });
}

/**
 * Writes a notebook, as it is, as a page.
 *
 * @param directory where the pictures that its text shows are found from
 */
export async function writePage(notebook: Notebook, page: string, directory: string): Promise<void> {
  const python = await reportPython();
  await inScratch("bpflab-report-", async (scratch) => {
    const file = join(scratch, `${basename(page, ".html")}.ipynb`);
    await writeFile(file, JSON.stringify(notebook));
    await writeHtml(file, resolve(page), { python, directory });
  });
}
