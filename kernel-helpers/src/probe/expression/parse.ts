import { parse, type Expression, type Node, type Pattern } from "acorn";
import { inspect } from "node:util";
import { ArgumentError } from "../../base/errors.js";

/** An expression in arquero's syntax, parsed and not yet understood. */
export interface Parsed {
  /** The verb that it was given to, and under which name: `filter`, `derive of kb`. */
  verb: string;
  text: string;
  body: Expression;
  /** What the function calls the row, or the row's fields that it takes apart. */
  row: Binding;
  /** What it calls the parameters. */
  params: Binding;
}

/** A function's parameter: a name, or names for some of its properties. */
export interface Binding {
  name?: string;
  properties: ReadonlyMap<string, string>;
}

/** What a verb takes as an expression. */
export type ExpressionInput = string | ((row: any, params: any) => unknown) | { toString(): string };

/** A node and where it stands in the text. */
export type Placed = Pick<Node, "start" | "end">;

const PREFIX = "expr=(";

/**
 * Parses a function or a string as arquero does: `d => d.ret > 0`, `"d.ret > 0"`, or what `op.sum("ret")` returns.
 *
 * @throws ArgumentError that shows the place
 */
export function parseExpression(verb: string, input: ExpressionInput): Parsed {
  if (typeof input !== "string" && typeof input !== "function" && !(typeof input === "object" && input !== null))
    throw new ArgumentError(`${verb}: expected an expression such as d => d.pid, got ${inspect(input)}.`);
  // A cell's imports are members of a module object once they are compiled; nobody wrote that.
  const text = String(input)
    .replace(/(?<![\w$)\]])\(0, (\w+(?:\.\w+)+)\)(?=\()/g, "$1")
    .replace(/\b\w+_\d+\.(?=(?:op|aq)\.)/g, "");
  let body: Expression;
  try {
    const program = parse(`${PREFIX}${text}\n)`, { ecmaVersion: 2023 });
    const statement = program.body[0]!;
    if (program.body.length !== 1 || statement.type !== "ExpressionStatement")
      throw new SyntaxError("not one expression");
    body = (statement.expression as Extract<Expression, { type: "AssignmentExpression" }>).right;
  } catch (cause) {
    throw new ArgumentError(`${verb}: this is not an expression: ${text}`, {
      hint: `${/^\[native code\]|\{ \[native code\] \}/.test(text) ? "A bound or built-in function has no source to compile. " : ""}Write a function such as d => d.pid > 1, or its text.`,
      cause,
    });
  }
  const parsed: Parsed = {
    verb,
    text,
    body,
    row: { name: "d", properties: new Map() },
    params: { name: "$", properties: new Map() },
  };
  if (body.type !== "ArrowFunctionExpression" && body.type !== "FunctionExpression") return parsed;
  if (body.async || body.generator)
    refuse(parsed, body, "an async function or a generator does not run in the kernel", "Write an expression.");
  if (body.params.length > 2)
    refuse(parsed, body.params[2]!, "an expression gets the row and the parameters, nothing else", "Write (d, $) => …");
  const [row, params] = body.params;
  parsed.row = row ? binding(parsed, row) : { properties: new Map() };
  parsed.params = params ? binding(parsed, params) : { properties: new Map() };
  parsed.body = body.body.type === "BlockStatement" ? returned(parsed, body.body) : body.body;
  return parsed;
}

function binding(parsed: Parsed, pattern: Pattern): Binding {
  if (pattern.type === "Identifier") return { name: pattern.name, properties: new Map() };
  if (pattern.type !== "ObjectPattern")
    return refuse(
      parsed,
      pattern,
      "this cannot be a parameter of an expression",
      "Write (d, $) => …, or ({ pid }) => …",
    );
  const properties = new Map<string, string>();
  for (const property of pattern.properties) {
    if (property.type !== "Property" || property.computed || property.value.type !== "Identifier")
      return refuse(parsed, property, "only names can be taken out of a row", "Write ({ pid, comm }) => …");
    const key =
      property.key.type === "Identifier" ? property.key.name : String((property.key as { value?: unknown }).value);
    properties.set(property.value.name, key);
  }
  return { properties };
}

function returned(parsed: Parsed, block: Extract<Expression, { type: "FunctionExpression" }>["body"]): Expression {
  const [only, ...more] = block.body;
  if (only?.type === "ReturnStatement" && only.argument && more.length === 0) return only.argument;
  const loop = block.body.find((statement) => /^(For|While|DoWhile)/.test(statement.type));
  return refuse(
    parsed,
    loop ?? only ?? block,
    loop ? "there are no loops in an expression" : "an expression has no statements",
    "Write one expression: conditions as a ? b : c, and what is used twice as a column of derive().",
  );
}

/** Refuses a part of an expression, showing where it stands and what to write instead. */
export function refuse(parsed: Parsed, node: Placed, why: string, instead: string): never {
  throw new ArgumentError(`${parsed.verb}: ${why}.\n${pointer(parsed, node)}`, { hint: instead });
}

/** The expression with carets under a part of it. */
export function pointer({ text }: Pick<Parsed, "text">, { start, end }: Placed): string {
  const [from, to] = [Math.max(start - PREFIX.length, 0), Math.min(end - PREFIX.length, text.length)];
  const lineStart = text.lastIndexOf("\n", from - 1) + 1;
  const lineEnd = (text.indexOf("\n", from) + 1 || text.length + 1) - 1;
  // Of a long line the part that matters.
  const shownFrom = Math.max(lineStart, from - 40);
  const shownTo = Math.min(lineEnd, shownFrom + 110);
  const line = `${shownFrom > lineStart ? "…" : ""}${text.slice(shownFrom, shownTo)}${shownTo < lineEnd ? "…" : ""}`;
  const before = line.slice(0, from - shownFrom + (shownFrom > lineStart ? 1 : 0)).replace(/[^\t]/g, " ");
  return `  ${line}\n  ${before}${"^".repeat(Math.max(Math.min(to, shownTo) - from, 1))}`;
}

/** The text of a part, with parts of it replaced. */
export function replacedIn(
  parsed: Pick<Parsed, "text">,
  whole: Placed,
  parts: readonly (readonly [Placed, string])[],
): string {
  let [text, at] = ["", whole.start];
  for (const [part, instead] of [...parts].sort(([a], [b]) => a.start - b.start)) {
    text += textOf(parsed, { start: at, end: part.start }) + instead;
    at = part.end;
  }
  return text + textOf(parsed, { start: at, end: whole.end });
}

/** The text of a part. */
export function textOf({ text }: Pick<Parsed, "text">, { start, end }: Placed): string {
  return text.slice(start - PREFIX.length, end - PREFIX.length);
}
