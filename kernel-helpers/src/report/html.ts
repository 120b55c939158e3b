import { basename, dirname } from "node:path";
import { execa } from "execa";
import { BpflabError } from "../base/errors.js";
import { jupyterEnvironment } from "./installation.js";

/**
 * Turns a notebook that has run into one HTML file that loads nothing from anywhere.
 *
 * @param notebook the notebook with its outputs
 * @param page the file to write, ending in `.html`
 */
export async function writeHtml(notebook: string, page: string, { python }: { python: string }): Promise<void> {
  const options = ["--template=bpflab", "--to=html"]; // the template that the set-up installed
  const output = [`--output-dir=${dirname(page)}`, `--output=${basename(page, ".html")}`];
  const converted = await execa(python, ["-m", "nbconvert", ...options, ...output, notebook], {
    env: jupyterEnvironment(),
    stdin: "ignore",
    reject: false,
  });
  if (converted.exitCode !== 0) {
    throw new BpflabError("REPORT", `nbconvert could not write ${page}: ${converted.stderr.trim().split("\n").at(-1)}`);
  }
}

/** Addresses that a browser would load when it opens the page. Empty for our pages: links to follow do not count. */
export function outsideLoads(html: string): string[] {
  const attributes = html.matchAll(
    /<(?!a[\s>])[a-z][^>]*?\s(?:src|href|xlink:href|srcset|poster|data)\s*=\s*["']?\s*((?:https?:)?\/\/[^"'\s>]+)/gi,
  );
  const styles = html.matchAll(/(?:url\(|@import)\s*["']?\s*((?:https?:)?\/\/[^"')\s]+)/gi);
  return [...attributes, ...styles].map((match) => match[1]!);
}
