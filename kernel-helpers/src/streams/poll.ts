import { AsyncResource } from "node:async_hooks";
import { requireNumber } from "../base/arguments.js";
import { Observable } from "rxjs";
import type { MapBase } from "../bpf/map.js";
import { native } from "../base/native.js";
import { requireOperation } from "../bpf/operations.js";
import { readMap, type MapRow, type MapTableOptions } from "./map-table.js";
import type { EventTable } from "./table.js";

/** How often a map is read, and how. */
export interface PollOptions extends MapTableOptions {
  /** Time from one table to the next, ms. */
  everyMs: number;
}

/** A row of a polled table: when it was read (CLOCK_MONOTONIC, ns), and the map's columns. */
export type PolledRow<Key, Value> = {
  /** When the map was read: CLOCK_MONOTONIC, ns. */
  time_ns: number;
} & MapRow<Key, Value>;

/**
 * A map as a table now, and again every so many ms, until the object closes or is replaced. The first
 * column, `time_ns`, says when it was read, so that tables can be put together. A reader that is late
 * skips a table rather than getting two at once.
 *
 * ```
 * subscribe ●────────●────────●─── everyMs
 *           [table]  [table]  [table]
 * ```
 *
 * @throws ArgumentError for `everyMs` out of range or a map that has no entries to read
 * @example
 * stats.maps.stats_map.poll({ everyMs: 1000 }).subscribe((table) => console.log(table.numRows()));
 */
export function poll<Key, Value>(
  map: MapBase<Key, Value>,
  options: PollOptions,
): Observable<EventTable<PolledRow<Key, Value>>> {
  const { everyMs, ...tableOptions } = options;
  requireNumber("everyMs", everyMs, { from: 1, to: 2 ** 31 - 1 });
  requireOperation(map, "poll");
  void map.handle; // closed already: an error here and now
  return new Observable((subscriber) => {
    if (map.closed) return subscriber.complete();
    const read = () => {
      const time = native.clock_monotonic();
      try {
        subscriber.next(readMap(map, tableOptions, "poll", (rows) => ({ time_ns: new Float64Array(rows).fill(time) })));
      } catch (error) {
        subscriber.error(error);
      }
    };
    const timer = setInterval(read, everyMs);
    const forget = map.onClose(AsyncResource.bind(() => subscriber.complete()));
    subscriber.add(() => {
      clearInterval(timer);
      forget();
    });
    read();
  });
}
