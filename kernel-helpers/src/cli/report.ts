import { readdir, stat } from "node:fs/promises";
import { basename, extname, join, relative } from "node:path";
import { ArgumentError } from "../errors.js";
import type { Progress } from "../report/execute.js";
import { notebooks as shippedNotebooks, reports } from "../report/installation.js";
import { makeReport } from "../report/report.js";
import { visible } from "../text.js";

/** `bpflab report`: a page for each notebook; exit code 1 if a cell failed. */
export async function report(named: string[], { output }: { output?: string }): Promise<number> {
  const notebooks = named.length > 0 ? named : await allShipped();
  for (const notebook of notebooks) await mustBeNotebook(notebook);
  const pageOf = pagePlan(notebooks, output);
  let exitCode = 0;
  for (const notebook of notebooks) {
    const page = pageOf(notebook);
    const progress = progressLines(basename(notebook));
    const failure = await makeReport(notebook, page, { onProgress: progress.show });
    progress.end();
    if (failure) {
      exitCode = 1;
      const where = failure.cell === 0 ? "the kernel did not start" : `cell ${failure.cell} failed`;
      console.error(`✗ ${fromHere(notebook)}: ${where}: ${visible(failure.ename)}: ${firstLine(failure.evalue)}`);
      console.error(`  ${fromHere(page)} shows what ran up to there.`);
    } else {
      console.log(`✓ ${fromHere(notebook)} → ${fromHere(page)}`);
    }
  }
  return exitCode;
}

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
    if (notebooks.length > 1) throw new ArgumentError(`-o ${output} names one page, and there are ${notebooks.length} notebooks: give a directory.`);
    return () => output;
  }
  return (notebook) => join(output ?? reports, `${basename(notebook, ".ipynb")}.html`);
}

/** A path as short as it can be said. */
function fromHere(path: string): string {
  const short = relative("", path);
  return short.startsWith("..") ? path : short;
}

const firstLine = (text: string): string => visible(text.split("\n")[0] ?? "");

/** On a terminal one line that changes with each cell; elsewhere a line for each notebook. */
function progressLines(name: string): { show: (progress: Progress) => void; end: () => void } {
  const terminal = process.stdout.isTTY;
  if (!terminal) console.log(`· ${name} …`);
  else process.stdout.write(`· ${name}`);
  return {
    show(progress) {
      if (terminal && progress.event === "start") process.stdout.write(`\r\x1b[2K· ${name}  cell ${progress.cell} of ${progress.of}`);
    },
    end() {
      if (terminal) process.stdout.write("\r\x1b[2K");
    },
  };
}
