import type { ColumnTable } from "arquero";
import { defer, finalize, from, type Observable, switchMap } from "rxjs";
import { ArgumentError } from "../base/errors.js";
import type { Asked } from "../probe/probe.js";
import type { Params } from "../probe/program/verbs.js";
import type { EventBatch } from "../streams/batch.js";
import { collect, type CollectOptions } from "../streams/collect.js";
import { wait } from "../streams/wait.js";
import type { FleetObject } from "./fleet-object.js";

/** A probe's question to several hosts, with the methods of a `Probe`, and a column `host` in the answer. */
export class FleetProbe {
  readonly #asked: Asked;
  readonly #load: (asked: Asked) => Promise<FleetObject>;
  readonly #running = new Set<FleetObject>();

  private constructor(asked: Asked, load: (asked: Asked) => Promise<FleetObject>) {
    this.#asked = asked;
    this.#load = load;
  }

  /** @internal use `fleet.probe` */
  static make(asked: Asked, load: (asked: Asked) => Promise<FleetObject>): FleetProbe {
    return new FleetProbe(asked, load);
  }

  async #begin(): Promise<FleetObject> {
    const object = await this.#load(this.#asked);
    this.#running.add(object);
    return object;
  }

  async #end(object: FleetObject): Promise<void> {
    this.#running.delete(object);
    await object.close();
  }

  /**
   * Asks, as `Probe.collect` does: one row per event, or one row per group and host of a rollup. Each host adds up by itself;
   * arquero adds what they send, as `answer.groupby("comm").rollup({ n: op.sum("n") })`.
   *
   * @throws ArgumentError; BpflabError when no host can answer; CollectError, which holds what had come
   * @example
   * await fleet.probe(probe("tp/syscalls/sys_exit_read").groupby("comm").count()).collect({ seconds: 5 })
   */
  async collect(options: CollectOptions = {}): Promise<ColumnTable> {
    const object = await this.#begin();
    try {
      await object.attach();
      if (!this.#asked.isRollup) return await collect(object.events("events"), options);
      await wait(options, () => `a rollup on ${object.hosts.length} hosts`);
      await object.detach();
      return await object.maps["groups"]!.table();
    } finally {
      await this.#end(object);
    }
  }

  #stream<T>(of: (object: FleetObject) => Observable<T>): Observable<T> {
    return defer(() => from(this.#begin())).pipe(
      switchMap((object) =>
        from(object.attach()).pipe(
          switchMap(() => of(object)),
          finalize(() => void this.#end(object)),
        ),
      ),
    );
  }

  /** The events as a stream; it runs while somebody listens. @throws ArgumentError for a rollup */
  events(): Observable<EventBatch> {
    if (!this.#asked.isRollup) return this.#stream((object) => object.events("events"));
    throw new ArgumentError("events: a rollup adds up in the kernel, and sends no events.", {
      hint: "poll({ everyMs: 1000 }) is a stream of its tables.",
    });
  }

  /** A rollup's table of all hosts now, and again every so many ms. @throws ArgumentError for a probe without rollup */
  poll({ everyMs }: { everyMs: number }): Observable<ColumnTable> {
    if (this.#asked.isRollup) return this.#stream((object) => object.maps["groups"]!.poll({ everyMs }));
    throw new ArgumentError("poll: only a rollup has a table that changes.", {
      hint: "events() is the stream of the events.",
    });
  }

  /** Sets parameters of what runs of it on all hosts, at once. @throws ArgumentError for a parameter that it does not have */
  async params(values: Params): Promise<this> {
    for (const name of Object.keys(values))
      if (!(name in this.#asked.params)) throw new ArgumentError(`params: the probe has no parameter ${name}.`);
    Object.assign(this.#asked.params, values);
    await Promise.all([...this.#running].map((object) => object.setParams(values)));
    return this;
  }

  /** Ends all that runs of it. Idempotent. */
  async close(): Promise<void> {
    await Promise.all([...this.#running].map((object) => this.#end(object)));
  }
}
