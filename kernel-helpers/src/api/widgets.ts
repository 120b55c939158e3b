/** What a notebook calls `widgets`: the controls that tuning needs, for JupyterLab's widget manager. */
export { bind, type ChoiceBinding, type NamesOf, type SliderBinding, type SwitchBinding } from "../widgets/bind.js";
export { HBox, VBox } from "../widgets/boxes.js";
export { Button, type ButtonOptions } from "../widgets/button.js";
export { Checkbox, Dropdown, ToggleButton, type DropdownOptions, type SwitchOptions } from "../widgets/choices.js";
export { Label } from "../widgets/label.js";
export {
  BoundedIntText,
  FloatSlider,
  IntProgress,
  IntSlider,
  IntText,
  NumberWidget,
  type NumberOptions,
  type SliderOptions,
} from "../widgets/numbers.js";
export { Output } from "../widgets/output.js";
export { ValueWidget, Widget, type WidgetOptions } from "../widgets/widget.js";
