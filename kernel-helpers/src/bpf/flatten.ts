import { ArgumentError } from "../base/errors.js";
import type { Field, Layout } from "./btf.js";

/** A field of a record as a column: nested structs become `outer.inner`, arrays of structs `outer.0.inner`. */
export type FlatField = Field;

/** More than anybody looks at; a record of a few bytes can come to billions of columns without any bytes. */
const MOST_COLUMNS = 100_000;

/**
 * The columns of a record. A record that is not a struct is one column called `value`.
 *
 * @throws ArgumentError for a record of more than 100,000 columns
 */
export function flatten(record: Layout): FlatField[] {
  const columns = countOf(record, new Map());
  if (columns > MOST_COLUMNS)
    throw new ArgumentError(
      `A record would have ${columns.toLocaleString("en")} columns; a table has ${MOST_COLUMNS.toLocaleString("en")} at most.`,
      { hint: "Make arrays of structs in it shorter, or arrays of numbers." },
    );
  if (record.kind !== "struct") return [{ name: "value", offset: 0, layout: record }];
  return record.fields.flatMap((field) => inner(field, "", 0));
}

function inner(field: Field, prefix: string, base: number): FlatField[] {
  const name = prefix + field.name;
  const offset = base + field.offset;
  const { layout } = field;
  if (layout.kind === "struct") return layout.fields.flatMap((f) => inner(f, `${name}.`, offset));
  if (layout.kind === "array" && (layout.element.kind === "struct" || layout.element.kind === "array")) {
    const { element, length } = layout;
    return Array.from({ length }, (_, i) =>
      inner({ name: String(i), offset: i * element.size, layout: element }, `${name}.`, offset),
    ).flat();
  }
  return layout.size > 0 ? [{ ...field, name, offset }] : []; // a flexible array has no bytes of its own
}

/** How many columns a layout comes to; `known` are those that were counted. */
function countOf(layout: Layout, known: Map<Layout, number>): number {
  const before = known.get(layout);
  if (before !== undefined) return before;
  const count =
    layout.kind === "struct"
      ? layout.fields.reduce((sum, field) => sum + countOf(field.layout, known), 0)
      : layout.kind === "array" && (layout.element.kind === "struct" || layout.element.kind === "array")
        ? Math.max(layout.length, layout.length * countOf(layout.element, known))
        : 1;
  known.set(layout, count);
  return count;
}
