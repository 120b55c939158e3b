import { BooleanColumn, DictionaryColumn, ListColumn } from "../streams/columns.js";

/**
 * Plain values, as files give them, as a column of the kind that streams make: typed arrays, a dictionary for text,
 * a byte for a boolean, lists of one length end to end. Values of several kinds, or with gaps, stay as they are.
 */
export function columnFrom(values: ArrayLike<unknown>): unknown {
  if (ArrayBuffer.isView(values) || values.length === 0) return values;
  const kind = typeof values[0];
  for (let i = 1; i < values.length; i++) if (typeof values[i] !== kind) return values;
  switch (kind) {
    case "boolean":
      return new BooleanColumn(Uint8Array.from(values as ArrayLike<boolean>, Number));
    case "number":
      return Float64Array.from(values as ArrayLike<number>);
    case "bigint":
      return bigints(values as ArrayLike<bigint>);
    case "string":
      return dictionary(values as ArrayLike<string>);
    default:
      return lists(values) ?? values;
  }
}

function bigints(values: ArrayLike<bigint>): BigInt64Array | BigUint64Array {
  for (let i = 0; i < values.length; i++) if (values[i]! < 0n) return BigInt64Array.from(Array.from(values));
  return BigUint64Array.from(Array.from(values));
}

function dictionary(values: ArrayLike<string>): DictionaryColumn {
  const codes = new Map<string, number>();
  const rows = Uint32Array.from(values, (text) => codes.get(text) ?? (codes.set(text, codes.size), codes.size - 1));
  return new DictionaryColumn(rows, [...codes.keys()]);
}

function lists(values: ArrayLike<unknown>): ListColumn | undefined {
  const { length } = (values[0] ?? []) as ArrayLike<unknown>;
  if (!(length > 0)) return undefined;
  const all: unknown[] = [];
  for (let i = 0; i < values.length; i++) {
    const list = values[i] as ArrayLike<unknown> | null;
    if (!(Array.isArray(list) || ArrayBuffer.isView(list)) || list.length !== length) return undefined;
    for (let at = 0; at < length; at++) all.push(list[at]);
  }
  const flat = columnFrom(all);
  return flat === all ? undefined : new ListColumn(flat as never, length);
}
