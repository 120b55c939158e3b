import { setTimeout as delay } from "node:timers/promises";
import { type JetStreamClient } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import type { ColumnTable } from "arquero";
import { packTable } from "./payload.js";
import type { FeedHeader } from "./protocol.js";

export interface Parcel {
  subject: string;
  table: ColumnTable;
  header: FeedHeader;
}

interface Message extends Parcel {
  bytes: Uint8Array;
}

/** Under this name a message carries its `FeedHeader`, as JSON. */
export const headerName = "Bpflab-Feed";

/** Rows of a message at most: it must unpack within the bound of who reads it. */
const mostRows = 2 ** 16;

/** What headers and subject take of a message at most. */
const overhead = 4096;

/**
 * What waits to be sent: one message after the other, each again until the server has stored it, so that neither a cut
 * network nor a server that starts anew loses or doubles any. Memory is bounded.
 */
export class Outbox {
  readonly #stream: JetStreamClient;
  readonly #maxPayload: number;
  readonly #maxBytes: number;
  readonly #parcels: Parcel[] = [];
  #bytes = 0;
  #number = 0;
  #running = false;
  #closed = false;

  /**
   * @param maxPayload bytes of a message that the server takes
   * @param maxBytes memory that may wait; an estimate by rows and columns
   */
  constructor(stream: JetStreamClient, maxPayload: number, maxBytes: number) {
    this.#stream = stream;
    this.#maxPayload = maxPayload - overhead;
    this.#maxBytes = maxBytes;
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
    for (let i = this.#parcels.length - 1; i >= 0; i--)
      if (this.#parcels[i]!.subject === subject) this.#bytes -= sizeOf(this.#parcels.splice(i, 1)[0]!);
  }

  close(): void {
    this.#closed = true;
    this.#parcels.length = 0;
  }

  async #pump(): Promise<void> {
    this.#running = true;
    for (let parcel = this.#parcels[0]; parcel && !this.#closed; parcel = this.#parcels[0]) {
      for (const message of await this.#messages(parcel)) await this.#send(message);
      if (this.#parcels[0] !== parcel) continue; // it was withdrawn
      this.#parcels.shift();
      this.#bytes -= sizeOf(parcel);
    }
    this.#running = false;
  }

  /** A parcel in as many messages as the server's limit makes of it. */
  async #messages(parcel: Parcel): Promise<Message[]> {
    const { table, header } = parcel;
    if (header.rows <= mostRows) {
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
    options.headers.set(headerName, JSON.stringify(header));
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
