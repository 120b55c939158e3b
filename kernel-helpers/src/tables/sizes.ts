import type { ColumnTable } from "arquero";
import { withColumns } from "../streams/capture.js";
import { DictionaryColumn } from "../streams/event-columns.js";
import type { ColumnName, EventTable } from "../streams/table.js";
import { numbersOf, storedRows } from "./columns.js";

/** Where each class begins, in bytes; the first is for what returned a negative error number. */
const bounds = [-Infinity, 0, 1, 16, 256, 4096, 65536, 1048576];

/**
 * The classes that `withSizeClass` sorts into, smallest first.
 *
 * @example
 * sizeClasses[0]  // "failed"
 */
export const sizeClasses: readonly string[] = [
  "failed",
  "0 B",
  "1 to <16 B",
  "16 to <256 B",
  "256 B to <4 KiB",
  "4 to <64 KiB",
  "64 KiB to <1 MiB",
  "1 MiB or more",
];

/** Which column holds the sizes. */
export interface SizeClassOptions<Name extends string = string> {
  /** Column of bytes, or of what a system call returned: bytes, or a negative error number; default `ret`. */
  size?: Name;
}

/**
 * The table with a column `size_class`: how large each write or read was, in steps of 16 times. A page of 4 KiB and a
 * block of 64 KiB begin classes of their own; calls that failed are one, too.
 *
 * @throws ArgumentError if the column is missing or holds no numbers
 * @example
 * latency.summary(withSizeClass(writes), { by: "size_class" }).orderby(aq.escape((row) => sizeClasses.indexOf(row.size_class)))
 */
export function withSizeClass<Table extends ColumnTable>(
  table: Table,
  { size }: SizeClassOptions<ColumnName<Table>> = {},
): Table extends EventTable<infer Row> ? EventTable<Row & { size_class: string }> : ColumnTable {
  const base = storedRows(table);
  const codes = Uint32Array.from(numbersOf(base, size ?? "ret", "size of withSizeClass"), (bytes) => {
    let code = bounds.length - 1;
    while (code > 0 && !(bytes >= bounds[code]!)) code--;
    return code;
  });
  return withColumns(base, { ...base.data(), size_class: new DictionaryColumn(codes, sizeClasses) }) as never;
}
