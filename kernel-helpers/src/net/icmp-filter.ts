import { requireNumber } from "../base/arguments.js";
import { table, type ColumnTable } from "arquero";
import { native } from "../base/native.js";
import type { BpfObject } from "../handles/object.js";
import { ArgumentError } from "../base/errors.js";
import type { ShippedPrograms } from "../generated/programs.js";
import { interruptSignal } from "../base/display.js";
import { formatAddress, parseAddress } from "../bpf/address.js";
import { markCapture } from "../streams/capture.js";
import { provenance } from "../streams/clock.js";
import { addressMap, prefixMap, type AddressMap } from "./address-map.js";

/** The filter, as `bpf.load("tc_icmp_filter")` returns it. */
export type IcmpFilter = BpfObject<ShippedPrograms["tc_icmp_filter"]>;

/**
 * The shipped filter, or one of your own with maps of the same names and fields: each function says which it needs.
 * Keys are addresses: `struct in6_addr`, or for IPv4 alone `__be32` or `u32`, in network byte order as in `ip->saddr`.
 */
export type FilterLike = BpfObject<any>;

/** One way to write an address, however it was given. */
const canonical = (address: string) => formatAddress(parseAddress(address));

/**
 * Puts a source on the blacklist by hand: its next echo request is dropped. It ends as other bans do.
 * Needs a map `blacklist` with the field `since_ns`.
 *
 * @throws ArgumentError when it is not an address, or the filter has no such map; BpflabError when the blacklist is full; ClosedError
 * @example
 * net.block(filter, "198.18.0.2");
 */
export function block(filter: FilterLike, address: string): void {
  addressMap(filter, "block", "blacklist", ["since_ns"]).set(canonical(address), {
    since_ns: native.clock_monotonic(),
  });
}

/**
 * Lets a source in again: off the blacklist, and its count forgotten. Needs a map `peers` or `blacklist`, or both.
 *
 * @returns whether it was on the blacklist
 * @throws ArgumentError when it is not an address, or the filter has no such map; ClosedError
 * @example
 * net.release(filter, "198.18.0.2");
 */
export function release(filter: FilterLike, address: string): boolean {
  const hasBlacklist = "blacklist" in filter.maps;
  // In this order: a request in between is dropped, where after the other it would be counted to the old window.
  if ("peers" in filter.maps || !hasBlacklist) addressMap(filter, "release", "peers").delete(canonical(address));
  return hasBlacklist && addressMap(filter, "release", "blacklist").delete(canonical(address));
}

/**
 * Never blocks the sources of a prefix, whatever they send; they are counted all the same.
 * Needs an LPM trie `allow` whose values are numbers.
 *
 * @throws ArgumentError when it is no prefix, or the filter has no such map; ClosedError
 * @example
 * net.allow(filter, "198.18.0.0/24");
 */
export function allow(filter: FilterLike, prefix: string): void {
  prefixMap(filter, "allow").add(prefix);
}

/**
 * Takes back what `allow` did; returns whether the prefix was on the list.
 *
 * @throws ArgumentError, ClosedError
 * @example
 * net.allow(filter, "198.18.0.0/24");
 * net.disallow(filter, "198.18.0.0/24");  // true
 */
export function disallow(filter: FilterLike, prefix: string): boolean {
  return prefixMap(filter, "disallow").delete(prefix);
}

/**
 * All sources that the filter knows, who sent most first: `source`, `state`, `requests` in the window of a second
 * that its last request fell into, `passed` and `dropped` since it is known, `first_ns` (beginning of the
 * window) and `blocked_ns` (since when it is on the blacklist, else null); times are CLOCK_MONOTONIC.
 * Needs a map `peers` with the fields `passed` and `dropped`; of its fields `first_ns`, `count` and `state` and of a
 * map `blacklist` it shows what there is.
 *
 * @throws ArgumentError when the filter has no such map; ClosedError
 * @example
 * net.peers(filter)
 */
export function peers(filter: FilterLike): ColumnTable {
  const known = new Map(counts(filter, "peers").entries());
  const bans = bansOf(filter);
  const rows = [...new Set([...known.keys(), ...bans.keys()])].map((source) => {
    const account = known.get(source);
    const { passed, dropped, state = "counted" } = account ?? { passed: 0, dropped: 0 };
    const first_ns = account ? (account.first_ns ?? null) : NaN;
    const requests = account ? (account.count ?? null) : 0;
    const blocked_ns = bans.get(source) ?? null;
    // The state in the table is that of the last request; a source blocked or released by hand since then sent none.
    const now = blocked_ns !== null ? "blacklisted" : state === "blacklisted" ? "counted" : state;
    return { source, state: now, requests, passed, dropped, first_ns, blocked_ns };
  });
  rows.sort((a, b) => b.passed + b.dropped - (a.passed + a.dropped) || (a.source < b.source ? -1 : 1));
  const column = <Name extends keyof (typeof rows)[number]>(name: Name) => rows.map((row) => row[name]);
  return fromMap(filter, Date.now(), {
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
function bansOf(filter: FilterLike): Map<string, number> {
  if (!("blacklist" in filter.maps)) return new Map();
  const length = "block_seconds" in filter.globals ? (filter.globals["block_seconds"] as number) * 1e9 : 0;
  const now = native.clock_monotonic();
  const blacklist = addressMap<{ since_ns: number }>(filter, "peers", "blacklist", ["since_ns"]);
  const bans = blacklist.entries().map(([source, { since_ns }]) => [source, since_ns] as const);
  return new Map(length === 0 ? bans : bans.filter(([, since]) => now - since < length));
}

interface Counts {
  passed: number;
  dropped: number;
  first_ns?: number;
  count?: number;
  state?: string;
}

function counts(filter: FilterLike, caller: string): AddressMap<Counts> {
  return addressMap<Counts>(filter, caller, "peers", ["passed", "dropped"]);
}

/** How long to sample, and how often. */
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
 * Needs a map `peers` with the fields `passed` and `dropped`.
 *
 * @throws ArgumentError, also when the filter has no such map; ClosedError when the filter is closed meanwhile; what `until` rejects with
 * @example
 * const rates = await net.sample(filter, { until: () => lab.peers[0].ping({ count: 500, intervalMs: 5 }) });
 * charts.timeline(rates, { x: "time_ns", weight: "requests", by: "source" })
 */
export async function sample(
  filter: FilterLike,
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
  const startedAt = Date.now();
  const accounts = counts(filter, "sample");
  const before = new Map(accounts.entries());
  const take = () => {
    const now = native.clock_monotonic();
    for (const [source, { passed, dropped }] of accounts.entries()) {
      const last = before.get(source);
      before.set(source, { passed, dropped });
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
  return fromMap(filter, startedAt, columns);
}

/** Columns that were read from the filter's accounts, as a table that says so: one of this kernel, from then until now. */
function fromMap(filter: FilterLike, startedAt: number, columns: Record<string, unknown[]>): ColumnTable {
  const made = table(columns as never);
  return markCapture(made, {
    ...provenance(),
    source: filter.maps["peers"]!.path,
    of: "entries",
    rows: made.numRows(),
    lost: filter.maps["peers"]!.lost ?? 0,
    dropped: 0,
    startedAt,
    endedAt: Date.now(),
  });
}
