/** The page that `bpflab report` and JupyterLab's *Export as HTML* make: nbconvert's template, with the scripts it inlines. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { helpers, jupyterPrefix, repo } from "./paths.mjs";

/** The template as it is written, to be completed by scripts. */
export const templateSource = join(helpers, "src/report/templates/bpflab");
/** What draws charts in a page, in the order in which it has to be loaded. */
export const scripts = [
  join(repo, "node_modules/vega/build/vega.min.js"),
  join(repo, "node_modules/vega-lite/build/vega-lite.min.js"),
  join(repo, "node_modules/vega-embed/build/vega-embed.min.js"),
  join(helpers, "src/tables/sort.browser.js"),
  join(templateSource, "page.js"),
];

/** What makes MathML of formulas; only a page with formulas has it. */
export const mathScript = join(repo, "node_modules/temml/dist/temml.min.js");

/** As the text of a script element: nothing in it may end the element, or begin a comment in it. */
const inlined = (file) =>
  readFileSync(file, "utf8")
    .replace(/^\/\/# sourceMappingURL=.*$/m, "")
    .replace(/<\/(script)/gi, "<\\/$1")
    .replaceAll("<!--", "<\\!--");

/** Puts the template where nbconvert looks for it. */
export function installReportTemplate() {
  const target = join(jupyterPrefix, "share/jupyter/nbconvert/templates/bpflab");
  mkdirSync(target, { recursive: true });
  for (const name of ["conf.json", "index.html.j2", "page.css"]) cpSync(join(templateSource, name), join(target, name));
  // Minified scripts are full of braces that Jinja would take for its own.
  const write = (name, files) =>
    writeFileSync(join(target, name), `{% raw %}${files.map(inlined).join("\n")}{% endraw %}`);
  write("scripts.js.j2", scripts);
  write("math.js.j2", [mathScript]);
}
