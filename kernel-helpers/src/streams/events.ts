import { AsyncResource } from "node:async_hooks";
import { requireInteger, requirePowerOfTwo } from "../base/arguments.js";
import { Observable } from "rxjs";
import type { MapBase } from "../bpf/map.js";
import type { ObjectBase } from "../bpf/object.js";
import type { RingTotals } from "../base/native.js";
import type { ProgramTypes, UnknownTypes } from "../bpf/program-types.js";
import { ArgumentError, ClosedError } from "../base/errors.js";
import { refuseUnknownOptions } from "../base/names.js";
import type { EventBatch } from "./batch.js";
import { clockFromNow } from "./clock.js";
import { markCapture, missedSince, type Capture } from "./capture.js";
import { RingReader, type SharedBatch, type Waiting } from "./drain.js";
import { planRing, type RecordOptions } from "./ring-plan.js";
import { skippedFrom } from "./skipped.js";

/** How the events of a ring are read. */
export interface EventsOptions extends RecordOptions {
  /** Most memory, in bytes, that events may hold which JavaScript has not taken yet; default 256 MiB. */
  bufferBytes?: number;
  /** Of a perf event array: bytes of each CPU's ring, a power of two and at least a page; default 1 MiB. */
  cpuBytes?: number;
}

interface Reading {
  reader: RingReader;
  options: string;
  /** Takes back the promise to close the reader with its object. */
  forget: () => void;
}

const readings = new WeakMap<ObjectBase<any>, Map<string, Reading>>();

/**
 * The events of a ring buffer or a perf event array, from the moment of subscribing, in batches some 30 times a second.
 * Any number may subscribe; the stream completes when the object closes or is replaced, and errs for who comes later. The events of a perf event
 * array are in the order of their times, over all CPUs.
 *
 * ```
 * attach   ──e──e──e─e──e──e────e──e──e──e──▶  in the kernel
 * subscribe          ●─────[e e]──[e e e]───▶  batches; those before are counted as unread
 * ```
 *
 * @throws ArgumentError for an unknown ring, record or column; ClosedError
 * @example
 * ringbuf.events("rb").subscribe((batch) => console.log(batch.rows, batch.lost));
 */
export function events<
  T extends ProgramTypes = UnknownTypes,
  Ring extends keyof T["events"] & string = keyof T["events"] & string,
>(object: ObjectBase<T>, ring: Ring, options: EventsOptions = {}): Observable<EventBatch<T["events"][Ring]>> {
  readerOf(object as ObjectBase<any>, ring, options); // a mistake is an error here and now
  const batches = (onWaiting?: (news: News) => void) =>
    new Observable<EventBatch<T["events"][Ring]>>((subscriber) => {
      if (object.closed) return subscriber.error(new ClosedError(`The BPF object ${object.name}`));
      const reader = readerOf(object as ObjectBase<any>, ring, options);
      const { lost, dropped, malformed } = reader.totals;
      const source = `${object.name}.${ring}`;
      const baseline = { lost, dropped, malformed };
      const skipped = skippedFrom(object as ObjectBase<any>);
      const own = () => {
        const notes = skipped();
        return { baseline, source, ...(notes.length > 0 ? { notes } : {}) };
      };
      const clock = clockFromNow();
      const now = clock();
      const capture: Capture = { source, rows: 0, lost: 0, dropped: 0, startedAt: now, endedAt: now };
      const marked = (batch: SharedBatch) => {
        capture.rows += batch.rows;
        const others = own();
        Object.assign(capture, missedSince(batch, baseline), others.notes ? { notes: others.notes } : {});
        capture.endedAt = clock();
        return { ...batch, ...others, table: markCapture(batch.table, capture) };
      };
      const tell = onWaiting && AsyncResource.bind((waiting: Waiting) => onWaiting({ ...waiting, ...own() }));
      // Each in its own cell's context: they share one reader, which is called in that of the first.
      const next = AsyncResource.bind((batch: SharedBatch) =>
        subscriber.next(marked(batch) as unknown as EventBatch<T["events"][Ring]>),
      );
      const stop = reader.listen(next, tell);
      const forget = object.onClose(AsyncResource.bind(() => subscriber.complete()));
      return () => {
        forget();
        stop();
      };
    });
  const stream = batches();
  const reader = () => (object.closed ? undefined : readerOf(object as ObjectBase<any>, ring, options));
  gatherable.set(stream, {
    gathers: options.bufferBytes === undefined, // who sets a bound on what waits wants it kept
    batches,
    flush: () => reader()?.deliver(),
    giveBack: (rows) => reader()?.giveBack(rows),
  });
  return stream;
}

/** What waits in the addon for whoever gathers it. */
export type News = Waiting & Pick<EventBatch, "baseline" | "source" | "notes">;

/** A stream whose events may stay in the addon until they are wanted, all in one piece. */
export interface Gatherable<Event> {
  /** As the stream itself, but a batch comes only after `flush`, or when others listen too; until then news. */
  batches(onWaiting: (news: News) => void): Observable<EventBatch<Event>>;
  /** False for a stream that is to be taken batch by batch all the same. */
  readonly gathers: boolean;
  flush(): void;
  /** Says of so many rows, got a moment ago, that they are not wanted after all. */
  giveBack(rows: number): void;
}

const gatherable = new WeakMap<Observable<unknown>, Gatherable<any>>();

/** How to gather a stream; undefined for one that did not come straight from `events`. */
export function gatherableFrom<Event>(stream: Observable<EventBatch<Event>>): Gatherable<Event> | undefined {
  return gatherable.get(stream);
}

/**
 * Reads the perf event arrays of an object whose records are known from now on: without a reader what programs hand over
 * is gone, and nobody counts it. What comes before somebody listens counts as unread, as it does in ring buffers.
 */
export function readPerfArrays(object: ObjectBase<any>): void {
  for (const { name, type } of Object.values<MapBase>(object.maps)) {
    if (type !== "perf_event_array" || readings.get(object)?.has(name)) continue;
    const { records } = object.ring(name);
    if (records.length === 0) continue; // perhaps it holds counters, which programs read
    try {
      readerOf(object, name, {});
    } catch (error) {
      if (!(error instanceof ArgumentError)) throw error; // events() says what it needs to be told
    }
  }
}

/** The account of a ring so far: what was delivered, lost, dropped and left unread. All counts, since its first `events`. */
export function ringTotals(object: ObjectBase<any>, ring: string): RingTotals {
  return readerOf(object, ring, {}).totalsNow();
}

function readerOf(object: ObjectBase<any>, ring: string, options: EventsOptions): RingReader {
  const description = object.ring(ring);
  const perObject = readings.get(object) ?? new Map<string, Reading>();
  readings.set(object, perObject);
  refuseUnknownOptions("events", options, ["bigint", "bytes", "bufferBytes", "cpuBytes", "record", "records"]);
  const { bufferBytes = 256 * 2 ** 20, cpuBytes = 2 ** 20 } = options;
  requireInteger("bufferBytes", bufferBytes, { from: 2 ** 16 });
  requirePowerOfTwo("cpuBytes", cpuBytes, { from: 4096, to: 2 ** 30 });
  const before = perObject.get(ring);
  const asked = JSON.stringify(options);
  if (before && (before.options === asked || Object.keys(options).length === 0)) return before.reader;
  if (before && !before.reader.idle)
    throw new ArgumentError(`${object.name}.${ring} is being read with other options already.`, {
      hint: "Give all streams of a ring the same options, or end the others first.",
    });
  const plan = planRing(object, description, options);
  before?.reader.close(); // a ring has one reader at a time
  before?.forget();
  const reader = new RingReader(description, plan, { bufferBytes, cpuBytes }, before?.reader.totals);
  perObject.set(ring, { reader, options: asked, forget: object.onClose(() => reader.close()) });
  return reader;
}
