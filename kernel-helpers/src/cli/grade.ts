import { writeFileSync } from "node:fs";
import { mkdir, readdir, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { ArgumentError, NotRootError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { PROGRAMS_DIR } from "../clang/locations.js";
import type { Limits } from "../grading/confine.js";
import { grade } from "../grading/grade.js";
import { handedOut } from "../grading/prepare.js";
import { asCsv, asJson, type Graded, writeGradePage } from "../grading/results.js";
import { keepKernelspec } from "../jupyter/kernelspec.js";
import { JUPYTER_PREFIX } from "../report/installation.js";
import { reportPython } from "../report/python.js";

export interface GradeArguments extends Limits {
  /** The CSV file; the JSON file and the directory with the pages are beside it. */
  out: string;
  /** Submissions that run at the same time. */
  jobs: number;
}

/**
 * `bpflab exercises grade DIR`: runs each notebook below a directory, `jobs` at a time and each confined, and writes
 * a CSV file, a JSON file and a page each.
 *
 * @returns exit code 0 also when submissions have few points or went beyond a bound: that is their result
 * @throws ArgumentError when there is no notebook; NotRootError
 */
export async function gradeExercises(directory: string, { out, jobs, ...limits }: GradeArguments): Promise<number> {
  if (process.geteuid?.() !== 0) throw new NotRootError("Grading");
  const submissions = await notebooksBelow(directory);
  if (submissions.length === 0) throw new ArgumentError(`There is no notebook (.ipynb) in ${directory} or below it.`);
  const stem = resolve(out).replace(/\.(csv|json)$/i, "");
  if ((await stat(out).catch(() => undefined))?.isDirectory())
    throw new ArgumentError(`${out} is a directory: --out names a file, such as grades.csv.`);
  const [python, originals] = [await reportPython(), await handedOut()];
  keepKernelspec(JUPYTER_PREFIX);
  await mkdir(stem, { recursive: true });
  const grades: (Graded | undefined)[] = submissions.map(() => undefined);
  const graded = () => grades.filter((one) => one !== undefined);
  /** What is there when the command is interrupted is what was graded up to then. */
  const keepGrades = () => {
    writeFileSync(`${stem}.csv`, asCsv(graded()));
    writeFileSync(`${stem}.json`, asJson(graded()));
  };
  const pageOf = pageNames();
  const pages = submissions.map((submission) => join(stem, pageOf(submission)));
  const gradeOne = async (i: number, submission: string) => {
    const got = await grade(join(directory, submission), {
      submission,
      originals,
      limits: { ...limits, hidden },
      python,
    });
    grades[i] = { ...got, page: relative(dirname(stem), pages[i]!) };
    await writeGradePage(got, pages[i]!);
    keepGrades();
    const { reached, of } = got.points;
    const what = got.outcome === "complete" ? "" : `, ${got.outcome}: ${got.detail}`;
    console.log(visible(`${reached} of ${of}  ${submission}${what} (${got.seconds.toFixed(1)} s)`));
  };
  keepGrades();
  // Of the other submissions and of all grades each sees nothing.
  const needed = [PROGRAMS_DIR, tmpdir(), python, process.execPath];
  const isApart = needed.every((path) => relative(resolve(directory), path).startsWith(".."));
  const students = isApart ? [resolve(directory)] : submissions.map((submission) => resolve(directory, submission));
  const hidden = [...students, stem, `${stem}.csv`, `${stem}.json`];
  const waiting = submissions.entries();
  const worker = async () => {
    for (const [i, submission] of waiting) await gradeOne(i, submission);
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  const held = [
    ...new Set(
      graded()
        .map(({ bounds }) => bounds)
        .filter((bounds) => bounds !== "none"),
    ),
  ];
  console.log(`${submissions.length} submissions, bounded by ${held.join(" and ") || "nothing"}.`);
  for (const file of [`${stem}.csv`, `${stem}.json`, `${stem}/`])
    console.log(`→ ${visible(relative("", file) || file)}`);
  return 0;
}

/** By their paths from the directory, in order; links are not followed, and Jupyter's own copies left out. */
async function notebooksBelow(directory: string, below = ""): Promise<string[]> {
  const entries = await readdir(join(directory, below), { withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(below, entry.name);
    if (entry.isDirectory() && !entry.name.startsWith(".")) found.push(...(await notebooksBelow(directory, path)));
    else if (entry.isFile() && entry.name.endsWith(".ipynb")) found.push(path);
  }
  return found;
}

/** A name for each page, of letters that every file system and address takes; no two the same. */
function pageNames(): (submission: string) => string {
  const taken = new Set<string>();
  return (submission) => {
    const directory = dirname(submission) === "." ? "" : `${dirname(submission)}-`;
    const stem = `${directory}${basename(submission, ".ipynb")}`.replace(/[^\p{L}\p{N}._+-]+/gu, "-").slice(0, 120);
    let name = `${stem}.html`;
    for (let i = 2; taken.has(name.toLowerCase()); i++) name = `${stem}-${i}.html`;
    taken.add(name.toLowerCase());
    return name;
  };
}
