import type { Observable } from "rxjs";
import { MapBase, type MapParts } from "../bpf/map.js";
import { mapTable, type MapRow, type MapTableOptions } from "../streams/map-table.js";
import { poll, type PolledRow, type PollOptions } from "../streams/poll.js";
import type { EventTable } from "../streams/table.js";

/**
 * A map of a loaded object, with keys and values as BTF types them. What it can do depends on its
 * type: arrays cannot delete, queues and stacks have no keys. An operation that the type lacks is
 * an ArgumentError that says what there is.
 *
 * @typeParam Key integers are numbers, structs are objects, `char[N]` is a string
 * @typeParam Value in a per-CPU map an array, one value for each possible CPU
 * @example
 * stats.maps.stats_map.getSummed({ pid: 1234, fd: 1 })?.writes
 */
export class BpfMap<Key = any, Value = any> extends MapBase<Key, Value> {
  protected constructor(parts: MapParts) {
    super(parts);
  }

  /** @internal */
  static make(parts: MapParts): BpfMap {
    return new BpfMap(parts);
  }

  /** All entries as a table; see `mapTable` in streams. */
  table(options?: MapTableOptions): EventTable<MapRow<Key, Value>> {
    return mapTable(this, options);
  }

  /** The map as a table now, and again every so many ms; see `poll` in streams. */
  poll(options: PollOptions): Observable<EventTable<PolledRow<Key, Value>>> {
    return poll(this, options);
  }
}
