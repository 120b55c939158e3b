import type { Shown } from "./state.js";
import { Widget, type WidgetOptions } from "./widget.js";

/**
 * A line of text; only the program changes it.
 *
 * @example
 * new widgets.VBox([new widgets.Label("Requests a second from one source"), slider])
 */
export class Label extends Widget {
  constructor(value = "", options: WidgetOptions = {}) {
    super(
      {
        name: "Label",
        style: "LabelStyleModel",
        state: { value, placeholder: "\u200b", description_allow_html: false },
      },
      options,
    );
  }

  /** The text; setting it changes the page at once. */
  get value(): string {
    return String(this.model.state["value"]);
  }
  set value(value: string) {
    this.change({ value });
  }

  /** @internal */
  override shown(): Shown[] {
    return [{ label: this.description, value: this.value }];
  }
}
