/** What is told of an agent that was killed. */
import { setTimeout as delay } from "node:timers/promises";
import { jetstream } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import { table as makeTable } from "arquero";
import { type MapHandle, native } from "../base/native.js";
import { readAll } from "../bpf/kernel-objects.js";
import { sweepAll } from "../net/orphans.js";
import { type ConnectionOptions, connectServer } from "./connection.js";
import { readClock } from "./host-clock.js";
import { timeOfDay } from "./moments.js";
import { packTable } from "./payload.js";
import { type FeedHeader, HEADER_NAME } from "./protocol.js";
import type { Baseline } from "./witness.js";

/** How long it tries to reach the server, and waits for programs to come off, ms. */
const PATIENCE_MS = 10_000;

/** A ring that is watched, its maps held open. */
export interface HeldRing {
  map: { id: number; handle: MapHandle };
  loss: { handle: MapHandle; offsets: readonly number[] } | undefined;
  /** While a notebook reads it. */
  feed: { subject: string; baseline: Baseline } | undefined;
}

/** How to reach the server, and what the agent is called there. */
export type Reach = ConnectionOptions & { url: string; name: string };

/** Tells those who read the rings how they stand, once no program writes to them any more. */
export async function tellLastWord({ url, name, ...options }: Reach, programs: readonly Map<string, HeldRing>[]) {
  const because = `its agent was killed, or crashed, at ${timeOfDay(Date.now())}`;
  const rings = programs.flatMap((one) => [...one.values()]).filter(({ feed }) => feed);
  if (rings.length === 0) return;
  const end = Date.now() + PATIENCE_MS;
  for (; Date.now() < end && rings.some(({ map }) => isWritten(map.id)); await delay(20)) sweepAll();
  const words = rings.flatMap((ring) => lastWordOf(ring, because) ?? []);
  const empty = await packTable(makeTable({}));
  while (Date.now() < end) {
    try {
      const connection = await connectServer(url, options, `_INBOX_${name}`);
      for (const { subject, header } of words) {
        const message = { msgID: `${subject}.last`, headers: headers(), timeout: 2000 };
        message.headers.set(HEADER_NAME, JSON.stringify(header));
        await jetstream(connection).publish(subject, empty, message);
      }
      return await connection.close();
    } catch {
      await delay(200);
    }
  }
}

/** True while some program has the map. */
const isWritten = (map: number) =>
  readAll("program", (handle) => native.bpf_prog_get_info_by_fd(handle).mapIds).some((ids) => ids.includes(map));

/** Undefined where nobody can know: programs that are pinned still run, or another reader took records from the ring. */
function lastWordOf(ring: HeldRing, because: string): { subject: string; header: FeedHeader } | undefined {
  const { subject, baseline } = ring.feed!;
  const journal = isWritten(ring.map.id) ? undefined : native.ring_journal(ring.map.handle);
  if (!journal) return undefined;
  const { kept, dropped, unread, malformed, waiting } = journal;
  const lost = ring.loss && lossOf(ring.loss);
  const { bootId: boot, monotonic_ns: sent_ns, wall_ms } = readClock();
  // As many rows as would have come; the reader sees by the numbers how many of them have not.
  const first = kept - baseline.kept + waiting;
  const account = { delivered: kept, waiting: 0, dropped, unread: unread + waiting, malformed };
  const totals = {
    ring: { ...account, malformedLength: 0, inexact: 0, ...(lost === undefined ? {} : { lost }) },
    sent: first,
    overflow: 0,
  };
  const header: FeedHeader = {
    first,
    rows: 0,
    lost: lost === undefined ? undefined : lost - (baseline.lost ?? 0),
    dropped: dropped - baseline.dropped,
    malformed: malformed - baseline.malformed,
    inexact: 0,
    boot,
    sent_ns,
    wall_ms,
    final: { because, totals, isOfWitness: true },
  };
  return { subject, header };
}

const lossOf = ({ handle, offsets }: NonNullable<HeldRing["loss"]>) =>
  offsets.reduce((sum, offset) => sum + Number(native.map_memory_read(handle, offset, 8).readBigUInt64LE()), 0);
