import type { Field, Layout } from "./btf.js";

/** A field of a record as a column: nested structs become `outer.inner`, arrays of structs `outer.0.inner`. */
export type FlatField = Field;

/** The columns of a record. A record that is not a struct is one column called `value`. */
export function flatten(record: Layout): FlatField[] {
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
