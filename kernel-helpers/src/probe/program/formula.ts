import type { Expression, Identifier, MemberExpression, Node } from "acorn";
import { parse, table as makeTable } from "arquero";
import type { Compiler } from "../expression/compiler.js";
import { replacedIn, textOf, type Parsed } from "../expression/parse.js";
import type { Namer } from "./namer.js";
import { aggregate, isAggregate, refuseOther, type Aggregate } from "./rollup.js";

/** A column of a rollup: what the kernel adds up for it and, if that is not all, how it is computed from that. */
export interface RollupColumn {
  aggregates: Aggregate[];
  /** An expression of arquero's over columns of the aggregates' names. */
  formula?: string;
}

/**
 * Understands what a rollup computes for one column: one aggregate, or an expression of several, such as
 * `op.sum(d.ret) / op.count()`, which is arquero's to compute once the kernel has added up.
 */
export function rollupColumn(compiler: Compiler, name: string, namer: Namer): RollupColumn {
  const { parsed } = compiler;
  const body = withoutParentheses(parsed.body);
  if (isAggregate(body)) return { aggregates: [aggregate(compiler, body, name, namer.name(name))] };
  const calls = [...partsOf(body)].filter(isAggregate);
  if (calls.length === 0) return refuseOther(compiler);

  const row = parsed.row.name ?? "d";
  const aggregates = new Map<string, Aggregate>();
  const replaced = calls.map((call) => {
    const text = `${name}: ${textOf(parsed, call)}`;
    const found = aggregates.get(text) ?? aggregate(compiler, call, text, namer.name(name));
    if (found.bounds || found.how === "log2")
      return compiler.refuse(call, "a histogram is no number to compute with", "Give it a column of its own.");
    aggregates.set(text, found);
    return [call, `${row}[${JSON.stringify(text)}]`] as const;
  });
  checkNames(compiler, body);
  const formula = `(${row}${paramsOf(parsed)}) => ${replacedIn(parsed, parsed.body, replaced)}`;
  try {
    const empty = makeTable(Object.fromEntries([...aggregates.keys()].map((one) => [one, []]))).params(
      Object.fromEntries(compiler.scope.paramNames().map((param) => [param, 0])),
    );
    parse({ [name]: formula }, { table: empty, window: false, aggregate: false } as never);
  } catch (error) {
    const [, said, part] = /^([^:\n]+)(?:: "(.+)")?/.exec((error as Error).message)!;
    if (said === "Invalid variable reference" && part)
      return compiler.refuse(
        body,
        `an expression cannot see the variable ${part}`,
        `Pass its value: (d, $) => … $.${part} …, with .params({ ${part} }).`,
      );
    return compiler.refuse(
      body,
      `arquero cannot compute this from the sums (${said})`,
      "Roll up the sums, and compute with the table.",
    );
  }
  return { aggregates: [...aggregates.values()], formula };
}

/** Outside of what adds up there are no columns, for a group has many rows; parameters there are. */
function checkNames(compiler: Compiler, body: Expression): void {
  const { row, params } = compiler.parsed;
  for (const node of partsOf(body)) {
    const isColumn =
      isMemberOf(node, row.name) || (node.type === "Identifier" && row.properties.has((node as Identifier).name));
    if (isColumn)
      compiler.refuse(
        node,
        `${textOf(compiler.parsed, node)} has a value for each event, and a group has one row`,
        `Add it up, such as op.sum(${textOf(compiler.parsed, node)}) or op.last(${textOf(compiler.parsed, node)}), or group by it.`,
      );
    if (
      isMemberOf(node, params.name) ||
      (node.type === "Identifier" && params.properties.has((node as Identifier).name))
    )
      compiler.value(node as Expression); // refuses one without value
  }
}

function isMemberOf(node: Node, name: string | undefined): node is MemberExpression {
  if (node.type !== "MemberExpression" || name === undefined) return false;
  const { object } = node as MemberExpression;
  return object.type === "Identifier" && object.name === name;
}

function paramsOf({ params }: Parsed): string {
  if (params.name !== undefined) return `, ${params.name}`;
  const taken = [...params.properties].map(([local, property]) => `${JSON.stringify(property)}: ${local}`);
  return taken.length > 0 ? `, { ${taken.join(", ")} }` : "";
}

function withoutParentheses(node: Expression): Expression {
  return node.type === "ParenthesizedExpression" ? withoutParentheses(node.expression) : node;
}

/** An expression and its parts, but not the parts of what adds up. */
function* partsOf(node: Node): Generator<Node> {
  yield node;
  if (isAggregate(node)) return;
  for (const [key, value] of Object.entries(node))
    for (const part of [value as unknown].flat())
      if (isNode(part) && !(key === "property" && !(node as MemberExpression).computed)) yield* partsOf(part);
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as Partial<Node>).type === "string";
}
