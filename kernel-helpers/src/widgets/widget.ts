import { AsyncResource } from "node:async_hooks";
import { Observable, Subject } from "rxjs";
import {
  display,
  displaySymbol,
  hasHost,
  mime,
  type Displayable,
  type DisplayHandle,
  type MimeBundle,
} from "../base/display.js";
import { visible } from "../base/text.js";
import { Model } from "./model.js";
import { stateHtml, stateText, type Shown } from "./state.js";

/** What every widget can be given. */
export interface WidgetOptions {
  /** The label beside it. */
  description?: string;
  /** Shown when the mouse rests on it. */
  tooltip?: string;
  /** True to begin as one that the page cannot change; default false. */
  disabled?: boolean;
  /** CSS of its box, such as `{ width: "30em" }`. */
  layout?: Record<string, string>;
}

/** A widget's models of JupyterLab's widget manager, and what its state begins with. */
export interface WidgetSpec {
  /** `IntSlider` stands for IntSliderModel and IntSliderView of @jupyter-widgets/controls. */
  name: string;
  view?: string;
  package?: { module: string; version: string };
  /** Name of its style model; without one it has none. */
  style?: string;
  state?: Record<string, unknown>;
}

const base = { module: "@jupyter-widgets/base", version: "2.0.0" };
const controls = { module: "@jupyter-widgets/controls", version: "2.0.0" };

const names = (model: typeof base, name: string, view: typeof base, viewName: string) => ({
  _model_module: model.module,
  _model_module_version: model.version,
  _model_name: name,
  _view_module: view.module,
  _view_module_version: view.version,
  _view_name: viewName,
});

/** Emits to each subscriber as part of the cell that subscribed, so that what it prints is shown there. */
export class Emitter<Value> {
  readonly #subject = new Subject<Value>();
  readonly stream = new Observable<Value>((subscriber) =>
    this.#subject.subscribe(AsyncResource.bind((value: Value) => subscriber.next(value))),
  );

  emit(value: Value): void {
    this.#subject.next(value);
  }
}

/**
 * A control in the page. A cell that ends with it shows it live where JupyterLab has a widget manager, and its newest state
 * everywhere.
 *
 * @example
 * const parts: widgets.Widget[] = [new widgets.Label("threshold"), slider];
 * new widgets.HBox(parts)
 */
export abstract class Widget implements Displayable {
  /** @internal */
  readonly model: Model;
  readonly #parts: Model[];
  readonly #watchers = new Set<() => void>();
  #note = "";
  #closed = false;

  protected constructor(spec: WidgetSpec, { description = "", tooltip, disabled = false, layout = {} }: WidgetOptions) {
    const box = new Model({ ...names(base, "LayoutModel", base, "LayoutView"), ...layout });
    const style =
      spec.style &&
      new Model({
        ...names(controls, spec.style, base, "StyleView"),
        ...(labelled.test(spec.style) ? { description_width: "initial" } : {}),
      });
    this.#parts = style ? [box, style] : [box];
    const home = spec.package ?? controls;
    const state = {
      ...names(home, `${spec.name}Model`, home, `${spec.view ?? spec.name}View`),
      _dom_classes: [],
      layout: box.reference,
      tooltip: tooltip ?? null,
      tabbable: null,
      ...(style ? { style: style.reference, description, disabled } : {}),
      ...spec.state,
    };
    this.model = new Model(state, {
      changed: (changes) => this.accept(changes),
      custom: (content) => this.receive(content),
    });
  }

  /** True once it has been removed from the page. */
  get closed(): boolean {
    return this.#closed;
  }

  /** The label beside it; setting it changes the page at once. */
  get description(): string {
    return String(this.model.state["description"] ?? "");
  }
  set description(description: string) {
    this.change({ description });
  }

  /** True if the page cannot change it; the program still can. */
  get disabled(): boolean {
    return this.model.state["disabled"] === true;
  }
  set disabled(disabled: boolean) {
    this.change({ disabled });
  }

  /** Takes the widget out of use, and says why: in its tooltip and in what reports show. */
  disable(why: string): void {
    this.#note = why;
    this.change({ disabled: true, tooltip: why });
  }

  /** Removes the widget from the page. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const model of [this.model, ...this.#parts]) model.close();
  }

  /** @internal calls back on every change of what it shows */
  watch(callback: () => void): void {
    this.#watchers.add(callback);
  }

  /** @internal its label and value as a reader sees them */
  shown(): Shown[] {
    return [{ label: this.description, value: "", note: this.#note }];
  }

  protected get note(): string {
    return this.#note;
  }

  /** Changes the state, in the page too. */
  protected change(state: Record<string, unknown>): void {
    this.model.set(state);
    this.touched();
  }

  /** What it shows has changed. */
  protected touched(): void {
    for (const callback of this.#watchers) callback();
  }

  /** Of what the page changed, what is right. */
  protected accept(_changes: Record<string, unknown>): Record<string, unknown> {
    return {};
  }

  protected receive(_content: unknown): void {}

  /**
   * The live widget as the cell's result. Its state is an output of its own before it, hidden where the
   * live one is, because an update of the output that holds a live widget would draw a second one.
   */
  async [displaySymbol](): Promise<MimeBundle> {
    if (hasHost()) followState(this, await display(mime(stateBundle(this))));
    return {
      "application/vnd.jupyter.widget-view+json": { version_major: 2, version_minor: 0, model_id: this.model.id },
      "text/plain": stateText(this.shown(), this.constructor.name),
    };
  }
}

/** Style models that have a label's width. */
const labelled = /^(?:Slider|Description|Progress|Checkbox)StyleModel$/;

const stateBundle = (widget: Widget): MimeBundle => ({ "text/html": stateHtml(widget.shown()), "text/plain": "" });

/** Keeps an output equal to the widget's state; many changes in a row are one update. */
function followState(widget: Widget, output: DisplayHandle): void {
  let waiting = false;
  widget.watch(() => {
    if (waiting) return;
    waiting = true;
    queueMicrotask(() => {
      waiting = false;
      output.update(mime(stateBundle(widget)));
    });
  });
}

/**
 * A widget with a value that page and program can change.
 *
 * @example
 * const control: widgets.ValueWidget<number> = slider;
 * control.changes.subscribe((value) => console.log(value));
 */
export abstract class ValueWidget<Value> extends Widget {
  readonly #changes = new Emitter<Value>();
  readonly #owners: ((value: Value) => void)[] = [];
  /** The name of the value in the state. */
  protected readonly trait: string = "value";

  /** Emits the value after every change, whoever made it. */
  get changes(): Observable<Value> {
    return this.#changes.stream;
  }

  /** The value; setting it changes the page at once, and `changes` emits it. @throws ArgumentError when it is none of the widget's */
  get value(): Value {
    return this.fromState(this.model.state[this.trait]);
  }
  set value(value: Value) {
    const state = this.toState(value);
    if (state === this.model.state[this.trait]) return;
    this.change({ [this.trait]: state });
    this.#changed();
  }

  /** @internal calls back like `changes`, but no interrupt of a cell ends it */
  onChange(callback: (value: Value) => void): void {
    this.#owners.push(callback);
  }

  /** @internal shows a value that was set elsewhere, as near as the widget can; nothing is written back */
  follow(value: Value): void {
    const state = this.nearest(value);
    if (state === undefined || state === this.model.state[this.trait]) return;
    this.change({ [this.trait]: state });
    this.#changes.emit(this.value);
  }

  #changed(): void {
    for (const callback of this.#owners) callback(this.value);
    this.#changes.emit(this.value);
  }

  /** How the value stands in the state. @throws ArgumentError when it is none of the widget's */
  protected abstract toState(value: Value): unknown;

  protected fromState(state: unknown): Value {
    return state as Value;
  }

  /** The state that comes nearest to any value, or undefined when there is none. */
  protected abstract nearest(value: Value): unknown;

  /** The page's value as it may stand in the state, or undefined when it may not. */
  protected abstract checked(state: unknown): unknown;

  /** The value as text. */
  protected text(): string {
    return String(this.value);
  }

  protected override accept(changes: Record<string, unknown>): Record<string, unknown> {
    if (!(this.trait in changes)) return {};
    const state = this.checked(changes[this.trait]);
    if (state === undefined || this.disabled) return {};
    const accepted = { [this.trait]: state };
    if (state !== this.model.state[this.trait]) {
      Object.assign(this.model.state, accepted); // before anybody hears of it
      this.touched();
      this.#changed();
    }
    return accepted;
  }

  /** @internal */
  override shown(): Shown[] {
    return [{ label: visible(this.description), value: this.text(), note: this.note }];
  }
}
