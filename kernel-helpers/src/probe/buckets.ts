import { table as makeTable, type ColumnTable } from "arquero";
import { ArgumentError } from "../base/errors.js";
import { unknownName } from "../base/names.js";
import { captureOf, markCapture } from "../streams/capture.js";
import type { Bounds } from "./program/rollup.js";

// A column of counts does not say where its slots lie; the rollup that made it does.
const linear = new WeakMap<object, Bounds>();

/** Remembers where the slots of a linear histogram lie. */
export function rememberBounds(column: object, bounds: Bounds): void {
  linear.set(column, bounds);
}

/**
 * A histogram that the kernel counted, `op.log2()` or `op.linear()`, as rows: one row per slot, from the first to the last
 * that counted anything, with the columns of the group, then `low` (included), `high` (not included) and `count`.
 *
 * @throws ArgumentError for a column that is no histogram of a rollup's
 * @example
 * const reads = await probe("tp/syscalls/sys_exit_read").rollup({ sizes: op.log2("ret") }).collect({ seconds: 5 });
 * charts.buckets(probe.buckets(reads, "sizes"), { low: "low", high: "high" })
 */
export function histogramBuckets(table: ColumnTable, name: string): ColumnTable {
  const column = table.column(name) as unknown as (object & Iterable<ArrayLike<number>>) | undefined;
  if (!column) throw unknownName("column", "The table", name, table.columnNames());
  const groups = table.columnNames().filter((one) => one !== name && !isHistogram(table, one));
  const columns: Record<string, unknown[]> = Object.fromEntries(
    [...groups, "low", "high", "count"].map((one) => [one, []]),
  );
  table.scan((row) => {
    const counts = table.get(name, row!) as ArrayLike<number>;
    if (!isCounts(counts))
      throw new ArgumentError(`buckets: the column ${name} holds no histogram.`, {
        hint: "op.log2() and op.linear() of a rollup make one.",
      });
    const used = Array.from(counts, (count, slot) => (count > 0 ? slot : -1)).filter((slot) => slot >= 0);
    for (let slot = used[0] ?? 0; slot <= (used.at(-1) ?? -1); slot++) {
      const [low, high] = placeOf(slot, counts.length, linear.get(column));
      for (const group of groups) columns[group]!.push(table.get(group, row!));
      columns["low"]!.push(low);
      columns["high"]!.push(high);
      columns["count"]!.push(counts[slot]);
    }
  });
  const capture = captureOf(table);
  const result = makeTable(columns as never);
  return capture ? markCapture(result, capture) : result;
}

function isCounts(value: unknown): value is ArrayLike<number> {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

function isHistogram(table: ColumnTable, name: string): boolean {
  return table.numRows() > 0 && isCounts(table.get(name, 0));
}

function placeOf(slot: number, slots: number, bounds: Bounds | undefined): [number, number] {
  if (!bounds) return [slot === 0 ? 0 : 2 ** slot, 2 ** (slot + 1)];
  const { low, step } = bounds;
  const top = low + (slots - 2) * step;
  if (slot === 0) return [-Infinity, low];
  return slot === slots - 1 ? [top, Infinity] : [low + (slot - 1) * step, low + slot * step];
}
