import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { executeNotebook, type CellFailure, type Progress } from "./execute.js";
import { writeHtml } from "./html.js";
import { reportPython } from "./python.js";

/**
 * Runs a notebook and writes the page that shows it; the notebook itself stays as it is. When a cell fails the page
 * shows what ran up to there, the error included.
 *
 * @param notebook the `.ipynb` file; its cells run in its directory
 * @param page the `.html` file to write
 * @returns the failure, if there was one
 * @throws MissingFeatureError when nbconvert is not there, BpflabError when the notebook cannot be read
 * @example
 * const failure = await makeReport("notebooks/01-minimal.ipynb", "reports/01-minimal.html");
 */
export async function makeReport(
  notebook: string,
  page: string,
  { onProgress }: { onProgress?: (progress: Progress) => void } = {},
): Promise<CellFailure | undefined> {
  const python = await reportPython();
  const work = await mkdtemp(join(tmpdir(), "bpflab-report-"));
  try {
    const executed = join(work, basename(notebook)); // the name becomes the page's title
    const failure = await executeNotebook(resolve(notebook), executed, { python, directory: dirname(resolve(notebook)), onProgress });
    await mkdir(dirname(resolve(page)), { recursive: true });
    await writeHtml(executed, resolve(page), { python });
    return failure;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
