import type { Combine } from "../bpf/btf.js";
import {
  AddressColumn,
  BooleanColumn,
  DictionaryColumn,
  ListColumn,
  WideColumn,
  type EventColumn,
} from "./event-columns.js";

type Numbers = Float64Array | BigInt64Array | BigUint64Array;

/**
 * One row from the rows of all CPUs, which follow each other. Numbers are added up, or the smallest or largest
 * is taken; booleans are true if one is; of text, enums and addresses the first counts that a CPU wrote.
 *
 * @param written for each CPU's row, whether that CPU has written to it
 */
export function combineCpus(column: EventColumn, cpus: number, written: Uint8Array, how: Combine): EventColumn {
  if (column instanceof ListColumn) {
    const { size } = column;
    if (!ArrayBuffer.isView(column.values)) return pickWritten(column, cpus, written);
    return new ListColumn(combineNumbers(column.values as never, cpus, size, written, how) as never, size);
  }
  if (column instanceof BooleanColumn) {
    const rows = column.length / cpus;
    return new BooleanColumn(
      Uint8Array.from({ length: rows }, (_, row) =>
        column.bytes.subarray(row * cpus, (row + 1) * cpus).some(Boolean) ? 1 : 0,
      ),
    );
  }
  if (column instanceof DictionaryColumn || column instanceof AddressColumn) return pickWritten(column, cpus, written);
  if (column instanceof WideColumn) return combineWide(column, cpus, written, how);
  return combineNumbers(column as never, cpus, 1, written, how);
}

function combineWide(column: WideColumn, cpus: number, written: Uint8Array, how: Combine): WideColumn {
  const words = new BigUint64Array((column.length / cpus) * 2);
  for (let row = 0; row < column.length / cpus; row++) {
    const values: bigint[] = [];
    for (let at = row * cpus; at < (row + 1) * cpus; at++) if (written[at]) values.push(column.at(at)!);
    if (values.length === 0) continue;
    const one = values.reduce((a, b) => (how === "sum" ? a + b : (how === "min" ? b < a : b > a) ? b : a));
    words[2 * row] = BigInt.asUintN(64, one);
    words[2 * row + 1] = BigInt.asUintN(64, one >> 64n);
  }
  return new WideColumn(words, column.signed);
}

function combineNumbers(
  values: ArrayLike<number>,
  cpus: number,
  size: number,
  written: Uint8Array,
  how: Combine,
): Numbers {
  const rows = values.length / size / cpus;
  // A sum of small integers may outgrow their type; BigInts stay what they are.
  const sums = (
    values instanceof BigInt64Array || values instanceof BigUint64Array
      ? new (values.constructor as BigUint64ArrayConstructor)(rows * size)
      : new Float64Array(rows * size)
  ) as Float64Array;
  const fresh = new Uint8Array(rows).fill(1);
  for (let row = 0; row < rows; row++) {
    for (let cpu = 0; cpu < cpus; cpu++) {
      if (!written[row * cpus + cpu]) continue;
      for (let i = 0; i < size; i++) {
        const value = values[(row * cpus + cpu) * size + i]!;
        const at = row * size + i;
        if (how === "sum") sums[at]! += value;
        else if (fresh[row] || (how === "min" ? value < sums[at]! : value > sums[at]!)) sums[at] = value;
      }
      fresh[row] = 0;
    }
  }
  return sums;
}

/** The row of the first CPU that wrote something there: for text one that is not empty, if there is one. */
function pickWritten<Column extends DictionaryColumn | AddressColumn | ListColumn<any>>(
  column: Column,
  cpus: number,
  written: Uint8Array,
): Column {
  const rows = column.length / cpus;
  const picked = new Uint32Array(rows);
  for (let row = 0; row < rows; row++) {
    const first = row * cpus;
    let found = -1;
    for (let at = first; at < first + cpus; at++) {
      if (!written[at]) continue;
      if (found < 0) found = at;
      if (column.at(at) === "") continue;
      found = at;
      break;
    }
    picked[row] = found < 0 ? first : found;
  }
  return column.take(picked) as Column;
}
