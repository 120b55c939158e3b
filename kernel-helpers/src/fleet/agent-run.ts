import type { ColumnTable } from "arquero";
import type { Observable } from "rxjs";
import { unknownName } from "../base/names.js";
import { type MapHandle, native, type RingJournal } from "../base/native.js";
import { layoutOfGlobal } from "../bpf/globals.js";
import { isRing } from "../bpf/ring-records.js";
import type { BpfMap } from "../handles/map.js";
import type { BpfObject } from "../handles/object.js";
import type { Run } from "../probe/run.js";
import type { EventBatch } from "../streams/batch.js";
import type { MapTableOptions } from "../streams/map-table.js";
import type { Feed } from "./feed.js";
import type { FeedTotals, Loaded, Values } from "./protocol.js";
import type { WatchedRing } from "./witness.js";

/** What an agent runs for a notebook: a program, or the question of a probe. */
export class AgentRun {
  readonly notebook: string;
  readonly #object: BpfObject;
  readonly #bufferBytes: number;
  readonly #probe: Run | undefined;
  readonly #feeds = new Map<string, Feed>();
  /** Rows that feeds which have ended dropped, by ring. */
  readonly #overflow = new Map<string, number>();

  /**
   * @param what a program, or a probe that is loaded
   * @param bufferBytes most memory of events that the agent has not taken from a ring's reader
   */
  constructor(notebook: string, what: BpfObject | Run, bufferBytes: number) {
    this.notebook = notebook;
    this.#bufferBytes = bufferBytes;
    this.#probe = "object" in what ? what : undefined;
    this.#object = "object" in what ? what.object : what;
  }

  /** What its notebook needs to know of it. */
  describe(): Loaded {
    const { globals } = this.#object;
    const maps = Object.values<BpfMap>(this.#object.maps);
    const names = (isWanted: (map: BpfMap) => boolean) => maps.filter(isWanted).map((map) => map.name);
    const layouts = Object.keys(globals).map((name) => [name, layoutOfGlobal(globals, name)!] as const);
    return {
      globals: this.#probe ? {} : { ...globals },
      layouts: Object.fromEntries(this.#probe ? [] : layouts),
      rings: names((map) => isRing({ typeName: map.type })),
      maps: names((map) => !isRing({ typeName: map.type })),
    };
  }

  /** Its ring buffers, for a witness. Perf event arrays have no journal. */
  watched(): WatchedRing[] {
    const idOf = (handle: MapHandle) => native.bpf_map_get_info_by_fd(handle).id;
    const rings = Object.values<BpfMap>(this.#object.maps).filter(({ type }) => type === "ringbuf");
    return rings.map(({ name }) => {
      const { map, loss } = this.#object.ring(name);
      return { name, map: idOf(map.handle), loss: loss && { map: idOf(loss.map), offsets: loss.offsets } };
    });
  }

  /** What became of a ring's records until now; undefined for one that has no journal. */
  journal(ring: string): RingJournal | undefined {
    const { map } = this.#object.ring(ring);
    return map.type === "ringbuf" ? native.ring_journal(map.handle) : undefined;
  }

  async attach(options: object): Promise<void> {
    await (this.#probe ? this.#probe.attach() : this.#object.attach(options));
  }

  detach(): void {
    this.#object.detach();
  }

  /** Globals of a program, or parameters of a probe. */
  set(values: Values): void {
    if (this.#probe) this.#probe.setParams(values as Record<string, number>);
    else for (const [name, value] of Object.entries(values)) this.#object.globals[name] = value;
  }

  /** The events of a ring, as who asked wants to see them. */
  events(ring: string): Observable<EventBatch> {
    return this.#probe ? this.#probe.events() : this.#object.events(ring, { bufferBytes: this.#bufferBytes });
  }

  table(map: string, options: MapTableOptions): ColumnTable {
    return this.#probe ? this.#probe.groups() : this.map(map).table(options);
  }

  /** @throws ArgumentError that lists the maps there are */
  map(name: string): BpfMap {
    const { maps } = this.#object;
    const map = Object.hasOwn(maps, name) ? maps[name] : undefined;
    if (!map) throw unknownName("map", this.#object.name, name, Object.keys(maps));
    return map;
  }

  /** Begins a feed of a ring, unless there is one. */
  start(ring: string, make: () => Feed): FeedTotals {
    if (!this.#feeds.has(ring)) this.#feeds.set(ring, make());
    return this.totals(ring);
  }

  ringTotals(ring: string): FeedTotals["ring"] {
    return this.#object.totals(ring);
  }

  totals(ring: string): FeedTotals {
    const now = this.#feeds.get(ring)?.totals() ?? { ring: this.ringTotals(ring), sent: 0, overflow: 0 };
    return { ...now, overflow: now.overflow + (this.#overflow.get(ring) ?? 0) };
  }

  /** True while this feed of a ring runs. */
  isFeeding(ring: string, id: string): boolean {
    return this.#feeds.get(ring)?.id === id;
  }

  /** Ends the feed of a ring, if it is this one. */
  stop(ring: string, id: string): FeedTotals {
    const feed = this.#feeds.get(ring);
    if (feed?.id !== id) return this.totals(ring);
    const { overflow, ...totals } = feed.stop();
    this.#feeds.delete(ring);
    this.#overflow.set(ring, overflow + (this.#overflow.get(ring) ?? 0));
    return { ...totals, overflow: this.#overflow.get(ring)! };
  }

  /** Ends by the agent's own will: the notebook is told why and how its feeds stood. */
  finish(because: string): void {
    this.#object.detach();
    for (const feed of this.#feeds.values()) feed.finish(because);
    this.#feeds.clear();
    this.close();
  }

  close(): void {
    for (const feed of this.#feeds.values()) feed.stop();
    this.#feeds.clear();
    this.#object.close();
  }
}
