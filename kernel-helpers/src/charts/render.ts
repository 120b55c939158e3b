import { randomUUID } from "node:crypto";
import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { html } from "../base/html.js";

/** A vega-lite 5 specification as a plain object, data included. */
export interface VegaLiteSpec {
  /** The address that names vega-lite's version, such as `https://vega.github.io/schema/vega-lite/v5.json`. */
  $schema: string;
  [part: string]: unknown;
}

/** Draws a specification without a browser. Warnings of vega's stay silent: they are about our own specs, and tests cover those. */
export async function renderSVG(spec: VegaLiteSpec): Promise<string> {
  const logger = vega.logger(vega.Error);
  const { spec: vegaSpec } = compile(spec as unknown as TopLevelSpec, { logger });
  const view = new vega.View(vega.parse(vegaSpec), { renderer: "none", logger });
  try {
    return described(ownNames(compact(await view.toSVG())), String(spec["description"] ?? ""));
  } finally {
    view.finalize();
  }
}

/** The picture as one thing that a screen reader knows by its description; its parts say nothing without the sight of it. */
const described = (svg: string, text: string): string =>
  svg.replace("<svg ", () => html`<svg role="img" aria-label="${text}" `.toString());

/** Gradients and clips of vega's have names that count from 0 in each process: in one page they must not meet those of another chart. */
function ownNames(svg: string): string {
  const own = randomUUID().slice(0, 8);
  return svg.replace(/( id="|="url\(#)((?:clip|gradient_)\d+)(?="|\)")/g, `$1${own}-$2`);
}

/**
 * The same picture in a third of the bytes: a heat map has thousands of cells, and vega gives each its coordinates to
 * seventeen digits. Text has its `<` escaped, so that what looks like a cell is one.
 */
function compact(svg: string): string {
  const hex = (part: string) => Number(part).toString(16).padStart(2, "0");
  return svg.replace(
    /<path aria-hidden="true" d="([^"]*)"(?: fill="rgb\((\d+), (\d+), (\d+)\)")?/g,
    (_, d: string, ...rgb: (string | undefined)[]) => {
      const rounded = d.replace(/-?\d+\.\d+(?:e-?\d+)?/g, (number) => String(Number(Number(number).toFixed(2))));
      return `<path d="${rounded}"${
        rgb[0] === undefined
          ? ""
          : ` fill="#${rgb
              .slice(0, 3)
              .map((part) => hex(part!))
              .join("")}"`
      }`;
    },
  );
}
