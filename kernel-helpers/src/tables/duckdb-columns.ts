/** DuckDB's vectors, 2,048 rows at a time, as columns: their memory is copied, no value is looked at singly. */
import type * as Api from "@duckdb/node-api";
import type { DuckDBDataChunk, DuckDBEnumType, DuckDBType } from "@duckdb/node-api";
import type bindings from "@duckdb/node-bindings";
import { BooleanColumn, DictionaryColumn, ListColumn } from "../streams/event-columns.js";
import { Int64Column, NullableColumn, TimestampColumn, type TimestampUnit } from "../streams/file-columns.js";
import type { AnyColumn } from "../streams/take.js";
import { nestedNumbers } from "./nested-integers.js";
import { textColumn } from "./storable.js";

/** DuckDB, loaded. */
export interface Duck {
  api: typeof Api;
  bindings: typeof bindings;
}

/** Makes one column from the chunks of a result. */
export interface ColumnReader {
  /** Takes the chunk's column `index`, whose rows are those from `row` on. */
  add(chunk: DuckDBDataChunk, index: number, row: number): void;
  column(): AnyColumn;
}

/** What a type alone does not say. */
export interface ColumnHints {
  /** Integers of 64 bits as BigInts. */
  bigint: boolean;
  /** Elements of each row of a column of lists, if all rows have as many. */
  list?: number | undefined;
  /** What the codes of an enum stand for. */
  words?: readonly string[] | undefined;
  /** Moments that the file counts in milliseconds, and DuckDB in microseconds. */
  inMilliseconds: boolean;
  /** Moments of UTC that the file's type does not tell as such. */
  utc: boolean;
}

type NumberArray = new (length: number) => NodeJS.TypedArray;

/** How a type lies in memory, and which column that is; undefined for types of which each value is read singly. */
function layoutOf({ api: { DuckDBTypeId: Id } }: Duck, type: DuckDBType, bigint: boolean) {
  const numbers = (array: NumberArray) => ({
    array,
    column: (values: NodeJS.TypedArray): AnyColumn => values as never,
  });
  const integers = (array: NumberArray) =>
    bigint
      ? numbers(array)
      : { array, column: (values: NodeJS.TypedArray) => new Int64Column(values as BigInt64Array) };
  const moments = (unit: TimestampUnit, utc = false) => ({
    array: BigInt64Array as NumberArray,
    column: (values: NodeJS.TypedArray) => new TimestampColumn(values as BigInt64Array, unit, utc),
  });
  switch (type.typeId) {
    case Id.TINYINT:
      return numbers(Int8Array);
    case Id.SMALLINT:
      return numbers(Int16Array);
    case Id.INTEGER:
      return numbers(Int32Array);
    case Id.UTINYINT:
      return numbers(Uint8Array);
    case Id.USMALLINT:
      return numbers(Uint16Array);
    case Id.UINTEGER:
      return numbers(Uint32Array);
    case Id.FLOAT:
      return numbers(Float32Array);
    case Id.DOUBLE:
      return numbers(Float64Array);
    case Id.BIGINT:
      return integers(BigInt64Array);
    case Id.UBIGINT:
      return integers(BigUint64Array);
    case Id.BOOLEAN:
      return {
        array: Uint8Array as NumberArray,
        column: (values: NodeJS.TypedArray) => new BooleanColumn(values as Uint8Array),
      };
    case Id.DATE:
      return {
        array: Int32Array as NumberArray,
        column: (values: NodeJS.TypedArray) =>
          new TimestampColumn(BigInt64Array.from(values as Int32Array, BigInt), "day", false),
      };
    case Id.TIMESTAMP_S:
      return moments("s");
    case Id.TIMESTAMP_MS:
      return moments("ms");
    case Id.TIMESTAMP:
      return moments("us");
    case Id.TIMESTAMP_NS:
      return moments("ns");
    case Id.TIMESTAMP_TZ:
      return moments("us", true);
    case Id.ENUM:
      return enumLayout((type as DuckDBEnumType).values);
    default:
      return undefined;
  }
}

function enumLayout(words: readonly string[]) {
  const array: NumberArray = words.length <= 256 ? Uint8Array : words.length <= 65536 ? Uint16Array : Uint32Array;
  return {
    array,
    column: (codes: NodeJS.TypedArray) => new DictionaryColumn(Uint32Array.from(codes as Uint8Array), words),
  };
}

/** Bytes that a row of such a column takes, of those whose length is not its own. */
export function storedWidth(duck: Duck, type: DuckDBType): number {
  const { DuckDBTypeId: Id } = duck.api;
  if (type.typeId === Id.VARCHAR) return 8;
  const layout = layoutOf(duck, type, true);
  return layout ? new layout.array(1).byteLength : 16;
}

/** A reader for a column of this type. */
export function columnReader(duck: Duck, type: DuckDBType, rows: number, hints: ColumnHints): ColumnReader {
  const { bigint, list, words } = hints;
  const layout = words ? enumLayout(words) : layoutOf(duck, type, bigint);
  if (layout) {
    const column = (values: NodeJS.TypedArray) => momentsAsNoted(layout.column(values), hints);
    return numbersReader(duck, { ...layout, column }, rows);
  }
  const { DuckDBListType } = duck.api;
  if (list !== undefined && type instanceof DuckDBListType) {
    const element = layoutOf(duck, type.valueType, bigint);
    return element ? listReader(duck, element, rows, list) : textListReader(duck, rows, list);
  }
  return valuesReader(duck, type, rows, bigint);
}

function momentsAsNoted(column: AnyColumn, { inMilliseconds, utc }: ColumnHints): AnyColumn {
  if (!(column instanceof TimestampColumn)) return column;
  const inMs = inMilliseconds && column.unit === "us";
  return new TimestampColumn(
    inMs ? column.values.map((value) => value / 1000n) : column.values,
    inMs ? "ms" : column.unit,
    utc || column.utc,
  );
}

type Layout = NonNullable<ReturnType<typeof layoutOf>>;

function numbersReader({ bindings }: Duck, { array, column }: Layout, rows: number): ColumnReader {
  const values = new array(rows);
  const bytes = new Uint8Array(values.buffer);
  const width = values.BYTES_PER_ELEMENT;
  let valid: Uint8Array | undefined;
  return {
    add(chunk, index, row) {
      const vector = bindings.data_chunk_get_vector(chunk.chunk, index);
      const count = chunk.rowCount;
      bytes.set(bindings.vector_get_data(vector, count * width), row * width);
      const bits = bindings.vector_get_validity(vector, Math.ceil(count / 64) * 8) as Uint8Array | null;
      if (!bits) return;
      for (let i = 0; i < count; i++) {
        if ((bits[i >> 3]! >> (i & 7)) & 1) continue;
        valid ??= new Uint8Array(rows).fill(1);
        valid[row + i] = 0;
        bytes.fill(0, (row + i) * width, (row + i + 1) * width);
      }
    },
    column: () => (valid ? new NullableColumn(column(values), valid) : column(values)),
  };
}

/** Lists that all have as many elements: what `save` made of a ListColumn. */
function listReader({ bindings }: Duck, { array, column }: Layout, rows: number, size: number): ColumnReader {
  const values = new array(rows * size);
  const bytes = new Uint8Array(values.buffer);
  const width = values.BYTES_PER_ELEMENT;
  return {
    add(chunk, index, row) {
      const vector = bindings.data_chunk_get_vector(chunk.chunk, index);
      const entries = entriesOf(bindings.vector_get_data(vector, chunk.rowCount * 16), size);
      const child = bindings.list_vector_get_child(vector);
      const elements = bindings.vector_get_data(child, bindings.list_vector_get_size(vector) * width);
      for (const [i, offset] of entries.entries())
        bytes.set(elements.subarray(offset * width, (offset + size) * width), (row + i) * size * width);
    },
    column: () => new ListColumn(column(values) as never, size),
  };
}

/** Where each list begins among the elements. @throws if one is not as long as the file's metadata says */
function entriesOf(bytes: Uint8Array, size: number): number[] {
  const words = new BigUint64Array(bytes.slice().buffer);
  return Array.from({ length: words.length / 2 }, (_, i) => {
    if (Number(words[2 * i + 1]) !== size) throw new Error(`a list is not of ${size} elements, as the file claims`);
    return Number(words[2 * i]);
  });
}

function textListReader(duck: Duck, rows: number, size: number): ColumnReader {
  const codes = new Uint32Array(rows * size);
  const known = new Map<string, number>();
  return {
    add(chunk, index, row) {
      chunk.visitColumnValues(index, (list, i) => {
        const { items } = list as unknown as { items: readonly string[] };
        for (let at = 0; at < size; at++) {
          const text = items[at]!;
          let code = known.get(text);
          if (code === undefined) known.set(text, (code = known.size));
          codes[(row + i) * size + at] = code;
        }
      });
    },
    column: () => new ListColumn(new DictionaryColumn(codes, [...known.keys()]), size),
  };
}

/** Of every other type each value by itself, as JavaScript has it: lists, structs, decimals, long text. */
function valuesReader({ api }: Duck, type: DuckDBType, rows: number, bigint: boolean): ColumnReader {
  const values = new Array<unknown>(rows);
  const isJson = type.alias === "JSON";
  const isText = type.typeId === api.DuckDBTypeId.VARCHAR && !isJson;
  return {
    add(chunk, index, row) {
      chunk.visitColumnValues(index, (value, i) => {
        const plain = isText ? value : api.JSDuckDBValueConverter(value, type, api.JSDuckDBValueConverter);
        values[row + i] = isJson && plain !== null ? (JSON.parse(plain as string) as unknown) : plain;
      });
    },
    column: () => (isText ? textColumn(values as (string | null)[]) : bigint ? values : values.map(nestedNumbers)),
  };
}
