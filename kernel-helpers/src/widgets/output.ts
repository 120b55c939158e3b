import { bundleOf, type MimeBundle } from "../base/display.js";
import type { Shown } from "./state.js";
import { Widget, type WidgetOptions } from "./widget.js";

/** Text beyond this is cut off at its beginning. */
const MOST_TEXT = 256 * 1024;
/** Outputs beyond this are dropped, the oldest first. */
const MOST_OUTPUTS = 100;

type Item =
  | { output_type: "stream"; name: "stdout"; text: string }
  | { output_type: "display_data"; data: MimeBundle; metadata: Record<string, unknown> };

/**
 * A place for outputs within a layout.
 *
 * @example
 * const log = new widgets.Output();
 * slider.changes.subscribe((value) => log.print(`now ${value}\n`));
 * new widgets.VBox([slider, log])
 */
export class Output extends Widget {
  #items: readonly Item[] = [];

  constructor({ layout }: Pick<WidgetOptions, "layout"> = {}) {
    super(
      {
        name: "Output",
        package: { module: "@jupyter-widgets/output", version: "1.0.0" },
        state: { msg_id: "", outputs: [] },
      },
      layout ? { layout } : {},
    );
  }

  /** Adds text behind what is there; only its last 256 KiB are kept. */
  print(text: string): void {
    const last = this.#items.at(-1);
    const [before, begun] = last?.output_type === "stream" ? [this.#items.slice(0, -1), last.text] : [this.#items, ""];
    this.#put([...before, { output_type: "stream", name: "stdout", text: (begun + text).slice(-MOST_TEXT) }]);
  }

  /** Adds a table, a chart or anything else that can be shown; of more than a hundred the oldest go. */
  async show(value: unknown): Promise<void> {
    const data = await bundleOf(value);
    this.#put([...this.#items, { output_type: "display_data", data, metadata: {} }]);
  }

  /** Removes all outputs. */
  clear(): void {
    this.#put([]);
  }

  #put(items: readonly Item[]): void {
    this.#items = items.slice(-MOST_OUTPUTS);
    this.change({ outputs: this.#items });
  }

  /** @internal */
  override shown(): Shown[] {
    return this.#items.map((item) => ({
      label: "",
      value: item.output_type === "stream" ? item.text : String(item.data["text/plain"] ?? ""),
    }));
  }
}
