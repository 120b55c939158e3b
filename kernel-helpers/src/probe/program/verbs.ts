import { ArgumentError } from "../../base/errors.js";
import type { KeyInput, On } from "./match.js";
import type { ExpressionInput } from "../expression/parse.js";

/** What a column is: one that there is; an expression; or, as arquero's select has it, the new name of the one by this name. */
export type ColumnInput = { column: string } | { value: ExpressionInput } | { rename: string };

/** What a question does with each event, in order. */
export type Verb =
  | { verb: "filter"; test: ExpressionInput }
  | { verb: "derive"; values: [name: string, value: ExpressionInput][] }
  | { verb: "select"; columns: [name: string, value: ColumnInput][] }
  | { verb: "sample"; one: number }
  | { verb: "groupby"; keys: [name: string, value: ColumnInput][] }
  | { verb: "rollup"; values: [name: string, value: ExpressionInput][] };

/** A question as it was asked, before the kernel has been looked at. */
export interface Question {
  hook: string;
  /** The hook that ends what `hook` begins. */
  to?: string;
  /** By what the two match; without it by thread. */
  on?: On;
  verbs: readonly Verb[];
}

/** Values of parameters. */
export type Params = Record<string, number | bigint | boolean | string>;

/** Columns as `select` and `groupby` take them: names, lists of names, and objects. */
export function columnsOf(verb: "select" | "groupby", given: readonly unknown[]): [string, ColumnInput][] {
  return given.flat(Infinity).flatMap((one): [string, ColumnInput][] => {
    if (typeof one === "string") return [[one, { column: one }]];
    if (typeof one === "function")
      throw new ArgumentError(`${verb}: an expression needs a name for its column.`, {
        hint: `Write .${verb}({ name: ${String(one)} }).`,
      });
    if (typeof one !== "object" || one === null)
      throw new ArgumentError(`${verb}: expected the name of a column or { name: d => … }, got ${String(one)}.`);
    return Object.entries(one).map(([name, value]) => {
      if (typeof value === "function") return [name, { value: value as ExpressionInput }];
      if (typeof value !== "string")
        throw new ArgumentError(`${verb}: expected a name or an expression for ${name}, got ${String(value)}.`);
      return verb === "select" ? [name, { rename: value }] : [name, { value }];
    });
  });
}

/** Named expressions as `derive` and `rollup` take them. */
export function valuesOf(
  verb: "derive" | "rollup",
  given: Record<string, ExpressionInput>,
): [string, ExpressionInput][] {
  if (typeof given !== "object" || given === null)
    throw new ArgumentError(`${verb}: expected { name: expression }, got ${String(given)}.`);
  return Object.entries(given);
}

/** The question with its expressions as text, so that it can be sent elsewhere. */
export function asText(question: Question): Question {
  const column = (input: ColumnInput): ColumnInput => ("value" in input ? { value: String(input.value) } : input);
  const verbs = question.verbs.map((verb): Verb => {
    switch (verb.verb) {
      case "filter":
        return { ...verb, test: String(verb.test) };
      case "derive":
      case "rollup":
        return { ...verb, values: verb.values.map(([name, value]) => [name, String(value)]) };
      case "select":
        return { ...verb, columns: verb.columns.map(([name, input]) => [name, column(input)]) };
      case "groupby":
        return { ...verb, keys: verb.keys.map(([name, input]) => [name, column(input)]) };
      case "sample":
        return verb;
    }
  });
  const key = (one: KeyInput): KeyInput => ("value" in one ? { value: String(one.value) } : one);
  const { on } = question;
  return { ...question, ...(on ? { on: { start: on.start.map(key), end: on.end.map(key) } } : {}), verbs };
}
