import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { VegaLiteSpec } from "./chart.js";

/** Draws a specification without a browser. Warnings of vega's stay silent: they are about our own specs, and tests cover those. */
export async function renderSVG(spec: VegaLiteSpec): Promise<string> {
  const logger = vega.logger(vega.Error);
  const { spec: vegaSpec } = compile(spec as unknown as TopLevelSpec, { logger });
  const view = new vega.View(vega.parse(vegaSpec), { renderer: "none", logger });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
