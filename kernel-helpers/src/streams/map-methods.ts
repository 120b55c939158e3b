import type { Observable } from "rxjs";
import { BpfMap } from "../bpf/map.js";
import { mapTable, type MapRow, type MapTableOptions } from "./map-table.js";
import { poll, type PolledRow, type PollOptions } from "./poll.js";
import type { EventTable } from "./table.js";

// The layer below knows neither tables nor streams; this one adds them to its handle.

declare module "../bpf/map.js" {
  interface BpfMap<Key = any, Value = any> {
    /** All entries as a table; see `mapTable` in streams. */
    table(options?: MapTableOptions): EventTable<MapRow<Key, Value>>;
    /** The map as a table now, and again every so many ms; see `poll` in streams. */
    poll(options: PollOptions): Observable<EventTable<PolledRow<Key, Value>>>;
  }
}

BpfMap.prototype.table = function (options?: MapTableOptions) {
  return mapTable(this, options);
};

BpfMap.prototype.poll = function (options: PollOptions) {
  return poll(this, options) as never;
};
