/**
 * Captures as files, to be looked at later or elsewhere, without root: Parquet, which nearly every tool reads,
 * or Apache Arrow's IPC file format, which is larger and several times faster. The account of what was lost, and on which
 * machine and kernel and by which clock, stands in the file's metadata, and so does a checksum of the whole; each page of a Parquet file has one, too, for other readers.
 *
 * @example
 * await capture.save(writes, "writes.parquet");
 * const writes = await capture.open("writes.parquet");
 */
import { open as openFile, type FileHandle } from "node:fs/promises";
import { extname } from "node:path";
import type { ColumnTable } from "arquero";
import { ArgumentError, BpflabError, MissingFeatureError } from "../base/errors.js";
import { ListColumn } from "../streams/event-columns.js";
import { type Capture, captureOf, markCapture } from "../streams/capture.js";
import { provenance } from "../streams/clock.js";
import { NullableColumn, TimestampColumn } from "../streams/file-columns.js";
import { readArrow } from "./arrow-read.js";
import { writeArrow } from "./arrow-write.js";
import { storedRows } from "./columns.js";
import { BLANK, CHECKSUM_KEY, isSealed, sealFile } from "./file-checksum.js";
import { type Metadata, metadataKeys } from "./file-contents.js";
import { CaptureFileError } from "./file-errors.js";
import { type FileKind, fileKind } from "./file-kind.js";
import { readParquet } from "./parquet-read.js";
import { writeParquet } from "./parquet-write.js";
import { replaceFile } from "./replace-file.js";

export { CaptureFileError, type FileFault } from "./file-errors.js";
export { query } from "./query-files.js";

const kinds: Readonly<Record<string, FileKind>> = { ".parquet": "Parquet", ".arrow": "Arrow file" };

/**
 * Writes a table into a file; text becomes a dictionary, and columns keep their types: integers their width and sign,
 * moments their unit. The file is written aside and takes the place of an older one when all of it is on the disk:
 * whatever happens meanwhile, the old one is there or the new one. A new file can be read by its owner only.
 *
 * @param path a name that ends in `.parquet` or `.arrow`; a file of that name is replaced
 * @throws ArgumentError for another ending or a directory that is not there; BpflabError when the disk is full
 * @example
 * await capture.save(writes, "writes.parquet");
 */
export async function save(table: ColumnTable, path: string): Promise<void> {
  const kind = kinds[extname(path)];
  if (!kind) throw new ArgumentError(`Expected a name that ends in ${Object.keys(kinds).join(" or ")}, got ${path}.`);
  const plain = storedRows(table);
  const metadata = metadataOf(table, plain);
  try {
    await replaceFile(path, async (aside, file) => {
      if (kind === "Parquet") writeParquet(plain, aside, metadata);
      else await writeArrow(plain, aside, metadata);
      await sealFile(file, kind);
    });
  } catch (error) {
    throw notSaved(path, error);
  }
}

function notSaved(path: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  if (code === "ENOSPC" || code === "EDQUOT")
    return new BpflabError(
      "CAPTURE",
      `${path} cannot be saved: the disk is full. The file that was there before is unchanged.`,
      {
        hint: "Make room, or give a path on another file system.",
        cause: error,
      },
    );
  return new ArgumentError(`${path} cannot be written: ${message}.`, { cause: error });
}

function metadataOf(table: ColumnTable, plain: ColumnTable): Metadata {
  const capture = captureOf(table);
  const columns = plain.columnNames().map((name) => {
    const column = plain.column(name) as unknown;
    return { name, column: column instanceof NullableColumn ? (column.values as unknown) : column };
  });
  const lists = columns.flatMap(({ name, column }) =>
    column instanceof ListColumn ? [[name, column.size] as const] : [],
  );
  const isBigInts = (column: unknown) => column instanceof BigInt64Array || column instanceof BigUint64Array;
  const bigint = columns.flatMap(({ name, column }) =>
    isBigInts(column) || (column instanceof ListColumn && isBigInts(column.values)) ? name : [],
  );
  const utc = columns.flatMap(({ name, column }) =>
    column instanceof TimestampColumn && column.unit === "ns" && column.utc ? name : [],
  );
  return {
    ...(capture ? { [metadataKeys.capture]: JSON.stringify(located(capture)) } : {}),
    ...(bigint.length > 0 ? { [metadataKeys.bigint]: JSON.stringify(bigint) } : {}),
    ...(lists.length > 0 ? { [metadataKeys.lists]: JSON.stringify(Object.fromEntries(lists)) } : {}),
    ...(utc.length > 0 ? { [metadataKeys.utc]: JSON.stringify(utc) } : {}),
    [CHECKSUM_KEY]: BLANK,
  };
}

/** A capture of this process, which need not say where that is, as others are to read it. */
function located(capture: Capture): Capture {
  const parts = capture.parts && { parts: capture.parts.map(located) };
  return { ...(capture.host === undefined ? provenance() : {}), ...capture, ...parts };
}

/** How to open a file. */
export interface OpenOptions {
  /**
   * Columns of 64-bit integers to read as BigInts, so that all their values are; by default they are numbers, but for
   * those beyond 2^53. What was saved as BigInts comes back as BigInts in any case.
   */
  bigint?: readonly string[];
  /** Most memory that the table may take, in bytes; default what is likely for a file of its size, and what there is. */
  maxBytes?: number;
}

/**
 * Reads a table that `save` wrote, or any other Parquet or Arrow file, by whatever name. It knows what was lost when it
 * was captured, and where. What a column is depends on its type in the file, never on its values: 64-bit integers are
 * numbers to reckon with, moments are Dates, and text is a dictionary.
 *
 * @throws ArgumentError for a file that is not there; CaptureFileError for one that is empty, cut short, damaged, something
 *   else, of a kind that cannot be read, or larger than `maxBytes`: its `fault` says which
 * @example
 * const writes = await capture.open("writes.parquet");
 */
export async function open(path: string, options: OpenOptions = {}): Promise<ColumnTable> {
  const file = await openFile(path, "r").catch((error: Error) => {
    throw new ArgumentError(`${path} cannot be read: ${error.message}.`);
  });
  try {
    if (!(await file.stat()).isFile()) throw new ArgumentError(`${path} cannot be read: it is not a file.`);
    return await openKind(file, path, options);
  } finally {
    await file.close();
  }
}

async function openKind(file: FileHandle, path: string, { bigint = [], maxBytes }: OpenOptions): Promise<ColumnTable> {
  const kind = await fileKind(file, path);
  const damaged = (reason: string, cause?: unknown) =>
    new CaptureFileError(
      path,
      "corrupt",
      `is damaged, or no ${kind === "Parquet" ? "Parquet" : "Arrow"} file: ${reason}.`,
      {
        cause,
      },
    );
  const sealed = await isSealed(file, kind);
  if (sealed === false)
    throw damaged("its checksum is not that of its contents, so at least one bit of it has changed since it was saved");
  try {
    const read = { path, bigint, maxBytes };
    const { table, metadata } = await (kind === "Parquet"
      ? readParquet(file, { ...read, sealed: sealed === true })
      : readArrow(file, read));
    const capture = metadata[metadataKeys.capture];
    return capture === undefined ? table : markCapture(table, JSON.parse(capture) as Capture);
  } catch (error) {
    if (error instanceof BpflabError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND")
      throw new MissingFeatureError("packages", `${path} cannot be read: a package of bpflab's is missing.`, {
        hint: "Install it again with: npm run build",
        cause: error,
      });
    const reason = (error as Error).message
      .split("\n")[0]!
      .replaceAll(`/proc/self/fd/${file.fd}`, path)
      .replace(/\.$/, "");
    if (/unsupported|not supported|only supported|not implemented/i.test(reason))
      throw new CaptureFileError(path, "unsupported", `holds what cannot be read here: ${reason}.`, { cause: error });
    throw damaged(reason, error);
  }
}
