import { type ColumnTable, table as makeTable } from "arquero";
import { DictionaryColumn } from "../streams/event-columns.js";
import type { FeedTotals } from "./protocol.js";

/** What the notebook has seen of a host's ring. */
export interface Seen {
  host: string;
  /** Rows that came, in all feeds. */
  delivered: number;
  /** Rows that were sent and are known not to come. */
  lostInTransport: number;
  /** Rows of feeds that were stopped before they came. */
  unread: number;
  /** Rows of the feed that runs until which all came or are lost. */
  next: number;
}

/** Counts of one host; null is unknown. */
export interface Account {
  host: string;
  produced: number | null;
  delivered: number;
  lost_in_kernel: number | null;
  dropped_at_agent: number | null;
  lost_in_transport: number;
  malformed: number | null;
  unread: number | null;
  in_flight: number | null;
}

/** A host's account from both ends; what came after the agent looked counts as produced since. */
export function accountOf(seen: Seen, told: FeedTotals | undefined): Account {
  const { host, delivered, lostInTransport: lost_in_transport } = seen;
  if (!told) {
    const unknown = { produced: null, lost_in_kernel: null, dropped_at_agent: null, malformed: null };
    return { host, delivered, lost_in_transport, ...unknown, unread: null, in_flight: null };
  }
  const { ring, sent, overflow } = told;
  const since = Math.max(0, seen.next - sent);
  const drained = ring.delivered + ring.waiting + ring.dropped + ring.unread + ring.malformed + since;
  return {
    host,
    produced: ring.lost === undefined ? null : drained + ring.lost,
    delivered,
    lost_in_kernel: ring.lost ?? null,
    dropped_at_agent: ring.dropped + overflow,
    lost_in_transport,
    malformed: ring.malformed,
    unread: ring.unread + seen.unread,
    in_flight: ring.waiting + Math.max(0, sent - seen.next),
  };
}

/** The hosts' accounts, and at the end all of them together; what one does not know is not known of all. */
export function accountTable(accounts: readonly Account[]): ColumnTable {
  const counts = [
    "produced",
    "delivered",
    "lost_in_kernel",
    "dropped_at_agent",
    "lost_in_transport",
    "malformed",
    "unread",
    "in_flight",
  ] as const;
  const hosts = [...accounts.map(({ host }) => host), "all"];
  const sum = (values: readonly (number | null)[]) =>
    values.reduce((total, value) => (total === null || value === null ? null : total + value), 0);
  const columns = counts.map((count) => {
    const values = accounts.map((account) => account[count]);
    return [count, [...values, sum(values)]] as const;
  });
  const host = new DictionaryColumn(
    Uint32Array.from(hosts, (_, i) => i),
    hosts,
  );
  return makeTable({ host: host as never, ...(Object.fromEntries(columns) as Record<string, never>) });
}
