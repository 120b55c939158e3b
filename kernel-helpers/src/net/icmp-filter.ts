import { requireNumber } from "../base/arguments.js";
import { table, type ColumnTable } from "arquero";
import { native } from "../base/native.js";
import type { BpfObject } from "../handles/object.js";
import { ArgumentError } from "../base/errors.js";
import type { ShippedPrograms } from "../generated/programs.js";
import { interruptSignal } from "../base/display.js";
import { formatAddress, parseAddress, parsePrefix } from "../bpf/address.js";

/** The filter, as `bpf.load("tc_icmp_filter")` returns it. */
export type IcmpFilter = BpfObject<ShippedPrograms["tc_icmp_filter"]>;

/** One way to write an address, however it was given. */
const canonical = (address: string) => formatAddress(parseAddress(address));

/**
 * Puts a source on the blacklist by hand: its next echo request is dropped. It ends as other bans do.
 *
 * @throws ArgumentError when it is no address; BpflabError when the blacklist is full; ClosedError
 * @example
 * net.block(filter, "198.18.0.2");
 */
export function block(filter: IcmpFilter, address: string): void {
  filter.maps.blacklist.set(canonical(address), { since_ns: native.clock_monotonic() });
}

/**
 * Lets a source in again: off the blacklist, and its count forgotten.
 *
 * @returns whether it was on the blacklist
 * @throws ArgumentError when it is no address; ClosedError
 * @example
 * net.release(filter, "198.18.0.2");
 */
export function release(filter: IcmpFilter, address: string): boolean {
  // In this order: a request in between is dropped, where after the other it would be counted to the old window.
  filter.maps.peers.delete(canonical(address));
  return filter.maps.blacklist.delete(canonical(address));
}

/**
 * Never blocks the sources of a prefix, whatever they send; they are counted all the same.
 *
 * @throws ArgumentError when it is no prefix; ClosedError
 * @example
 * net.allow(filter, "198.18.0.0/24");
 */
export function allow(filter: IcmpFilter, prefix: string): void {
  filter.maps.allow.set(parsePrefix(prefix), 1);
}

/** Takes back what `allow` did; returns whether the prefix was on the list. @throws ArgumentError, ClosedError */
export function disallow(filter: IcmpFilter, prefix: string): boolean {
  return filter.maps.allow.delete(parsePrefix(prefix));
}

/**
 * All sources that the filter knows, who sent most first: `source`, `state`, `requests` in the window of a second
 * that its last request fell into, `passed` and `dropped` since it is known, `first_ns` (beginning of the
 * window) and `blocked_ns` (since when it is on the blacklist, else null); times are CLOCK_MONOTONIC.
 *
 * @throws ClosedError
 * @example
 * net.peers(filter)
 */
export function peers(filter: IcmpFilter): ColumnTable {
  const bans = bansOf(filter);
  const known = new Map(filter.maps.peers.entries());
  const empty = { first_ns: NaN, count: 0, passed: 0, dropped: 0, state: "counted" };
  const rows = [...new Set([...known.keys(), ...bans.keys()])].map((source) => {
    const { first_ns, count, passed, dropped, state } = known.get(source) ?? empty;
    const blocked_ns = bans.get(source) ?? null;
    // The state in the table is that of the last request; a source blocked or released by hand since then sent none.
    const now = blocked_ns !== null ? "blacklisted" : state === "blacklisted" ? "counted" : state;
    return { source, state: now, requests: count, passed, dropped, first_ns, blocked_ns };
  });
  rows.sort((a, b) => b.passed + b.dropped - (a.passed + a.dropped) || (a.source < b.source ? -1 : 1));
  const column = <Name extends keyof (typeof rows)[number]>(name: Name) => rows.map((row) => row[name]);
  return table({
    source: column("source"),
    state: column("state"),
    requests: column("requests"),
    passed: column("passed"),
    dropped: column("dropped"),
    first_ns: column("first_ns"),
    blocked_ns: column("blocked_ns"),
  });
}

/** Bans that are in force: those that ended stay in the map until their source comes again. */
function bansOf(filter: IcmpFilter): Map<string, number> {
  const length = filter.globals.block_seconds * 1e9;
  const now = native.clock_monotonic();
  const bans = filter.maps.blacklist.entries().map(([source, { since_ns }]) => [source, since_ns] as const);
  return new Map(length === 0 ? bans : bans.filter(([, since]) => now - since < length));
}

export interface SampleOptions {
  /** How long, in seconds. */
  seconds?: number;
  /** Until this settles, instead of or before the seconds are over; a function is called once sampling has begun. */
  until?: Promise<unknown> | (() => Promise<unknown>);
  /** Milliseconds between two samples; default 100. */
  everyMs?: number;
}

/**
 * What each source sent over time, read from the filter's own counts: a row for each source and interval with
 * `time_ns` (end of the interval, CLOCK_MONOTONIC), `source`, `requests`, `passed` and `dropped` in it.
 * An interrupt of the cell ends it, and what came is returned.
 *
 * @throws ArgumentError; ClosedError when the filter is closed meanwhile; what `until` rejects with
 * @example
 * const rates = await net.sample(filter, { until: () => lab.peers[0].ping({ count: 500, intervalMs: 5 }) });
 * charts.timeline(rates, { x: "time_ns", weight: "requests", by: "source" })
 */
export async function sample(
  filter: IcmpFilter,
  { seconds, until, everyMs = 100 }: SampleOptions,
): Promise<ColumnTable> {
  requireNumber("everyMs", everyMs, { from: 1, to: 60_000 });
  if (seconds === undefined && until === undefined)
    throw new ArgumentError("sample needs an end: seconds, until or both.");
  if (seconds !== undefined) requireNumber("seconds", seconds, { above: 0, to: 86_400 });
  const columns = {
    time_ns: [] as number[],
    source: [] as string[],
    requests: [] as number[],
    passed: [] as number[],
    dropped: [] as number[],
  };
  const before = new Map(filter.maps.peers.entries());
  const take = () => {
    const now = native.clock_monotonic();
    for (const [source, { passed, dropped }] of filter.maps.peers.entries()) {
      const last = before.get(source);
      before.set(source, {
        ...(last ?? { first_ns: 0, count: 0, report_ns: 0, report_count: 0, state: "counted" }),
        passed,
        dropped,
      });
      // A source that was released or made room for others begins again at zero.
      const fresh = !last || passed < last.passed || dropped < last.dropped;
      const [p, d] = fresh ? [passed, dropped] : [passed - last.passed, dropped - last.dropped];
      columns.time_ns.push(now);
      columns.source.push(source);
      columns.requests.push(p + d);
      columns.passed.push(p);
      columns.dropped.push(d);
    }
  };
  const signal = interruptSignal();
  let timer: NodeJS.Timeout | undefined, ticker: NodeJS.Timeout | undefined, onAbort: (() => void) | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      onAbort = resolve;
      signal?.addEventListener("abort", onAbort, { once: true });
      if (signal?.aborted) resolve();
      if (seconds !== undefined) timer = setTimeout(resolve, seconds * 1000);
      ticker = setInterval(() => {
        try {
          take();
        } catch (error) {
          reject(error as Error);
        }
      }, everyMs);
      if (until !== undefined) (typeof until === "function" ? until() : until).then(() => resolve(), reject);
    });
  } finally {
    clearTimeout(timer);
    clearInterval(ticker);
    if (onAbort) signal?.removeEventListener("abort", onAbort);
  }
  take();
  return table(columns);
}
