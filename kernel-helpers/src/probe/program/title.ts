import type { KeyInput, On } from "./match.js";
import type { ColumnInput, Question, Verb } from "./verbs.js";

/** The question in the words it was asked in. */
export function titleOf({ hook, to, on, verbs }: Question): string {
  const steps = verbs.map((verb) => `.${verb.verb}(${argumentsOf(verb)})`).join("");
  return `probe(${JSON.stringify(hook)})${to === undefined ? "" : `.to(${JSON.stringify(to)}${on ? `, { on: ${onText(on)} }` : ""})`}${steps}`;
}

const shown = (value: unknown) => String(value).replace(/\b\w+_\d+\.(?=(?:op|aq)\.)/g, "");

function onText({ start, end }: On): string {
  const key = (one: KeyInput) => ("column" in one ? JSON.stringify(one.column) : shown(one.value));
  const side = (keys: readonly KeyInput[]) => (keys.length === 1 ? key(keys[0]!) : `[${keys.map(key).join(", ")}]`);
  return `[${side(start)}, ${side(end)}]`;
}

/** What a verb was given. */
export function argumentsOf(verb: Verb): string {
  const column = ([name, input]: [string, ColumnInput]) => {
    if ("column" in input) return JSON.stringify(name);
    return `{ ${name}: ${"rename" in input ? JSON.stringify(input.rename) : shown(input.value)} }`;
  };
  switch (verb.verb) {
    case "filter":
      return shown(verb.test);
    case "sample":
      return String(verb.one);
    case "derive":
    case "rollup":
      return `{ ${verb.values.map(([name, value]) => `${name}: ${shown(value)}`).join(", ")} }`;
    case "select":
      return verb.columns.map(column).join(", ");
    case "groupby":
      return verb.keys.map(column).join(", ");
  }
}
