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

  /**
   * All entries as a table, a column for each field of the key, then of the value; a field of the value that is called like
   * one of the key is `value.NAME`. In a per-CPU map the CPUs' values are one, as `getSummed` makes it, or with
   * `cpus: "each"` a row each. What found no room is known to the table, if the program counts it in NAME_lost.
   *
   * @throws ArgumentError for a map without entries to read, an unknown 64-bit column, or `cpus` of a map that is not per CPU; ClosedError
   * @example
   * stats.maps.stats_map.table().orderby(aq.desc("writes"))
   */
  table(options?: MapTableOptions): EventTable<MapRow<Key, Value>> {
    return mapTable(this, options);
  }

  /**
   * The map as a table now, and again every `everyMs` ms, until the object closes or is replaced. The first column,
   * `time_ns` (CLOCK_MONOTONIC), says when it was read. A reader that is late skips a table rather than getting two at once.
   *
   * @throws ArgumentError for `everyMs` out of range or a map that has no entries to read
   * @example
   * stats.maps.stats_map.poll({ everyMs: 1000 }).subscribe((table) => console.log(table.numRows()));
   */
  poll(options: PollOptions): Observable<EventTable<PolledRow<Key, Value>>> {
    return poll(this, options);
  }
}
