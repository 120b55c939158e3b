import type { FileHandle } from "node:fs/promises";
import { CaptureFileError } from "./file-errors.js";

/** A file's format, by its contents. */
export type FileKind = "Parquet" | "Arrow file" | "Arrow stream";

/** How formats begin that are not ours, so that an error can name them. */
const strangers: readonly [string | RegExp, string][] = [
  ["PARE", "an encrypted Parquet file"],
  ["FEA1", "a Feather file of version 1"],
  ["\x1f\x8b", "a gzip file"],
  ["\x28\xb5\x2f\xfd", "a zstd file"],
  ["PK\x03\x04", "a zip file"],
  ["ORC", "an ORC file"],
  ["Obj\x01", "an Avro file"],
  ["SQLite format 3", "an SQLite database"],
  ["\x89HDF", "an HDF5 file"],
  ["\x7fELF", "an ELF file"],
  [/^\s*[{[]/, "JSON"],
  [/^[\t\r\n\x20-\x7e\x80-\xff]*$/, "text"],
];

/**
 * What an open file holds, as far as its ends tell.
 *
 * @throws CaptureFileError for one that is empty, cut short, damaged at an end, or something else
 */
export async function fileKind(file: FileHandle, path: string): Promise<FileKind> {
  const { size } = await file.stat();
  if (size === 0) throw new CaptureFileError(path, "empty", "is empty: it has no bytes.");
  const [head, tail] = [await bytesAt(file, 0, Math.min(size, 64)), await bytesAt(file, Math.max(0, size - 10), 10)];
  for (const [magic, kind] of [
    ["PAR1", "Parquet"],
    ["ARROW1", "Arrow file"],
  ] as const) {
    const begins = head.startsWith(magic);
    const ends = tail.endsWith(magic) && size >= 2 * magic.length + 4;
    if (begins && ends) return checkFooter(file, path, size, kind);
    if (begins || (size < magic.length && magic.startsWith(head)))
      throw new CaptureFileError(
        path,
        "truncated",
        `is truncated: it begins like ${named(kind)} but does not end like one.`,
      );
    if (ends)
      throw new CaptureFileError(
        path,
        "corrupt",
        `is damaged: it ends like ${named(kind)} but does not begin like one.`,
      );
  }
  if (head.startsWith("\xff\xff\xff\xff")) return "Arrow stream";
  const stranger = strangers.find(([start]) => (typeof start === "string" ? head.startsWith(start) : start.test(head)));
  throw new CaptureFileError(
    path,
    "foreign",
    `is neither a Parquet nor an Arrow file${stranger ? `: it looks like ${stranger[1]}` : ""}.`,
  );
}

const named = (kind: FileKind) => (kind === "Parquet" ? "a Parquet file" : "an Arrow file");

/** The length of the footer stands in front of the magic at the end; what it counts must be there. */
async function checkFooter(file: FileHandle, path: string, size: number, kind: FileKind): Promise<FileKind> {
  const range = await footerRange(file, size, kind);
  if (range.from < 8 && !(kind === "Parquet" && range.from >= 4))
    throw new CaptureFileError(
      path,
      "corrupt",
      `is damaged: its footer would be longer than the file. The end may belong to another file.`,
    );
  return kind;
}

/** Where the footer of a whole file lies. */
export async function footerRange(
  file: FileHandle,
  size: number,
  kind: FileKind,
): Promise<{ from: number; to: number }> {
  const magic = kind === "Parquet" ? 4 : 6;
  const length = Buffer.from(await bytesAt(file, size - magic - 4, 4), "latin1").readUInt32LE();
  return { from: size - magic - 4 - length, to: size };
}

/** Bytes of a file, a character each. */
async function bytesAt(file: FileHandle, position: number, length: number): Promise<string> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.toString("latin1", 0, bytesRead);
}
