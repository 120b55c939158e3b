/** Moments in nanoseconds that DuckDB would round to microseconds: those of UTC, and those of 96 bits. Read by hyparquet. */
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { type AsyncBuffer, type Compressors, type FileMetaData, parquetRead, type SchemaElement } from "hyparquet";
import { decompress as unzstd } from "fzstd";
import { uncompressSync as unlz4 } from "lz4-napi";
import { NullableColumn, TimestampColumn } from "../streams/file-columns.js";
import type { AnyColumn } from "../streams/take.js";

const compressors: Compressors = {
  GZIP: (bytes) => gunzipSync(bytes),
  BROTLI: (bytes) => brotliDecompressSync(bytes),
  ZSTD: (bytes, length) => unzstd(bytes, new Uint8Array(length)),
  LZ4_RAW: (bytes, length) => unlz4(withLength(bytes, length)),
};

/** LZ4's block as the library takes it: behind the length of what is in it. */
function withLength(bytes: Uint8Array, length: number): Uint8Array {
  const block = Buffer.alloc(4 + bytes.length);
  block.writeUInt32LE(length);
  block.set(bytes, 4);
  return block;
}

/** True for a column of such moments. */
export function hasRoundedMoments({ type, logical_type }: SchemaElement): boolean {
  if (type === "INT96") return true;
  return logical_type?.type === "TIMESTAMP" && logical_type.unit === "NANOS" && logical_type.isAdjustedToUTC;
}

/** Reads one such column of a file; undefined if a moment is too far from 1970 for nanoseconds in 64 bits, as those of 96 bits may be. */
export async function readMoments(
  file: AsyncBuffer,
  metadata: FileMetaData,
  element: SchemaElement,
): Promise<AnyColumn | undefined> {
  const rows = Number(metadata.num_rows);
  const values = new BigInt64Array(rows);
  const valid = new Uint8Array(rows);
  let given = 0;
  let tooFar = false;
  await parquetRead({
    file,
    metadata,
    columns: [element.name],
    compressors,
    parsers: { timestampFromNanoseconds: (ns: bigint) => ns as never },
    onChunk({ columnData, rowStart }) {
      for (let i = 0; i < columnData.length; i++) {
        const ns = columnData[i] as bigint | null | undefined;
        if (ns === null || ns === undefined) continue;
        values[rowStart + i] = ns;
        tooFar ||= values[rowStart + i] !== ns;
        valid[rowStart + i] = 1;
        given++;
      }
    },
  });
  if (tooFar) return undefined;
  const column = new TimestampColumn(values, "ns", element.type !== "INT96");
  return given === rows ? column : new NullableColumn(column, valid);
}
