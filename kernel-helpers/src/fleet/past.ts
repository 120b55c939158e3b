import { DeliverPolicy, type JetStreamClient } from "@nats-io/jetstream";
import type { ColumnTable } from "arquero";
import { native } from "../base/native.js";
import { ArgumentError } from "../base/errors.js";
import { listNames } from "../base/names.js";
import { type Capture, markCapture, sumMissing } from "../streams/capture.js";
import { provenance } from "../streams/clock.js";
import { concatTables } from "../streams/concat-tables.js";
import { alignTimes, type HostClock } from "./host-clock.js";
import { withHost } from "./host-column.js";
import { chooseHosts } from "./outcomes.js";
import { unpackMessage } from "./payload.js";
import { type FeedHeader, hostOf, STREAM_NAME, subjects } from "./protocol.js";
import { momentFrom } from "./moments.js";

export interface PastOptions {
  /** From when on: a Date, or text such as `10 minutes ago` or `2026-11-26T03:00Z`; default all that the server holds. */
  since?: string | Date;
  /** Hosts, by name, with `*` for any letters; default all of which there is something. */
  only?: readonly string[];
  /** Columns that hold CLOCK_MONOTONIC, ns; see `FleetEventsOptions`. */
  times?: readonly string[];
}

interface Message {
  host: string;
  feed: string;
  header: FeedHeader;
  table: ColumnTable;
}

/**
 * What the server still holds of a ring, of whichever notebook's feeds.
 *
 * @param clockOf how a host's clock stands now
 */
export async function readPast(
  stream: JetStreamClient,
  source: string,
  { since, only, times }: PastOptions,
  clockOf: (host: string) => HostClock | undefined,
): Promise<ColumnTable> {
  const [, program, ring] = /^(\w+)\.(\w+)$/.exec(source) ?? [];
  if (program === undefined || ring === undefined)
    throw new ArgumentError(`Expected a ring such as "ringbuf.rb", got ${JSON.stringify(source)}.`);
  const from = since === undefined ? undefined : momentFrom("since", since);
  const all = await fetchAll(stream, subjects.events("*", program, ring, "*"), from);
  const there = [...new Set(all.map(({ host }) => host))].sort();
  const hosts = there.length === 0 && only === undefined ? [] : chooseHosts(there, only);
  const messages = all.filter(({ host }) => hosts.includes(host));
  if (messages.length === 0)
    throw new ArgumentError(`The server holds nothing of ${source}${from === undefined ? "" : " since then"}.`, {
      hint: "It keeps what agents send while a notebook reads, for an hour and up to 256 MiB.",
    });
  const rebooted = new Set<string>();
  const told = messages.filter(({ table }) => table.numCols() > 0); // the last word of an agent's witness has no columns
  const tables = told.map(({ host, header, table }) => {
    const clock = clockOf(host);
    if (clock?.bootId !== header.boot) rebooted.add(host);
    return withHost(alignTimes(table, offsetOf(header, clock), times), hosts, host);
  });
  const { bootId, clockOffset_ms } = provenance();
  const capture: Capture = {
    source,
    rows: messages.reduce((sum, { header }) => sum + header.rows, 0),
    ...sumMissing(feedsOf(messages).map(missing)),
    droppedAs: "dropped at an agent's memory bound or lost on the way here",
    startedAt: Math.min(...messages.map(({ header }) => header.wall_ms)),
    endedAt: Math.max(...messages.map(({ header }) => header.wall_ms)),
    host: hosts.join(" and "),
    kernel: "kernels of the fleet",
    bootId,
    clockOffset_ms,
    ...(rebooted.size > 0
      ? {
          notes: [
            `The times of ${listNames([...rebooted])} are aligned by the time of day there: how its clock stood then is not known here.`,
          ],
        }
      : {}),
  };
  return markCapture(concatTables(tables), capture);
}

/** What to add to times of a message for ours: as the clock was measured, or else by the time of day there. */
export function offsetOf({ boot, sent_ns, wall_ms }: FeedHeader, clock: HostClock | undefined): number {
  if (clock?.bootId === boot) return clock.offset_ns;
  return (wall_ms - Date.now()) * 1e6 + native.clock_monotonic() - sent_ns;
}

async function fetchAll(stream: JetStreamClient, subject: string, from: number | undefined): Promise<Message[]> {
  const consumer = await stream.consumers.get(STREAM_NAME, {
    filter_subjects: subject,
    ...(from === undefined
      ? { deliver_policy: DeliverPolicy.All }
      : { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(from).toISOString() }),
  });
  const { num_pending: pending } = await consumer.info();
  const messages: Message[] = [];
  if (pending === 0) return messages;
  const arriving = await consumer.consume({ expires: 10_000, idle_heartbeat: 1000 });
  for await (const message of arriving) {
    const unpacked = unpackMessage(message);
    const feed = message.subject.split(".").at(-1)!;
    if (unpacked) messages.push({ host: hostOf(message.subject), feed, ...unpacked });
    if (message.info.pending === 0) break;
  }
  await arriving.close();
  return messages;
}

function feedsOf(messages: readonly Message[]): Message[][] {
  const feeds = new Map<string, Message[]>();
  for (const message of messages) {
    const key = `${message.host} ${message.feed}`;
    const feed = feeds.get(key);
    if (feed) feed.push(message);
    else feeds.set(key, [message]);
  }
  return [...feeds.values()];
}

/** What a feed has lost between its first and its last message here. */
function missing(messages: readonly Message[]): { lost: number | undefined; dropped: number } {
  const headers = messages.map(({ header }) => header);
  const first = headers[0]!;
  const last = headers.find(({ final }) => final?.isOfWitness) ?? headers.at(-1)!;
  const whole = first.first === 0; // it begins here, so all that it lost is of it
  const rows = messages.reduce((sum, { header }) => sum + header.rows, 0);
  const gaps = last.first + last.rows - first.first - rows;
  return {
    lost: last.lost === undefined ? undefined : last.lost - (whole ? 0 : (first.lost ?? 0)),
    dropped: last.dropped - (whole ? 0 : first.dropped) + gaps,
  };
}
