import { type Displayable, displaySymbol, type MimeBundle } from "../base/display.js";
import type { VegaLiteSpec } from "./render.js";

export type { VegaLiteSpec } from "./render.js";

/** The MIME type that every released JupyterLab draws; it draws none of version 6. */
const VEGA_LITE_MIME = "application/vnd.vegalite.v5+json";

/**
 * A chart: a vega-lite specification that draws itself in a notebook, and as SVG where there is no JavaScript.
 *
 * @example
 * const chart = charts.histogram(writes, { x: "duration_ns" });
 * await writeFile("writes.svg", await chart.toSVG());
 */
export class Chart implements Displayable {
  /** The whole vega-lite specification; it can be changed, copied, or pasted into the Vega editor. */
  readonly spec: VegaLiteSpec;
  /** The chart in one line of text. */
  readonly text: string;

  /** What else the chart's output carries: the account of its capture. */
  readonly #more: MimeBundle;

  /** A chart of your own specification; `more` goes into its output beside it. */
  constructor(spec: VegaLiteSpec, text: string, more: MimeBundle = {}) {
    this.spec = spec;
    this.text = text;
    this.#more = more;
  }

  /** The chart as a standalone SVG document. */
  async toSVG(): Promise<string> {
    const { renderSVG } = await import("./render.js"); // vega takes long to load, so the first picture pays for it
    return renderSVG(this.spec);
  }

  /** What a live view sends for each frame: all but the picture, which costs more than the rest. */
  frame(): MimeBundle {
    return { ...this.#more, [VEGA_LITE_MIME]: this.spec, "text/plain": this.text };
  }

  async [displaySymbol](): Promise<MimeBundle> {
    return { ...this.frame(), "image/svg+xml": await this.toSVG() };
  }
}
