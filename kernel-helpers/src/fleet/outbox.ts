import { setTimeout as delay } from "node:timers/promises";
import { type JetStreamClient } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import type { ColumnTable } from "arquero";
import { concatTables } from "../streams/concat-tables.js";
import type { Pace } from "./pace.js";
import { packTable } from "./payload.js";
import { type FeedHeader, HEADER_NAME } from "./protocol.js";

export interface Parcel {
  subject: string;
  table: ColumnTable;
  header: FeedHeader;
}

interface Message extends Parcel {
  bytes: Uint8Array;
}

/** Rows of a message at most: it must unpack within the bound of who reads it. */
const MOST_ROWS = 2 ** 16;

/** How long rows are gathered for one message, ms: a thousand small ones cost several times what a few large ones do. */
const GATHER_MS = 100;

/** What headers and subject take of a message at most. */
const OVERHEAD = 4096;

/**
 * What waits to be sent: one message after the other, each again until the server has stored it, so that neither a cut
 * network nor a server that starts again loses or doubles any. Memory is bounded, and so is the share of a CPU.
 */
export class Outbox {
  readonly #stream: JetStreamClient;
  readonly #maxPayload: number;
  readonly #maxBytes: number;
  readonly #pace: Pace;
  readonly #parcels: Parcel[] = [];
  #bytes = 0;
  #number = 0;
  #running = false;
  #closed = false;

  /**
   * @param maxPayload bytes of a message that the server takes
   * @param maxBytes memory that may wait; an estimate by rows and columns
   */
  constructor(stream: JetStreamClient, maxPayload: number, maxBytes: number, pace: Pace) {
    this.#stream = stream;
    this.#maxPayload = maxPayload - OVERHEAD;
    this.#maxBytes = maxBytes;
    this.#pace = pace;
  }

  /** Takes a parcel, or returns false when there is no room for its rows. */
  push(parcel: Parcel): boolean {
    const size = sizeOf(parcel);
    const last = this.#parcels.at(-1);
    if (last && this.#parcels.length > 1 && last.header.rows === 0 && last.subject === parcel.subject) {
      this.#parcels.pop(); // it told of losses only, and this one tells of all until now
      this.#bytes -= sizeOf(last);
    }
    if (this.#closed || (parcel.header.rows > 0 && this.#bytes + size > this.#maxBytes)) return false;
    this.#bytes += size;
    this.#parcels.push(parcel);
    if (!this.#running) void this.#pump();
    return true;
  }

  /** Forgets what waits for a subject that nobody reads any more. */
  withdraw(subject: string): void {
    for (const parcel of this.#parcels.filter((one) => one.subject === subject)) this.#remove(parcel);
  }

  /** Waits until nothing waits to be sent, but not longer than so many ms. */
  async drained(ms: number): Promise<void> {
    for (const end = Date.now() + ms; this.#parcels.length > 0 && Date.now() < end;) await delay(20);
  }

  close(): void {
    this.#closed = true;
    this.#parcels.length = 0;
  }

  #remove(parcel: Parcel): void {
    const at = this.#parcels.indexOf(parcel);
    if (at < 0) return; // it was withdrawn
    this.#parcels.splice(at, 1);
    this.#bytes -= sizeOf(parcel);
  }

  async #pump(): Promise<void> {
    this.#running = true;
    while (this.#parcels.length > 0 && !this.#closed) {
      const next = performance.now() + GATHER_MS;
      for (const subject of new Set(this.#parcels.map((one) => one.subject))) await this.#sendSome(subject);
      const rows = this.#parcels.reduce((sum, { header }) => sum + header.rows, 0);
      if (rows < MOST_ROWS && !this.#closed) await delay(Math.max(0, next - performance.now()));
    }
    this.#running = false;
  }

  async #sendSome(subject: string): Promise<void> {
    const parcels = this.#next(subject);
    if (parcels.length === 0) return; // they were withdrawn
    for (const message of await this.#messages(merged(parcels))) await this.#send(message);
    for (const parcel of parcels) this.#remove(parcel);
    await this.#pace.rest();
  }

  /** What waits for a subject, as much of it as one message may have. */
  #next(subject: string): Parcel[] {
    const taken: Parcel[] = [];
    let rows = 0;
    for (const parcel of this.#parcels) {
      if (parcel.subject !== subject) continue;
      if ((rows += parcel.header.rows) > MOST_ROWS && taken.length > 0) break;
      taken.push(parcel);
    }
    return taken;
  }

  /** A parcel in as many messages as the server's limit makes of it. */
  async #messages(parcel: Parcel): Promise<Message[]> {
    const { table, header } = parcel;
    if (header.rows <= MOST_ROWS) {
      const bytes = await packTable(table);
      if (bytes.length <= this.#maxPayload || header.rows < 2) return [{ ...parcel, bytes }];
    }
    const half = header.rows >> 1;
    const part = (from: number, to: number): Parcel => ({
      ...parcel,
      table: table.slice(from, to).reify(),
      header: { ...header, first: header.first + from, rows: to - from },
    });
    return [...(await this.#messages(part(0, half))), ...(await this.#messages(part(half, header.rows)))];
  }

  async #send({ subject, header, bytes }: Message): Promise<void> {
    const options = { msgID: `${subject}.${++this.#number}`, headers: headers(), timeout: 5000 };
    options.headers.set(HEADER_NAME, JSON.stringify(header));
    while (!this.#closed) {
      try {
        await this.#stream.publish(subject, bytes, options); // it keeps one of those with the same msgID
        return;
      } catch {
        await delay(200);
      }
    }
  }
}

const sizeOf = ({ table, header }: Parcel): number => 256 + header.rows * table.numCols() * 8;

/** Parcels of one feed as one: it tells what the last of them tells, and is as old as the first. */
function merged(parcels: readonly Parcel[]): Parcel {
  const [first, last] = [parcels[0]!, parcels.at(-1)!];
  if (first === last) return first;
  const rows = parcels.reduce((sum, { header }) => sum + header.rows, 0);
  const { first: number, sent_ns, wall_ms } = first.header;
  return {
    subject: first.subject,
    table: concatTables(parcels.map(({ table }) => table)),
    header: { ...last.header, first: number, rows, sent_ns, wall_ms },
  };
}
