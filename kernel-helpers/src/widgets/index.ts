/** What a notebook calls `widgets`: the controls that tuning needs, for JupyterLab's widget manager. */
export { bind, type ChoiceBinding, type NamesOf, type SliderBinding, type SwitchBinding } from "./bind.js";
export { HBox, VBox } from "./boxes.js";
export { Button, type ButtonOptions } from "./button.js";
export { Checkbox, Dropdown, ToggleButton, type DropdownOptions, type SwitchOptions } from "./choices.js";
export { Label } from "./label.js";
export { BoundedIntText, FloatSlider, IntProgress, IntSlider, IntText, NumberWidget, type NumberOptions, type SliderOptions } from "./numbers.js";
export { Output } from "./output.js";
export { ValueWidget, Widget, type WidgetOptions } from "./widget.js";
