import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { BpflabError } from "../base/errors.js";
import { replaceFile } from "../tables/replace-file.js";
import { jupyterEnvironment } from "./installation.js";

// The sources hold what tsc does not copy; from dist/report as from src/report this is the same path.
const SCRIPT = fileURLToPath(new URL("../../src/report/convert.py", import.meta.url));

/**
 * Turns a notebook that has run into one HTML file that loads nothing from anywhere. Under its name stands a whole page,
 * the old one or the new one, whatever ends this process.
 *
 * @param notebook the notebook with its outputs
 * @param page the file to write, ending in `.html`
 * @param options.directory where the notebook is from: the pictures that its text shows are found from there
 */
export async function writeHtml(
  notebook: string,
  page: string,
  { python, directory }: { python: string; directory: string },
): Promise<void> {
  const convert = async (aside: string) => {
    const converted = await execa(python, [SCRIPT, notebook, aside, basename(page, ".html"), directory], {
      env: jupyterEnvironment(),
      stdin: "ignore",
      reject: false,
    });
    if (converted.exitCode === 0) return;
    throw new BpflabError("REPORT", `nbconvert could not write ${page}: ${converted.stderr.trim().split("\n").at(-1)}`);
  };
  await replaceFile(page, convert, 0o666);
}

/** Addresses that a browser would load when it opens the page. Empty for our pages: links to follow do not count. */
export function outsideLoads(html: string): string[] {
  const attributes = html.matchAll(
    /<(?!a[\s>])[a-z][^>]*?\s(?:src|href|xlink:href|srcset|poster|data)\s*=\s*["']?\s*((?:https?:)?\/\/[^"'\s>]+)/gi,
  );
  const styles = html.matchAll(/(?:url\(|@import)\s*["']?\s*((?:https?:)?\/\/[^"')\s]+)/gi);
  return [...attributes, ...styles].map((match) => match[1]!);
}
