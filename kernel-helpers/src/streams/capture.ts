import type { ColumnTable } from "arquero";
import type { MimeBundle } from "../base/display.js";
import { thisMachine, timeText } from "../base/machine.js";

/** Where a table's rows come from, and what is missing from them. */
export interface Capture {
  /** The stream's name, such as `ringbuf.rb`. */
  source: string;
  /** What a row is: an event of a stream (the default), or an entry of a map. */
  of?: "events" | "entries";
  /** Rows of the table when it was made. */
  rows: number;
  /** Events the kernel could not store during the capture; of a map, updates that ever found it full. */
  lost: number;
  /** Events dropped at our own memory bound during the capture. */
  dropped: number;
  /** Wall-clock start and end, ms since 1970. */
  startedAt: number;
  endedAt: number;
  /** The machine and the kernel it was made on; undefined: these. */
  host?: string;
  kernel?: string;
  /** Of a table that was put together from several captures: these. */
  parts?: readonly Capture[];
}

// Keyed by column, not by table: filter, select, orderby and derive make new tables
// over the same columns, and a chart of a filtered table must still say what was lost.
const captures = new WeakMap<object, Capture>();

/** Remembers for each of the table's columns which capture it came from. */
export function markCapture(table: ColumnTable, capture: Capture): ColumnTable {
  for (const column of Object.values(table.data() as Record<string, object>)) captures.set(column, capture);
  return table;
}

/**
 * The captures that a table's columns come from; empty for tables made by hand.
 *
 * @example
 * captureOf(writes.filter(d => d.ret < 0))?.lost  // 0
 */
export function captureOf(table: ColumnTable): Capture | undefined {
  for (const column of Object.values(table.data() as Record<string, object>)) {
    const capture = captures.get(column);
    if (capture) return capture;
  }
  return undefined;
}

/** One account for what was put together from several captures; undefined when it is from none. */
export function joinCaptures(source: string, captures: readonly (Capture | undefined)[]): Capture | undefined {
  const parts = captures.flatMap((capture) => capture ?? []);
  if (parts.length === 0) return undefined;
  const sum = (of: (part: Capture) => number) => parts.reduce((total, part) => total + of(part), 0);
  return {
    source,
    rows: sum(({ rows }) => rows),
    lost: sum(({ lost }) => lost),
    dropped: sum(({ dropped }) => dropped),
    startedAt: Math.min(...parts.map(({ startedAt }) => startedAt)),
    endedAt: Math.max(...parts.map(({ endedAt }) => endedAt)),
    kernel: [...new Set(parts.map(({ kernel }) => kernel ?? thisMachine().kernel))].join(" and "),
    parts,
  };
}

/** One sentence about what is missing, or undefined when nothing is. */
export function lossNote(capture: Capture | undefined): string | undefined {
  if (!capture || capture.lost + capture.dropped === 0) return undefined;
  if (capture.of === "entries")
    return `Incomplete: ${capture.lost.toLocaleString("en")} ${capture.lost === 1 ? "update" : "updates"} found no room in ${capture.source}.`;
  const total = capture.rows + capture.lost + capture.dropped;
  const share = ((100 * (capture.lost + capture.dropped)) / total).toPrecision(2);
  const parts = [
    capture.lost > 0 ? `${capture.lost.toLocaleString("en")} lost in the kernel (ring full)` : "",
    capture.dropped > 0 ? `${capture.dropped.toLocaleString("en")} dropped at the memory bound` : "",
  ].filter(Boolean);
  return `Incomplete: of ${total.toLocaleString("en")} events ${parts.join(" and ")}, ${share} %.`;
}

/** By this MIME type an output says of which capture it is; a report gathers its loss account from these. */
export const captureMime = "application/vnd.bpflab.capture+json";

/** A capture's account as a part of an output's bundle, with the machine it was made on. */
export function captureBundle(capture: Capture | undefined): MimeBundle {
  if (!capture || capture.of === "entries") return {};
  return { [captureMime]: capture.parts ? { parts: capture.parts.map(accountOf) } : accountOf(capture) };
}

function accountOf({
  source,
  rows,
  lost,
  dropped,
  startedAt,
  endedAt,
  host,
  kernel,
}: Capture): Record<string, unknown> {
  const here = thisMachine();
  return {
    source,
    rows,
    lost,
    dropped,
    startedAt,
    started: timeText(startedAt),
    ended: timeText(endedAt),
    host: host ?? here.host,
    kernel: kernel ?? here.kernel,
  };
}
