/**
 * Parameters of a notebook: the variables that its cell with the tag `parameters` declares (papermill's convention).
 * A value from outside takes the place of the literal there, so the page shows the cell as it ran.
 */
import { visibleJson } from "../base/text.js";
import ts from "typescript";
import { listNames } from "../base/names.js";
import { ArgumentError } from "../base/errors.js";
import { type Notebook, sourceOf } from "./notebook.js";

export type ParameterValue = number | boolean | string;

/** A variable of the parameters cell. */
export interface Parameter {
  name: string;
  value: ParameterValue;
  /** Where its literal stands in the cell. */
  start: number;
  end: number;
}

/** The parameters that a notebook takes, with their defaults; empty without such a cell. */
export function parametersOf(notebook: Notebook): Parameter[] {
  const cell = parametersCell(notebook);
  return cell ? declared(sourceOf(cell)) : [];
}

/**
 * The same notebook with other values.
 *
 * @example
 * withParameters(notebook, { threshold: 20 })  // `const threshold = 50;` has become `const threshold = 20;`
 */
export function withParameters(notebook: Notebook, values: Record<string, ParameterValue>): Notebook {
  const cell = parametersCell(notebook);
  if (!cell || Object.keys(values).length === 0) return notebook;
  let source = sourceOf(cell);
  for (const { name, start, end } of declared(source).reverse()) {
    if (Object.hasOwn(values, name)) source = source.slice(0, start) + visibleJson(values[name]) + source.slice(end);
  }
  return { ...notebook, cells: notebook.cells.map((each) => (each === cell ? { ...cell, source } : each)) };
}

/**
 * Reads `name=value` as the command line has it. A number or a boolean may be a list, `threshold=10,20,50`: then the
 * notebook runs once for each; so does naming one twice.
 *
 * @returns one set of values for each run: all combinations, in the order given
 * @throws ArgumentError for an unknown name or a value of another type, with the names and types there are
 */
export function parameterSets(notebook: Notebook, assignments: readonly string[]): Record<string, ParameterValue>[] {
  const known = parametersOf(notebook);
  const lists = new Map<string, ParameterValue[]>();
  for (const assignment of assignments) {
    const at = assignment.indexOf("=");
    if (at < 1) throw new ArgumentError(`Expected name=value for a parameter, got ${assignment}.`);
    const name = assignment.slice(0, at);
    const parameter = known.find((each) => each.name === name);
    if (!parameter) throw new ArgumentError(`There is no parameter ${name}. ${namesThereAre(known)}`);
    const text = assignment.slice(at + 1);
    const texts = typeof parameter.value === "string" ? [text] : text.split(",");
    lists.set(name, [...(lists.get(name) ?? []), ...texts.map((each) => parse(each, parameter, known))]);
  }
  let sets: Record<string, ParameterValue>[] = [{}];
  for (const [name, values] of lists)
    sets = sets.flatMap((set) => [...new Set(values)].map((value) => ({ ...set, [name]: value })));
  return sets;
}

function parametersCell(notebook: Notebook) {
  return notebook.cells.find((cell) => cell.cell_type === "code" && cell.metadata.tags?.includes("parameters"));
}

function namesThereAre(known: Parameter[]): string {
  if (known.length === 0) return "This notebook takes none: no cell is tagged `parameters`.";
  return `It takes ${listNames(known.map(({ name, value }) => `${name} (${typeof value}, ${JSON.stringify(value)} unless told otherwise)`))}.`;
}

function parse(text: string, { name, value }: Parameter, known: Parameter[]): ParameterValue {
  if (typeof value === "string") return text;
  if (typeof value === "boolean" && (text === "true" || text === "false")) return text === "true";
  if (typeof value === "number" && text.trim() !== "" && Number.isFinite(Number(text))) return Number(text);
  throw new ArgumentError(
    `Expected ${typeof value === "number" ? "a number" : "true or false"} for the parameter ${name}, got ${JSON.stringify(text)}. ${namesThereAre(known)}`,
  );
}

/** Variables at the top of the cell that a literal initializes, in order. */
function declared(source: string): Parameter[] {
  const file = ts.createSourceFile("parameters.ts", source, ts.ScriptTarget.Latest, true);
  const declarations = file.statements
    .filter(ts.isVariableStatement)
    .flatMap(({ declarationList }) => [...declarationList.declarations]);
  return declarations.flatMap(({ name, initializer }) => {
    const value = initializer && literal(initializer);
    if (value === undefined || !ts.isIdentifier(name)) return [];
    return [{ name: name.text, value, start: initializer!.getStart(file), end: initializer!.getEnd() }];
  });
}

function literal(node: ts.Expression): ParameterValue | undefined {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (ts.isNumericLiteral(node)) return Number(node.text);
  if (
    ts.isPrefixUnaryExpression(node) &&
    node.operator === ts.SyntaxKind.MinusToken &&
    ts.isNumericLiteral(node.operand)
  )
    return -Number(node.operand.text);
  if (node.kind === ts.SyntaxKind.TrueKeyword) return true;
  if (node.kind === ts.SyntaxKind.FalseKeyword) return false;
  return undefined;
}
