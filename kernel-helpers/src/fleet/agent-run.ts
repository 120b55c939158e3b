import type { ColumnTable } from "arquero";
import type { Observable } from "rxjs";
import { unknownName } from "../base/names.js";
import { layoutOfGlobal } from "../bpf/globals.js";
import { isRing } from "../bpf/ring-records.js";
import type { BpfMap } from "../handles/map.js";
import type { BpfObject } from "../handles/object.js";
import type { Run } from "../probe/run.js";
import type { EventBatch } from "../streams/batch.js";
import type { MapTableOptions } from "../streams/map-table.js";
import type { Feed } from "./feed.js";
import type { FeedTotals, Loaded, Values } from "./protocol.js";

/** Most memory, in bytes, of events that the agent has not taken from the ring's reader. */
const bufferBytes = 64 * 2 ** 20;

/** What an agent runs for a notebook: a program, or the question of a probe. */
export class AgentRun {
  readonly notebook: string;
  readonly #object: BpfObject;
  readonly #probe: Run | undefined;
  readonly #feeds = new Map<string, Feed>();
  /** Rows that feeds which have ended dropped, by ring. */
  readonly #overflow = new Map<string, number>();

  /** @param what a program, or a probe that is loaded */
  constructor(notebook: string, what: BpfObject | Run) {
    this.notebook = notebook;
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
    return this.#probe ? this.#probe.events() : this.#object.events(ring, { bufferBytes });
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
