import { freemem } from "node:os";
import { BpflabError } from "../base/errors.js";

/** What is wrong with a file that cannot be opened. */
export type FileFault = "empty" | "truncated" | "corrupt" | "foreign" | "unsupported" | "too large";

/**
 * A file that cannot be opened as a table, and why.
 *
 * @example
 * await capture.open("notes.txt").catch((error) => {
 *   if (error instanceof capture.CaptureFileError) console.error(error.fault);
 * });
 */
export class CaptureFileError extends BpflabError {
  /** The file, as it was given. */
  readonly path: string;
  /** What is wrong with it. */
  readonly fault: FileFault;

  constructor(path: string, fault: FileFault, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super("CAPTURE", `${path} ${message}`, options);
    this.path = path;
    this.fault = fault;
  }
}

/** What a file claims to hold. */
export interface Claim {
  path: string;
  fileBytes: number;
  rows: number;
  columns: number;
  /** Memory that it takes as a table. */
  bytes: number;
}

/** A file of a few bytes may claim to hold so much all the same: repeated values are stored once. */
const LEAST_BOUND = 256 * 2 ** 20;

/** Of what people measure, no file unfolds to more than so many times its size. */
const MOST_GROWTH = 64;

/**
 * Refuses a file whose table would take more memory than is likely or there is, before it takes it.
 *
 * @param maxBytes the caller's own bound
 */
export function checkMemory({ path, fileBytes, rows, columns, bytes }: Claim, maxBytes: number | undefined): void {
  const bound = maxBytes ?? Math.min(Math.max(LEAST_BOUND, fileBytes * MOST_GROWTH), freemem());
  if (bytes <= bound) return;
  const count = (value: number) => value.toLocaleString("en");
  throw new CaptureFileError(
    path,
    "too large",
    `claims ${count(rows)} rows of ${columns} columns, which take ${size(bytes)} of memory, more than the bound of ${size(bound)}; the file has ${size(fileBytes)}.`,
    { hint: `If that is right, allow it: capture.open(path, { maxBytes: ${Math.ceil(bytes)} }).` },
  );
}

function size(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  const unit = Math.min(Math.max(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), 0), units.length - 1);
  return `${Number((bytes / 1024 ** unit).toPrecision(3))} ${units[unit]}`;
}
