import { mismatch, requireBoolean } from "../base/arguments.js";
import { ArgumentError } from "../base/errors.js";
import { ValueWidget, type WidgetOptions, type WidgetSpec } from "./widget.js";

/** A widget whose value is true or false. */
abstract class BooleanWidget extends ValueWidget<boolean> {
  protected toState(value: boolean): boolean {
    return requireBoolean(this.description || this.constructor.name, value);
  }

  protected checked(state: unknown): unknown {
    return typeof state === "boolean" ? state : undefined;
  }

  protected nearest(value: boolean): unknown {
    return this.checked(value);
  }

  protected override text(): string {
    return this.value ? "on" : "off";
  }
}

/** What a switch can be given. */
export interface SwitchOptions extends WidgetOptions {
  /** True for on; default false. */
  value?: boolean;
}

const onOff = (
  name: string,
  style: string,
  { value = false }: SwitchOptions,
  more: Record<string, unknown>,
): WidgetSpec => ({
  name,
  style,
  state: { value, description_allow_html: false, ...more },
});

/**
 * A button that stays down while its value is true.
 *
 * @example
 * const paused = new widgets.ToggleButton({ description: "Paused" });
 * paused.changes.subscribe((value) => console.log(value ? "paused" : "running"));
 * paused
 */
export class ToggleButton extends BooleanWidget {
  constructor(options: SwitchOptions = {}) {
    super(onOff("ToggleButton", "ToggleButtonStyleModel", options, { button_style: "", icon: "" }), options);
  }
}

/**
 * A box to tick.
 *
 * @example
 * new widgets.Checkbox({ description: "kernel threads too", value: true })
 */
export class Checkbox extends BooleanWidget {
  constructor(options: SwitchOptions = {}) {
    super(onOff("Checkbox", "CheckboxStyleModel", options, { indent: false }), options);
  }
}

/** What a list of choices is given. */
export interface DropdownOptions<Choice extends string | number> extends WidgetOptions {
  /** What can be chosen, in order; at least one. */
  options: readonly Choice[];
  /** Default: the first. */
  value?: Choice;
}

/**
 * A list of which one is chosen.
 *
 * @throws ArgumentError when there is nothing to choose from, or the value is not among the options
 * @example
 * const by = new widgets.Dropdown({ description: "by", options: ["comm", "pid"] });
 * by.value
 */
export class Dropdown<Choice extends string | number = string> extends ValueWidget<Choice> {
  /** What can be chosen, in order. */
  readonly options: readonly Choice[];
  protected override readonly trait = "index";

  constructor(options: DropdownOptions<Choice>) {
    const choices = [...options.options];
    if (choices.length === 0) throw new ArgumentError("Dropdown: there is nothing in options to choose from.");
    const index = options.value === undefined ? 0 : indexIn(choices, options.value, options.description);
    super(
      {
        name: "Dropdown",
        style: "DescriptionStyleModel",
        state: { _options_labels: choices.map(String), index, description_allow_html: false },
      },
      options,
    );
    this.options = choices;
  }

  protected toState(value: Choice): number {
    return indexIn(this.options, value, this.description);
  }

  protected nearest(value: Choice): unknown {
    return this.checked(this.options.indexOf(value));
  }

  protected override fromState(index: unknown): Choice {
    return this.options[index as number]!;
  }

  protected checked(index: unknown): unknown {
    return Number.isInteger(index) && (index as number) in this.options ? index : undefined;
  }
}

function indexIn(choices: readonly unknown[], value: unknown, name = ""): number {
  const index = choices.indexOf(value);
  if (index >= 0) return index;
  throw mismatch(name || "Dropdown", `one of ${choices.join(", ")}`, value);
}
