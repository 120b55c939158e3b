import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import type { ColumnTable } from "arquero";
import { NullableColumn } from "../../dist/streams/file-columns.js";

/** Of this test file alone; there before its first test, and gone after its last. */
export let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "bpflab-files-"));
});
after(() => rm(directory, { recursive: true }));

export const at = (name: string) => join(directory, name);

/** The class of a column, with a question mark where rows may have no value. */
export const kindOf = (table: ColumnTable, name: string): string => {
  const column = table.column(name) as unknown as { values?: unknown; constructor: { name: string } };
  return column instanceof NullableColumn ? `${column.values!.constructor.name}?` : column.constructor.name;
};

/** A value that can be compared whatever class it came in. */
export const plain = (value: unknown): unknown => {
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "bigint" && value >= -(2n ** 53n) && value < 2n ** 53n) return Number(value);
  if (value === null || typeof value !== "object" || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
};
