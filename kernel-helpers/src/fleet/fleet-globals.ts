import { inspect } from "node:util";
import { encode } from "../bpf/codec.js";
import type { Layout } from "../bpf/btf.js";
import { rememberLayouts } from "../bpf/globals.js";
import { namedObject } from "../base/names.js";
import { type Outcome, outcomeText } from "./outcomes.js";
import type { Values } from "./protocol.js";

/** What became of a global on a host. */
export interface Applied {
  host: string;
  global: string;
  value: unknown;
  outcome: string;
}

/** What the globals of a program are on each host, and what they are to be. */
export class FleetGlobals {
  /** As properties: reading gives what was set last, or what all hosts have; undefined where they differ. */
  readonly values: Values;
  readonly #send: (hosts: readonly string[], values: Values) => Promise<Outcome<unknown>[]>;
  readonly #hosts: ReadonlyMap<string, Values>;
  readonly #layouts: ReadonlyMap<string, Layout>;
  readonly #path: string;
  /** What was set and is not on its way yet: the last value of each. */
  #waiting = new Map<string, unknown>();
  /** What was set and has no outcome yet. */
  readonly #wanted = new Map<string, unknown>();
  readonly #applied = new Map<string, Applied>();
  #sending: Promise<void> | undefined;

  /**
   * @param hosts the values on each host
   * @param send sets some on hosts
   * @param check throws when nothing can be set any more
   */
  constructor(
    path: string,
    hosts: ReadonlyMap<string, Values>,
    layouts: ReadonlyMap<string, Layout>,
    check: () => void,
    send: (hosts: readonly string[], values: Values) => Promise<Outcome<unknown>[]>,
  ) {
    this.#path = path;
    this.#hosts = hosts;
    this.#layouts = layouts;
    this.#send = send;
    const globals: Values = {};
    for (const name of new Set([...hosts.values()].flatMap((one) => Object.keys(one))))
      Object.defineProperty(globals, name, {
        enumerable: true,
        get: () => (this.#wanted.has(name) ? this.#wanted.get(name) : this.#common(name)),
        set: (value: unknown) => {
          check();
          this.#check(name, value);
          this.#waiting.set(name, value);
          this.#wanted.set(name, value);
          this.#sending ??= this.#pump();
        },
      });
    this.values = namedObject("global", path, globals) as Values;
    rememberLayouts(this.values, layouts);
  }

  /** A value that no host can hold is an error here and now. */
  #check(name: string, value: unknown): void {
    const layout = this.#layouts.get(name);
    if (layout) encode(layout, value, `${this.#path}.${name}`);
  }

  #common(name: string): unknown {
    const [first, ...others] = [...this.#hosts.values()].map((one) => one[name]);
    return others.every((value) => inspect(value) === inspect(first)) ? first : undefined;
  }

  /** A slider sets faster than hosts answer: of each global the last value goes, once the ones before have arrived. */
  async #pump(): Promise<void> {
    while (this.#waiting.size > 0) {
      const values = Object.fromEntries(this.#waiting);
      this.#waiting = new Map();
      await this.set(values, [...this.#hosts.keys()]).catch(() => {}); // the outcomes say what failed
    }
    this.#sending = undefined;
  }

  /** Sets globals on some hosts. @throws ArgumentError for one that is not there, or a value that it cannot hold */
  async set(values: Values, hosts: readonly string[]): Promise<Outcome<unknown>[]> {
    for (const [name, value] of Object.entries(values)) {
      void this.values[name]; // throws when there is none
      this.#check(name, value);
    }
    const outcomes = await this.#send(hosts, values);
    for (const [name, value] of Object.entries(values)) {
      for (const one of outcomes) {
        if ("value" in one) this.#hosts.get(one.host)![name] = value;
        this.#applied.set(JSON.stringify([one.host, name]), {
          host: one.host,
          global: name,
          value,
          outcome: outcomeText(one),
        });
      }
      if (!this.#waiting.has(name)) this.#wanted.delete(name);
    }
    return outcomes;
  }

  /** Waits for what was set; returns the outcome of the last setting of each global on each host. */
  async applied(): Promise<Applied[]> {
    await this.#sending;
    return [...this.#applied.values()];
  }
}
