import { AsyncResource } from "node:async_hooks";
import type { ColumnTable } from "arquero";
import { Observable } from "rxjs";
import { requireNumber } from "../base/arguments.js";
import { refuseUnknownOptions } from "../base/names.js";
import { type Capture, joinCaptures, markCapture } from "../streams/capture.js";
import { concatTables } from "../streams/concat-tables.js";
import type { MapTableOptions } from "../streams/map-table.js";
import { wholeOf } from "./blobs.js";
import { alignTimes } from "./host-clock.js";
import type { Hosts } from "./hosts.js";
import { withHost } from "./host-column.js";
import { type Outcome, outcomeTable, outcomeText, failed, succeeded, throwIfNone } from "./outcomes.js";
import { unpackTable } from "./payload.js";
import type { Blob } from "./protocol.js";

/** Which hosts a map is read on, and what its columns hold. */
export interface FleetMapOptions extends MapTableOptions {
  /** Hosts to read, by name, with `*` for any letters; default all that have it. */
  only?: readonly string[];
  /** Columns that hold CLOCK_MONOTONIC, ns; see `FleetEventsOptions`. */
  times?: readonly string[];
}

export interface OnlyOptions {
  /** Hosts that are meant, by name, with `*` for any letters; default all. */
  only?: readonly string[];
}

/** What a map needs of the object that it belongs to. */
export interface MapOwner {
  fleet: Hosts;
  program: string;
  /** The hosts that are meant. @throws ArgumentError, ClosedError */
  choose(only: readonly string[] | undefined): string[];
  onClose(act: () => void): () => void;
}

/** A map of a program that runs on several hosts. It is read there, and its tables are put together here. */
export class FleetMap {
  /** The map's name in the program. */
  readonly name: string;
  readonly #owner: MapOwner;

  private constructor(owner: MapOwner, name: string) {
    this.#owner = owner;
    this.name = name;
  }

  /** @internal made by `FleetObject` */
  static make(owner: MapOwner, name: string): FleetMap {
    return new FleetMap(owner, name);
  }

  get #path(): string {
    return `${this.#owner.program}.${this.name}`;
  }

  /**
   * All entries on all hosts: the table that `BpfMap.table` makes of each, with a column `host`. Where a host does not
   * answer, its rows are missing and the table says so.
   *
   * @throws ArgumentError; ClosedError; the first host's error when none answers
   * @example
   * (await stats.maps.stats_map.table()).groupby("host", "comm").rollup({ writes: op.sum("writes") })
   */
  async table(options: FleetMapOptions = {}): Promise<ColumnTable> {
    refuseUnknownOptions("table", options, ["only", "cpus", "bigint", "times"]);
    const { only, times, ...rest } = options;
    const { fleet, program } = this.#owner;
    const hosts = this.#owner.choose(only);
    const ask = { do: "table", program, map: this.name, options: rest } as const;
    const outcomes = await Promise.all(
      (await fleet.command<Blob>(hosts, ask)).map(async (one): Promise<Outcome<{ table: ColumnTable } & Blob>> => {
        if ("error" in one) return one;
        const { host, value } = one;
        const part = (blob: number, from: number) => fleet.askHost<string>(host, { do: "part", blob, from });
        try {
          return { host, value: { ...value, table: unpackTable(await wholeOf(value, part)) } };
        } catch (error) {
          return { host, error: error as Error };
        }
      }),
    );
    throwIfNone(outcomes);
    const tables = succeeded(outcomes).map(({ host, value }) =>
      withHost(alignTimes(value.table, fleet.clocks.of(host)?.offset_ns ?? 0, times), hosts, host),
    );
    return markCapture(concatTables(tables), this.#account(outcomes));
  }

  #account(outcomes: readonly Outcome<Blob>[]): Capture {
    const parts = succeeded(outcomes).map(({ host, value }): Capture => ({ ...value.capture!, host }));
    const notes = failed(outcomes).map((one) => `${one.host} is missing: ${outcomeText(one)}`);
    return {
      ...joinCaptures(this.#path, parts)!,
      ...(notes.length > 0 ? { notes } : {}),
    };
  }

  /**
   * The table now, and again every so many ms, until the handle is closed. A table that takes longer than that is waited
   * for, so that none is asked for in vain.
   *
   * @throws ArgumentError
   */
  poll({ everyMs, ...options }: FleetMapOptions & { everyMs: number }): Observable<ColumnTable> {
    requireNumber("everyMs", everyMs, { from: 1, to: 2 ** 31 - 1 });
    this.#owner.choose(options.only);
    return new Observable((subscriber) => {
      let asking = false;
      const read = async () => {
        if (asking) return;
        asking = true;
        try {
          const table = await this.table(options);
          if (!subscriber.closed) subscriber.next(table);
        } catch (error) {
          subscriber.error(error);
        } finally {
          asking = false;
        }
      };
      const timer = setInterval(() => void read(), everyMs);
      const forget = this.#owner.onClose(AsyncResource.bind(() => subscriber.complete()));
      subscriber.add(() => {
        clearInterval(timer);
        forget();
      });
      void read();
    });
  }

  /**
   * Writes an entry on all hosts; returns the outcome for each.
   *
   * @throws ArgumentError; ClosedError; the first host's error when none writes it
   */
  async set(key: unknown, value: unknown, { only }: OnlyOptions = {}): Promise<ColumnTable> {
    const { fleet, program } = this.#owner;
    const ask = { do: "put", program, map: this.name, key, value } as const;
    return outcomeTable(await fleet.command(this.#owner.choose(only), ask));
  }

  /** Deletes an entry on all hosts, where it is; returns the outcome for each. @throws as `set` */
  async delete(key: unknown, { only }: OnlyOptions = {}): Promise<ColumnTable> {
    const { fleet, program } = this.#owner;
    const ask = { do: "delete", program, map: this.name, key } as const;
    return outcomeTable(await fleet.command(this.#owner.choose(only), ask));
  }
}
