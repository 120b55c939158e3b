import type { Observable } from "rxjs";
import { inspect } from "node:util";
import { displaySymbol, type MimeBundle } from "../base/display.js";
import type { RingTotals } from "../base/native.js";
import { ObjectBase, type ObjectParts } from "../bpf/object.js";
import type { ProgramTypes, UnknownTypes } from "../bpf/program-types.js";
import type { EventBatch } from "../streams/batch.js";
import { events, ringTotals, type EventsOptions } from "../streams/events.js";
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
  declare readonly maps: { readonly [M in keyof T["maps"]]: BpfMap<T["maps"][M]["key"], T["maps"][M]["value"]> };

  private constructor(parts: ObjectParts) {
    super(parts, BpfMap.make);
  }

  /** @internal use `load` */
  static make(parts: ObjectParts): BpfObject {
    return new BpfObject(parts);
  }

  /** The events of a ring buffer or a perf event array; see `events` in streams. */
  events<Ring extends keyof T["events"] & string>(
    ring: Ring,
    options?: EventsOptions,
  ): Observable<EventBatch<T["events"][Ring]>> {
    return events<T, Ring>(this, ring, options);
  }

  /** What became of every record of a ring buffer; see `ringTotals` in streams. */
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
