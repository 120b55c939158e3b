import type { Observable } from "rxjs";
import { Emitter, Widget, type WidgetOptions } from "./widget.js";
import type { Shown } from "./state.js";

/** What a button can be given. */
export interface ButtonOptions extends WidgetOptions {
  /** Its colour by meaning. */
  style?: "primary" | "success" | "info" | "warning" | "danger";
  /** A Font Awesome 4 name, such as `stop`. */
  icon?: string;
}

/**
 * A button.
 *
 * @example
 * const reset = new widgets.Button({ description: "Reset" });
 * reset.clicks.subscribe(() => filter.maps.sources.clear());
 * reset
 */
export class Button extends Widget {
  readonly #clicks = new Emitter<void>();

  constructor(options: ButtonOptions = {}) {
    const { style = "", icon = "" } = options;
    super({ name: "Button", style: "ButtonStyleModel", state: { button_style: style, icon } }, options);
  }

  /** Emits at each click. */
  get clicks(): Observable<void> {
    return this.#clicks.stream;
  }

  protected override receive(content: unknown): void {
    if ((content as { event?: unknown } | undefined)?.event === "click" && !this.disabled) this.#clicks.emit();
  }

  /** @internal a button that nobody can press says nothing */
  override shown(): Shown[] {
    return [];
  }
}
