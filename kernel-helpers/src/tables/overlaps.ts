import { bisectLeft, bisectRight } from "d3-array";
import type { ColumnTable } from "arquero";
import { captureOf, markSources, withColumns } from "../streams/capture.js";
import { numbersOf, storedRows } from "./columns.js";
import { groupRows } from "./groups.js";
import { formatTime } from "./units.js";

/** What to say of overlaps. */
export interface OverlapOptions {
  /** Name of the new column, which is text. */
  as: string;
  /** Column or columns of the spans that name them; default `comm`. */
  by?: string | readonly string[];
  /** Name of another new column: how long, in ns, the event's own thread was in spans; default none. */
  own?: string;
  /** How many names to give; default 3. */
  top?: number;
}

/**
 * The events with a column that says what of other threads was under way at the same time, and how long of it, longest
 * first: `kworker/0:1H 3.2 ms, dd 1.1 ms, 2 more`. Times of several at once add up, so that they may exceed the event's own.
 *
 * Both tables have `start_ns`, `duration_ns` and `tid`. Meant for some events and any number of spans: events are
 * sorted, and each span looks up those that it overlaps. The result knows what was lost from either.
 *
 * @param events such as the outliers of a capture
 * @param spans such as all writes of it, or all slices of time that threads had a CPU
 * @throws ArgumentError if a column is missing
 * @example
 * withOverlaps(latency.outliers(writes), writes, { as: "wrote_then" })
 */
export function withOverlaps(
  events: ColumnTable,
  spans: ColumnTable,
  { as, by = "comm", own, top = 3 }: OverlapOptions,
): ColumnTable {
  const base = storedRows(events);
  const groups = groupRows(spans, by, "by of withOverlaps");
  const nameOf = (group: number) => groups.keys.map((column) => String(column[group])).join(" ");
  const tids = numbersOf(base, "tid", "the events of withOverlaps");
  const spanTids = numbersOf(spans, "tid", "the spans of withOverlaps");
  const others = Array.from(tids, () => new Map<number, number>());
  const itself = new Float64Array(tids.length);
  eachOverlap(base, spans, (event, span, ns) => {
    if (spanTids[span] === tids[event]) itself[event]! += ns;
    else others[event]!.set(groups.ids![span]!, (others[event]!.get(groups.ids![span]!) ?? 0) + ns);
  });

  const texts = others.map((times) => {
    const sorted = [...times].sort(([, a], [, b]) => b - a);
    const named = sorted.slice(0, top).map(([group, ns]) => `${nameOf(group)} ${formatTime(ns)}`);
    return [...named, ...(sorted.length > top ? [`${sorted.length - top} more`] : [])].join(", ");
  });
  const told = withColumns(base, {
    ...base.data(),
    ...(own === undefined ? {} : { [own]: itself }),
    [as]: texts,
  });
  return captureOf(spans) ? markSources(told, [events, spans]) : told;
}

/** Calls back for each pair of an event and a span that overlap, with the length of the overlap in ns. */
function eachOverlap(
  events: ColumnTable,
  spans: ColumnTable,
  act: (event: number, span: number, ns: number) => void,
): void {
  const [begin, end] = ends(events, "the events of withOverlaps");
  const [from, to] = ends(spans, "the spans of withOverlaps");
  const order = Array.from(begin.keys()).sort((a, b) => begin[a]! - begin[b]!);
  const begins = Float64Array.from(order, (event) => begin[event]!);
  // The latest end of this event and all before it: ascending, and so the place where events that have not ended begin can be looked up.
  const latest = new Float64Array(order.length);
  order.forEach((event, i) => (latest[i] = Math.max(end[event]!, i ? latest[i - 1]! : -Infinity)));

  for (let span = 0; span < from.length; span++) {
    const after = bisectLeft(begins, to[span]!);
    for (let i = bisectRight(latest, from[span]!); i < after; i++) {
      const event = order[i]!;
      const ns = Math.min(end[event]!, to[span]!) - Math.max(begin[event]!, from[span]!);
      if (ns > 0) act(event, span, ns);
    }
  }
}

function ends(table: ColumnTable, option: string): [start: Float64Array, end: Float64Array] {
  const start = numbersOf(table, "start_ns", option);
  const duration = numbersOf(table, "duration_ns", option);
  return [start, Float64Array.from(start, (at, i) => at + duration[i]!)];
}
