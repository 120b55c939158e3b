import type { ColumnTable } from "arquero";

/** A file's own words about itself. */
export type Metadata = Record<string, string>;

/** A table, and the file's metadata. */
export interface FileContents {
  table: ColumnTable;
  metadata: Metadata;
}

/** How to read a file. */
export interface ReadOptions {
  path: string;
  /** Columns of 64-bit integers that are to be BigInts. */
  bigint: readonly string[];
  maxBytes: number | undefined;
}

/** The metadata's keys: the account as a `Capture`, and which columns are BigInts, lists of one length and moments of UTC. */
export const metadataKeys = {
  capture: "bpflab.capture",
  bigint: "bpflab.bigint",
  lists: "bpflab.lists",
  utc: "bpflab.utc",
};

/** What `save` notes of columns that a file's types do not tell apart. */
export interface ColumnNotes {
  bigint: ReadonlySet<string>;
  /** Elements of each row. */
  lists: Readonly<Record<string, number>>;
  /** Moments in nanoseconds: most readers of Parquet round those that say so themselves. */
  utc: ReadonlySet<string>;
}

export function columnNotes(metadata: Metadata, asked: readonly string[]): ColumnNotes {
  const bigint = JSON.parse(metadata[metadataKeys.bigint] ?? "[]") as string[];
  const lists = JSON.parse(metadata[metadataKeys.lists] ?? "{}") as Record<string, number>;
  const utc = JSON.parse(metadata[metadataKeys.utc] ?? "[]") as string[];
  return { bigint: new Set([...bigint, ...asked]), lists, utc: new Set(utc) };
}
