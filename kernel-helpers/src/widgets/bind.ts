/** Widgets that move a variable of a running program. */
import type { Layout } from "../bpf/btf.js";
import { encode } from "../bpf/codec.js";
import { layoutOfGlobal } from "../bpf/globals.js";
import { detached } from "../base/display.js";
import { ArgumentError } from "../base/errors.js";
import { Dropdown, ToggleButton } from "./choices.js";
import { FloatSlider, IntSlider, type NumberWidget } from "./numbers.js";
import type { ValueWidget } from "./widget.js";

/** How often a widget looks whether its variable was changed elsewhere. */
const LOOK_MS = 250;

/** Names of the variables whose values are of this type. */
export type NamesOf<Variables, Value> = {
  [Name in keyof Variables]-?: Variables[Name] extends Value ? Name : never;
}[keyof Variables] &
  string;

/** What a slider for a variable is given. */
export interface SliderBinding {
  /** The slider's lower end. */
  min: number;
  /** The slider's upper end. */
  max: number;
  /** From one position to the next; default 1, or for a floating-point variable a hundredth of the range. */
  step?: number;
  /** Default: the variable's name. */
  description?: string;
  /** False: the variable changes when the slider is let go; default true. */
  continuous?: boolean;
}

/** What a switch for a variable can be given. */
export interface SwitchBinding {
  /** Default: the variable's name. */
  description?: string;
}

/** What a list for a variable can be given. */
export interface ChoiceBinding<Choice> extends SwitchBinding {
  /** What can be chosen; default: the labels of the variable's enum. */
  options?: readonly Choice[];
}

/**
 * A widget for a variable: moving it changes the running program at once, and it follows when the
 * program's variable is changed elsewhere. A number gets a slider, a boolean a button that stays down,
 * an enum a list. When the object is closed the widget is disabled and says so.
 *
 * @param variables the globals of an object, or any object of numbers, booleans and strings
 * @throws ArgumentError when the variable's type cannot hold `min` and `max`, or its value lies outside of them; ClosedError
 * @example
 * widgets.bind(filter.globals, "threshold", { min: 1, max: 500 })
 */
export function bind<Variables extends object, Name extends NamesOf<Variables, number>>(
  variables: Variables,
  name: Name,
  options: SliderBinding,
): NumberWidget;
export function bind<Variables extends object, Name extends NamesOf<Variables, boolean>>(
  variables: Variables,
  name: Name,
  options?: SwitchBinding,
): ToggleButton;
export function bind<Variables extends object, Name extends NamesOf<Variables, string>>(
  variables: Variables,
  name: Name,
  options?: ChoiceBinding<Variables[Name]>,
): Dropdown<Variables[Name] & string>;
export function bind(
  variables: object,
  name: string,
  options: Partial<SliderBinding> & ChoiceBinding<any> = {},
): ValueWidget<any> {
  const target = variables as Record<string, unknown>;
  const layout = layoutOfGlobal(variables, name);
  const widget = widgetFor(target[name], layout, name, { description: name, ...options });
  follow(widget, target, name);
  return widget;
}

function widgetFor(
  value: unknown,
  layout: Layout | undefined,
  name: string,
  options: Partial<SliderBinding> & ChoiceBinding<string>,
): ValueWidget<any> {
  switch (typeof value) {
    case "boolean":
      return new ToggleButton({ ...options, value });
    case "string": {
      const choices = options.options ?? (layout?.kind === "enum" ? layout.values.map((one) => one.name) : undefined);
      if (!choices) throw new ArgumentError(`${name} is text: give the choices, such as { options: ["a", "b"] }.`);
      return new Dropdown({ ...options, options: choices.includes(value) ? choices : [value, ...choices], value });
    }
    case "number": {
      const { min, max, step } = options;
      if (min === undefined || max === undefined)
        throw new ArgumentError(`${name} is a number: give the slider's range, such as { min: 1, max: 500 }.`);
      if (layout) for (const bound of [min, max]) encode(layout, bound, name); // throws when the variable cannot hold it
      if (!(value >= min && value <= max))
        throw new ArgumentError(
          `${name} is ${value}, outside of ${min} to ${max}: widen the slider's range, or set the variable first.`,
        );
      const whole = layout ? layout.kind === "int" : [value, min, max, step ?? 1].every(Number.isInteger);
      return whole ? new IntSlider({ ...options, value }) : new FloatSlider({ ...options, value });
    }
    default:
      throw new ArgumentError(`${name} is neither a number nor a boolean nor an enum: no widget can control it.`);
  }
}

/** Keeps widget and variable equal until one of them is gone. */
function follow(widget: ValueWidget<unknown>, target: Record<string, unknown>, name: string): void {
  const attempt = (act: () => void): void => {
    try {
      act();
    } catch (error) {
      clearInterval(look);
      widget.disable((error as Error).message);
    }
  };
  let seen = target[name];
  const follow = () => {
    if (widget.closed) return clearInterval(look);
    attempt(() => {
      const now = target[name];
      if (Object.is(now, seen)) return;
      seen = now;
      widget.follow(now);
    });
  };
  const look = detached(() => setInterval(follow, LOOK_MS)).unref();
  widget.onChange((value) =>
    attempt(() => {
      target[name] = value;
      seen = target[name]; // a float holds less of it than the widget
    }),
  );
}
