import { mkdir, readdir, stat } from "node:fs/promises";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import { ArgumentError } from "../base/errors.js";
import { keepKernelspec } from "../jupyter/kernelspec.js";
import { compareRuns, describeSet, type SweepRun } from "../report/comparison.js";
import { JUPYTER_PREFIX, NOTEBOOKS as shippedNotebooks, REPORTS } from "../report/installation.js";
import { readNotebook } from "../report/notebook.js";
import { type ParameterValue, parameterSets } from "../report/parameters.js";
import { printingBrowser, printPdf } from "../report/pdf.js";
import { makeReport, type Run, writePage } from "../report/report.js";
import { visible } from "../base/text.js";
import { removeOrphanedDirectories } from "./clean.js";
import { reportProgress } from "./report-progress.js";

export interface ReportArguments {
  output?: string;
  /** `name=value`, as given. */
  parameters?: string[];
  pdf?: boolean;
}

/** A run takes minutes: a list of values with a slip in it should not take a day. */
const MOST_RUNS = 50;

/** What is to be run of one notebook. */
interface Job {
  notebook: string;
  page: string;
  sets: Record<string, ParameterValue>[];
}

/** `bpflab report`: a page for each notebook, and of a sweep one for each run too; exit code 1 if a cell failed. */
export async function report(
  named: string[],
  { output, parameters = [], pdf = false }: ReportArguments,
): Promise<number> {
  const notebooks = named.length > 0 ? named : await allShipped();
  for (const notebook of notebooks) await mustBeNotebook(notebook);
  const pageOf = pagePlan(notebooks, output);
  const jobs: Job[] = [];
  for (const notebook of notebooks) {
    const sets = parameters.length === 0 ? [{}] : parameterSets(await readNotebook(notebook), parameters);
    if (sets.length > MOST_RUNS)
      throw new ArgumentError(
        `These parameters make ${sets.length} runs of ${notebook}, more than ${MOST_RUNS}: give fewer values.`,
      );
    jobs.push({ notebook, page: pageOf(notebook), sets });
  }
  // What cannot be done is better said now than when the notebooks have run.
  const twice = jobs.find(({ page }, i) => jobs.findIndex((job) => job.page === page) < i);
  if (twice)
    throw new ArgumentError(`Two of the notebooks would become ${twice.page}: report them one by one, with -o.`);
  if (pdf) printingBrowser();
  keepKernelspec(JUPYTER_PREFIX);
  removeOrphanedDirectories(); // of a report that was killed
  for (const { page } of jobs) await mkdir(dirname(page), { recursive: true });
  let complete = true;
  for (const job of jobs)
    complete =
      (await (job.sets.length > 1 ? sweep(job, pdf) : single(job, job.sets[0]!, job.page, pdf)).then(isComplete)) &&
      complete;
  return complete ? 0 : 1;
}

const isComplete = (runs: Run | Run[]): boolean => [runs].flat().every(({ failure }) => failure === undefined);

async function single(
  { notebook }: Job,
  parameters: Record<string, ParameterValue>,
  page: string,
  pdf: boolean,
): Promise<Run> {
  const set = describeSet(parameters);
  const progress = reportProgress(set ? `${basename(notebook)}, ${set}` : basename(notebook));
  const run = await makeReport(notebook, page, { parameters, onProgress: progress.show }).finally(progress.end);
  const { failure } = run;
  if (failure) {
    const line = failure.line ? `, line ${failure.line},` : "";
    const where = failure.cell === 0 ? "the kernel did not start" : `cell ${failure.cell}${line} failed`;
    console.error(`✗ ${fromHere(notebook)}: ${where}: ${visible(failure.ename)}: ${firstLine(failure.evalue)}`);
    console.error(`  ${fromHere(page)} shows what ran up to there.`);
  } else {
    console.log(`✓ ${fromHere(notebook)} → ${fromHere(page)}`);
  }
  if (pdf) await print(page);
  return run;
}

async function sweep(job: Job, pdf: boolean): Promise<Run[]> {
  const runs: SweepRun[] = [];
  for (const set of job.sets) {
    const suffix = Object.entries(set)
      .map(([name, value]) => `-${name}-${fileNamePart(value)}`)
      .join("");
    const page = job.page.replace(/\.html$/, `${suffix}.html`);
    runs.push({ ...(await single(job, set, page, pdf)), set, page: basename(page) });
  }
  await writePage(compareRuns(basename(job.notebook, ".ipynb"), runs), job.page, dirname(resolve(job.notebook)));
  console.log(`✓ ${runs.length} runs compared → ${fromHere(job.page)}`);
  if (pdf) await print(job.page);
  return runs;
}

async function print(page: string): Promise<void> {
  const pdf = page.replace(/\.html$/, ".pdf");
  await printPdf(page, pdf);
  console.log(`✓ printed → ${fromHere(pdf)}`);
}

/** A value as a part of a file's name; what a name cannot hold is left out. */
const fileNamePart = (value: ParameterValue): string =>
  String(value)
    .replace(/[^\w.+-]+/g, "_")
    .slice(0, 40);

async function allShipped(): Promise<string[]> {
  const names = (await readdir(shippedNotebooks)).filter((name) => name.endsWith(".ipynb")).sort();
  if (names.length === 0) throw new ArgumentError(`There are no notebooks in ${shippedNotebooks}.`);
  return names.map((name) => join(shippedNotebooks, name));
}

async function mustBeNotebook(path: string): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (extname(path) !== ".ipynb" || !there?.isFile()) {
    throw new ArgumentError(`Expected a notebook (.ipynb), got ${path}${there ? "" : ", which is not there"}.`);
  }
}

/** Where each page goes: `-o page.html` names the one page, anything else a directory. */
function pagePlan(notebooks: string[], output: string | undefined): (notebook: string) => string {
  if (output !== undefined && extname(output) === ".html") {
    if (notebooks.length > 1)
      throw new ArgumentError(
        `-o ${output} names one page, and there are ${notebooks.length} notebooks: give a directory.`,
      );
    return () => output;
  }
  if (output !== undefined && /^\.(pdf|htm|ipynb)$/.test(extname(output)))
    throw new ArgumentError(
      `Expected a page (.html) or a directory for -o, got ${output}. --pdf prints each page beside it.`,
    );
  return (notebook) => join(output ?? REPORTS, `${basename(notebook, ".ipynb")}.html`);
}

/** A path as short as it can be said. */
function fromHere(path: string): string {
  const short = relative("", path);
  return visible(short.startsWith("..") ? path : short);
}

const firstLine = (text: string): string => visible(text.split("\n")[0] ?? "");
