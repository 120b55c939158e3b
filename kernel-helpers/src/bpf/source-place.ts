/** Puts errors about a program or a map under its line of C, where the user wrote that in a cell. */
import type { BpflabError } from "../base/errors.js";
import { excerpt, placeText, type SourceName } from "../clang/diagnostics.js";
import { placeAt, withoutComments } from "../clang/lint/source-text.js";

/** C as the user wrote it; an object file that was opened has none. */
export interface WrittenSource extends SourceName {
  source: string;
}

/** Where the text in SEC() of a program stands, or the name of a map; -1 when it is not in the source itself. */
export function offsetOf(kind: "program" | "map", name: string, source: string): number {
  const text = withoutComments(source);
  if (kind === "map") return text.search(new RegExp(`\\b${name}\\s+SEC\\(`));
  const head = new RegExp(`\\bSEC\\(\\s*("[^"]*")\\s*\\)[^{};"]*?\\b${name}\\b\\s*[(,)]`, "d").exec(text);
  if (head) return head.indices![1]![0];
  return text.search(new RegExp(`(?<=^\\w[\\w \\t*]*)\\b${name}\\b\\s*\\(`, "m"));
}

/** As `inSource`, but leaves the error as it is where the C was not written in a cell. */
export function inCell<E extends BpflabError>(error: E, offset: number, written: WrittenSource): E {
  return written.place === undefined ? error : inSource(error, offset, written);
}

/** The same error with its place and its line; as it is when that is not in the source. */
export function inSource<E extends BpflabError>(error: E, offset: number, written: WrittenSource): E {
  if (offset < 0) return error;
  const { line, column } = placeAt(written.source, offset);
  return error.locate(placeText(written, written.file, line), excerpt(written.source, line, column));
}
