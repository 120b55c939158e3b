import type { Observable } from "rxjs";
import { BpfObject } from "../bpf/object.js";
import type { RingTotals } from "../base/native.js";
import type { ProgramTypes, UnknownTypes } from "../bpf/types.js";
import type { EventBatch } from "./batch.js";
import { events, ringTotals, type EventsOptions } from "./events.js";

// The layer below does not know streams; this one adds its methods to the handle, as
// RxJS once added operators.

declare module "../bpf/object.js" {
  interface BpfObject<T extends ProgramTypes = UnknownTypes> {
    /** The events of a ring buffer; see `events` in streams. */
    events<Ring extends keyof T["events"] & string>(
      ring: Ring,
      options?: EventsOptions,
    ): Observable<EventBatch<T["events"][Ring]>>;
    /** What became of every record of a ring buffer; see `ringTotals` in streams. */
    totals(ring: keyof T["events"] & string): RingTotals;
  }
}

BpfObject.prototype.events = function (ring: string, options?: EventsOptions) {
  return events(this, ring, options) as never;
};

BpfObject.prototype.totals = function (ring: string) {
  return ringTotals(this, ring);
};
