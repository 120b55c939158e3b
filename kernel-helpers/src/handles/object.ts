import type { Observable } from "rxjs";
import { ArgumentError } from "../base/errors.js";
import { refuseUnknownOptions } from "../base/names.js";
import type { BpfProgram } from "../bpf/program.js";
import { iteratorTable, type IteratorTableOptions } from "../streams/iterator-table.js";
import type { EventTable } from "../streams/table.js";
import { inspect } from "node:util";
import { displaySymbol, type MimeBundle } from "../base/display.js";
import type { RingTotals } from "../base/native.js";
import type { AttachOptions } from "../bpf/link/hooks.js";
import { ObjectBase, type ObjectParts } from "../bpf/object.js";
import type { ProgramTypes, UnknownTypes } from "../bpf/program-types.js";
import type { EventBatch } from "../streams/batch.js";
import { events, readPerfArrays, ringTotals, type EventsOptions } from "../streams/events.js";
import { describeBundle, describeText } from "./describe.js";
import { BpfMap } from "./map.js";

/**
 * A loaded BPF object: its maps, globals and programs, typed from BTF, and the events of its ring buffers.
 *
 * Closing detaches its programs and frees its maps; so does the end of the process,
 * whatever ends it, because the kernel detaches with the last descriptor.
 *
 * @example
 * const hashmap = await bpf.load("hashmap");
 * await hashmap.attach();
 * hashmap.globals.watched_pid = 1234;
 * hashmap.maps.match_map.entries();
 * hashmap.close();
 */
export class BpfObject<T extends ProgramTypes = UnknownTypes> extends ObjectBase<T> {
  /** Its maps by name; data sections such as `.bss` are in `globals`. */
  declare readonly maps: { readonly [M in keyof T["maps"]]: BpfMap<T["maps"][M]["key"], T["maps"][M]["value"]> };

  private constructor(parts: ObjectParts) {
    super(parts, BpfMap.make);
  }

  /** @internal use `load` */
  static make(parts: ObjectParts): BpfObject {
    return new BpfObject(parts);
  }

  /**
   * Attaches its programs, each to the hook that its SEC() and the options name, and reads perf event arrays from now on,
   * so that their account is whole. If one cannot be attached, programs attached by this call are detached again, and the
   * error names each that failed.
   *
   * @param options what SEC() does not say, for all programs that take it, and under `programs` for single ones;
   *   `programs: { NAME: false }` leaves one out
   * @returns this object
   * @throws AttachError, MissingFeatureError, ClosedError, ArgumentError
   * @example
   * await filter.attach({ interface: "eth0", direction: "ingress" });
   */
  override async attach(options: AttachOptions<T["programs"] & string> = {}): Promise<this> {
    if (!this.closed) readPerfArrays(this);
    return super.attach(options);
  }

  /**
   * The events of a ring buffer or a perf event array, from the moment of subscribing, in batches some 30 times a second.
   * What the kernel recorded before is counted as unread. The stream completes when the object closes or is replaced.
   *
   * @throws ArgumentError for an unknown ring, record or column; ClosedError
   * @example
   * ringbuf.events("rb").subscribe((batch) => console.log(batch.rows, batch.lost));
   */
  events<Ring extends keyof T["events"] & string>(
    ring: Ring,
    options?: EventsOptions,
  ): Observable<EventBatch<T["events"][Ring]>> {
    return events<T, Ring>(this, ring, options);
  }

  /**
   * What an attached iterator, SEC("iter/…"), prints in one pass, as a table; `programs.NAME.read()` is its text.
   *
   * @param options names of the columns, or the struct that it writes in place of text
   * @throws ArgumentError for another program, one that is not attached, and what is no such table; ClosedError
   * @example
   * mine.rows("list_tasks", { columns: ["pid", "comm"] })
   */
  rows(iterator: T["programs"] & string, options: IteratorTableOptions = {}): EventTable<Record<string, any>> {
    refuseUnknownOptions("rows", options, ["columns", "record"]);
    const program = (this.programs as Record<string, BpfProgram>)[iterator]!;
    const { columns, record } = options;
    const type = record === undefined ? undefined : this.recordType(record);
    if (record !== undefined && !type)
      throw new ArgumentError(`${this.name} has no struct ${record}.`, {
        hint: "Name a struct that its programs use.",
      });
    return iteratorTable(`${this.name}.${iterator}`, program.readBytes(), type, columns);
  }

  /**
   * What became of the records of a ring buffer so far: counts of those delivered, lost, dropped and left unread since the
   * first `events`.
   *
   * @throws ArgumentError for an unknown ring, ClosedError
   */
  totals(ring: keyof T["events"] & string): RingTotals {
    return ringTotals(this, ring);
  }

  [inspect.custom](): string {
    return describeText(this);
  }

  [displaySymbol](): MimeBundle {
    return describeBundle(this);
  }
}
