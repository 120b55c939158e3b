import { requireInteger, requireNumber } from "../base/arguments.js";
import { ArgumentError } from "../base/errors.js";
import type { Shown } from "./state.js";
import { ValueWidget, type WidgetOptions, type WidgetSpec } from "./widget.js";

/** What every widget for a number can be given. */
export interface NumberOptions extends WidgetOptions {
  /** The value to begin with; default `min`, or 0 without bounds. */
  value?: number;
  /** The smallest value; default 0. */
  min?: number;
  /** The largest value; default 100. */
  max?: number;
  /** From one value to the next; default 1, of a `FloatSlider` a hundredth of the range. */
  step?: number;
}

/** What a slider can be given besides. */
export interface SliderOptions extends NumberOptions {
  /** False: the value changes when the slider is let go, and not on the way; default true. */
  continuous?: boolean;
}

interface Bounds {
  min: number;
  max: number;
  step: number;
  value: number;
  whole: boolean;
}

function boundsOf(kind: string, options: NumberOptions, { bounded = true, whole = true } = {}): Bounds {
  const name = options.description || kind;
  const { min = bounded ? 0 : -Infinity, max = bounded ? 100 : Infinity } = options;
  if (!(min < max)) throw new ArgumentError(`${name}: min (${min}) has to be below max (${max}).`);
  const { step = whole ? 1 : (max - min) / 100, value = bounded ? min : 0 } = options;
  requireNumber(`${name}, step`, step, { above: 0 });
  const bounds = { min, max, step, value, whole };
  for (const one of bounded ? [min, max, value] : [value]) requireWithin(name, one, bounds);
  return bounds;
}

function requireWithin(name: string, value: number, { min, max, whole }: Bounds): number {
  const range = Number.isFinite(max) ? { from: min, to: max } : {};
  return whole ? requireInteger(name, value, range) : requireNumber(name, value, range);
}

/**
 * A widget whose value is a number within bounds.
 *
 * @example
 * const controls: widgets.NumberWidget[] = [new widgets.IntSlider(), new widgets.FloatSlider()];
 * controls.map((control) => control.value)
 */
export abstract class NumberWidget extends ValueWidget<number> {
  readonly #bounds: Bounds;

  protected constructor(spec: WidgetSpec, options: NumberOptions, bounds: Bounds) {
    const { min, max, step, value } = bounds;
    super({ ...spec, state: { value, step, ...(Number.isFinite(max) ? { min, max } : {}), ...spec.state } }, options);
    this.#bounds = bounds;
  }

  /** The smallest value; -Infinity without bounds. */
  get min(): number {
    return this.#bounds.min;
  }

  /** The largest value; Infinity without bounds. */
  get max(): number {
    return this.#bounds.max;
  }

  protected toState(value: number): number {
    return requireWithin(this.description || this.constructor.name, value, this.#bounds);
  }

  protected checked(state: unknown): unknown {
    return typeof state === "number" && Number.isFinite(state) ? this.nearest(state) : undefined;
  }

  protected nearest(value: number): unknown {
    const inside = Math.min(this.max, Math.max(this.min, value));
    return this.#bounds.whole ? Math.round(inside) : inside;
  }

  protected override text(): string {
    return this.value.toLocaleString("en", { maximumFractionDigits: 6 });
  }

  /** @internal */
  override shown(): Shown[] {
    const range = Number.isFinite(this.max) ? `${this.min} to ${this.max}` : "";
    return super.shown().map((row) => ({ ...row, note: row.note || range }));
  }
}

const slider = (name: string, readout_format: string, { continuous = true }: SliderOptions): WidgetSpec => ({
  name,
  style: "SliderStyleModel",
  state: {
    continuous_update: continuous,
    readout: true,
    readout_format,
    orientation: "horizontal",
    behavior: "drag-tap",
    description_allow_html: false,
  },
});

/**
 * A slider over whole numbers; from 0 to 100 unless told otherwise.
 *
 * @throws ArgumentError for bounds or a value that do not fit each other
 * @example
 * const rows = new widgets.IntSlider({ description: "rows", min: 1, max: 500, value: 20 });
 * rows.changes.subscribe((value) => console.log(value));
 */
export class IntSlider extends NumberWidget {
  constructor(options: SliderOptions = {}) {
    super(slider("IntSlider", "d", options), options, boundsOf("IntSlider", options));
  }
}

/**
 * A slider over numbers, in hundredths of its range unless `step` says otherwise.
 *
 * @throws ArgumentError for bounds or a value that do not fit each other
 * @example
 * new widgets.FloatSlider({ description: "seconds", min: 0.1, max: 10, value: 2 })
 */
export class FloatSlider extends NumberWidget {
  constructor(options: SliderOptions = {}) {
    super(slider("FloatSlider", ".4~g", options), options, boundsOf("FloatSlider", options, { whole: false }));
  }
}

const field = (name: string): WidgetSpec => ({
  name,
  view: "IntText",
  style: "DescriptionStyleModel",
  state: { continuous_update: false, description_allow_html: false },
});

/**
 * A field for a whole number.
 *
 * @throws ArgumentError for bounds or a value that do not fit each other
 * @example
 * new widgets.IntText({ description: "pid", value: process.pid })
 */
export class IntText extends NumberWidget {
  constructor(options: Omit<NumberOptions, "min" | "max"> = {}) {
    super(field("IntText"), options, boundsOf("IntText", options, { bounded: false }));
  }
}

/**
 * A field for a whole number within bounds; 0 to 100 unless told otherwise.
 *
 * @throws ArgumentError for bounds or a value that do not fit each other
 * @example
 * new widgets.BoundedIntText({ description: "top", min: 1, max: 50, value: 8 })
 */
export class BoundedIntText extends NumberWidget {
  constructor(options: NumberOptions = {}) {
    super(field("BoundedIntText"), options, boundsOf("BoundedIntText", options));
  }
}

/**
 * A bar that shows how far something is; only the program changes it.
 *
 * @throws ArgumentError for bounds or a value that do not fit each other
 * @example
 * const bar = new widgets.IntProgress({ description: "pings", max: 200 });
 * bar.value = 50;
 * bar
 */
export class IntProgress extends NumberWidget {
  constructor(options: NumberOptions = {}) {
    const state = { bar_style: "", orientation: "horizontal", description_allow_html: false };
    super(
      { name: "IntProgress", view: "Progress", style: "ProgressStyleModel", state },
      options,
      boundsOf("IntProgress", options),
    );
  }

  protected override checked(): undefined {
    return undefined;
  }
}
