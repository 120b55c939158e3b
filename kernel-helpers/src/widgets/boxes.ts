import type { Shown } from "./state.js";
import { Widget, type WidgetOptions } from "./widget.js";

/** Widgets in a row or a column. */
abstract class Box extends Widget {
  #children: readonly Widget[] = [];

  protected constructor(name: string, children: readonly Widget[], { layout }: Pick<WidgetOptions, "layout">) {
    super(
      { name, state: { box_style: "", children: children.map(({ model }) => model.reference) } },
      layout ? { layout } : {},
    );
    this.#adopt(children);
  }

  /** The widgets in it, in order; setting it puts others in. */
  get children(): readonly Widget[] {
    return this.#children;
  }
  set children(children: readonly Widget[]) {
    this.#adopt(children);
    this.change({ children: children.map(({ model }) => model.reference) });
  }

  #adopt(children: readonly Widget[]): void {
    for (const child of children)
      if (!this.#children.includes(child)) child.watch(() => this.#children.includes(child) && this.touched());
    this.#children = [...children];
  }

  /** Removes it from the page, with all that is in it. */
  override close(): void {
    for (const child of this.#children) child.close();
    super.close();
  }

  /** @internal */
  override shown(): Shown[] {
    return this.#children.flatMap((child) => child.shown());
  }
}

/** Widgets side by side. @example new widgets.HBox([slider, button]) */
export class HBox extends Box {
  constructor(children: readonly Widget[] = [], options: Pick<WidgetOptions, "layout"> = {}) {
    super("HBox", children, options);
  }
}

/** Widgets one below the other. @example new widgets.VBox([slider, toggle]) */
export class VBox extends Box {
  constructor(children: readonly Widget[] = [], options: Pick<WidgetOptions, "layout"> = {}) {
    super("VBox", children, options);
  }
}
