import { table as makeTable } from "arquero";
import { ArgumentError } from "../base/errors.js";
import { native } from "../base/native.js";
import type { RecordType } from "../bpf/ring-records.js";
import { markCapture } from "./capture.js";
import { provenance } from "./clock.js";
import type { EventColumn } from "./event-columns.js";
import { columnsOf, planRecord } from "./plan.js";
import type { EventTable } from "./table.js";

/** How what an iterator has printed is read. */
export interface IteratorTableOptions {
  /** The names of the columns; without them the first line has them, where none of its words is a number, else they are c1, c2, … */
  columns?: string[];
  /** The type of what the iterator writes with bpf_seq_write() in place of text: the name of a struct. */
  record?: string;
}

/**
 * What an iterator printed in one pass as a table: of text a row each line and a column each word, and what stands behind
 * the last column's beginning belongs to it; of records a column each field.
 *
 * @param source what the table says that it comes from
 * @throws ArgumentError when what was printed is no text or no whole records
 */
export function iteratorTable(
  source: string,
  printed: Buffer,
  type: RecordType | undefined,
  names?: readonly string[],
): EventTable<Record<string, any>> {
  const columns = type ? recordColumns(source, printed, type) : wordColumns(source, printed, names);
  const rows = Object.values(columns)[0]?.length ?? 0;
  const now = Date.now();
  const capture = { ...provenance(), source, of: "entries" as const, rows, lost: 0, dropped: 0 };
  return markCapture(makeTable(columns as never), { ...capture, startedAt: now, endedAt: now }) as EventTable<any>;
}

function recordColumns(source: string, printed: Buffer, { name, layout }: RecordType): Record<string, EventColumn> {
  if (printed.length % layout.size !== 0)
    throw new ArgumentError(
      `${source} has written ${printed.length} bytes, which are no whole records of ${name} (${layout.size} bytes).`,
      { hint: "Without record what it prints is read as text." },
    );
  const plan = planRecord(source, layout);
  const decoded = native.map_columns(printed, plan.native, 1);
  return columnsOf(plan, decoded, decoded.labels.map((added) => added ?? [])); // prettier-ignore
}

function wordColumns(source: string, printed: Buffer, given: readonly string[] | undefined): Record<string, unknown[]> {
  if (printed.includes(0))
    throw new ArgumentError(`${source} prints no text.`, {
      hint: 'If it writes structs with bpf_seq_write(), name their type: { record: "event" }.',
    });
  const lines = printed
    .toString()
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  const first = lines[0]?.split(/\s+/) ?? [];
  const hasHead =
    !given && first.length > 0 && first.every((word) => !isNumber(word)) && new Set(first).size === first.length;
  const names = given ?? (hasHead ? first : first.map((_, i) => `c${i + 1}`));
  const rows = lines.slice(hasHead ? 1 : 0).map((line) => words(line, names.length));
  return Object.fromEntries(
    names.map((name, i) => {
      const cells = rows.map((row) => row[i]);
      const areNumbers = cells.length > 0 && cells.every((cell) => cell !== undefined && isNumber(cell));
      return [name, areNumbers ? cells.map(Number) : cells];
    }),
  );
}

/** So many words, the rest of the line with the last. */
function words(line: string, count: number): string[] {
  const found: string[] = [];
  let rest = line;
  while (found.length < count - 1) {
    const [, word, more] = /^(\S+)\s+(.*)$/.exec(rest) ?? [];
    if (word === undefined) break;
    found.push(word);
    rest = more!;
  }
  return [...found, rest];
}

/** One that a number holds exactly: addresses and larger ones stay text. */
const isNumber = (word: string) => /^-?\d+(\.\d+)?$/.test(word) && Math.abs(Number(word)) <= Number.MAX_SAFE_INTEGER;
