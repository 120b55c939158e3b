import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ConsumerMessages, DeliverPolicy, type JetStreamClient, type JsMsg } from "@nats-io/jetstream";
import type { ColumnTable } from "arquero";
import { ArgumentError } from "../base/errors.js";
import { ownDirectory } from "../base/own-directory.js";
import { markCapture, withColumns } from "../streams/capture.js";
import { provenance } from "../streams/clock.js";
import { concatTables } from "../streams/concat-tables.js";
import { TimestampColumn } from "../streams/file-columns.js";
import { save } from "../tables/capture-file.js";
import { replaceFile } from "../tables/replace-file.js";
import { alignTimes, type HostClock, isTime } from "./host-clock.js";
import { offsetOf } from "./past.js";
import { unpackMessage } from "./payload.js";
import { type FeedHeader, hostOf, STREAM_NAME } from "./protocol.js";

/** What waits to be written into one file: events of one ring, host and hour. */
interface Part {
  folder: string;
  source: string;
  host: string;
  tables: ColumnTable[];
  first: number;
  last: number;
  lost: number | undefined;
  dropped: number;
  startedAt: number;
  endedAt: number;
}

/** Rows that wait at most: then they are written, though it be early. */
const MOST_ROWS = 1_000_000;

/**
 * Keeps what agents send for longer than the server does, in Parquet files: `RING/host=NAME/hour=2026-11-26T03/FIRST-LAST.parquet`,
 * where FIRST and LAST are the sequence numbers of JetStream. A file `position` says until which all is written: whoever
 * keeps in the directory next goes on from there, so that nothing is kept twice or missed while the server holds it.
 */
export class Keeper {
  readonly #directory: string;
  readonly #clockOf: (host: string) => HostClock | undefined;
  readonly #parts = new Map<string, Part>();
  /** The last header of each feed that was taken. */
  readonly #headers = new Map<string, FeedHeader>();
  /** The columns of each ring, as a table without rows: the file of a loss while no row came has them. */
  readonly #columns = new Map<string, ColumnTable>();
  #messages: ConsumerMessages | undefined;
  #position = 0;
  #rows = 0;
  #written = 0;
  #queue: Promise<void> = Promise.resolve();

  /** @throws BpflabError for a directory that others can write to; ArgumentError for a URL */
  constructor(directory: string, clockOf: (host: string) => HostClock | undefined) {
    if (/^\w+:\/\//.test(directory))
      throw new ArgumentError(`Expected a directory to keep events in, got ${JSON.stringify(directory)}.`, {
        hint: "Mount the bucket of an S3-compatible store (s3fs), and name the directory where it is mounted.",
      });
    this.#directory = ownDirectory(directory);
    this.#clockOf = clockOf;
  }

  /** Rows that are on the disk. */
  get written(): number {
    return this.#written;
  }

  /** @internal */
  async start(stream: JetStreamClient): Promise<void> {
    const text = await readFile(join(this.#directory, "position"), "utf8").catch(() => "0");
    this.#position = Number(/^\d+/.exec(text)?.[0] ?? 0);
    await this.#removeUnfinished();
    const consumer = await stream.consumers.get(STREAM_NAME, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#position + 1,
    });
    this.#messages = await consumer.consume({
      callback: (message) => this.#take(message),
      expires: 10_000,
      idle_heartbeat: 1000,
    });
  }

  /** Files of a write that was cut short: their events come once more. */
  async #removeUnfinished(): Promise<void> {
    for (const file of await readdir(this.#directory, { recursive: true })) {
      const last = /(?:^|\/)\d+-(\d+)\.parquet$/.exec(file)?.[1];
      if (last !== undefined && Number(last) > this.#position) await rm(join(this.#directory, file));
    }
  }

  #take(message: JsMsg): void {
    this.#position = Math.max(this.#position, message.seq);
    const unpacked = unpackMessage(message);
    if (!unpacked) return;
    const { header, table } = unpacked;
    const before = this.#headers.get(message.subject);
    if (before && header.first < before.first + before.rows) return; // it came before
    this.#headers.set(message.subject, header);
    const host = hostOf(message.subject);
    const source = message.subject.split(".").slice(3, 5).join(".");
    const ms = Number(message.timestampNanos / 1_000_000n);
    const folder = join(source, `host=${host}`, `hour=${new Date(ms).toISOString().slice(0, 13)}`);
    const part = this.#parts.get(folder) ?? this.#newPart(folder, source, host, message.seq, ms);
    const gap = header.first - (before ? before.first + before.rows : header.first);
    const since = before ?? (header.first === 0 ? { lost: 0, dropped: 0 } : header);
    part.last = message.seq;
    part.endedAt = ms;
    part.lost =
      part.lost === undefined || header.lost === undefined ? undefined : part.lost + header.lost - since.lost!;
    part.dropped += header.dropped - since.dropped + gap;
    if (header.rows > 0) part.tables.push(this.#timed(table, header, host));
    else if (table.numCols() > 0) this.#columns.set(source, this.#timed(table, header, host)); // a witness's have none
    if ((this.#rows += header.rows) >= MOST_ROWS) void this.flush().catch(() => {}); // the next one fails, too, and tells
  }

  #newPart(folder: string, source: string, host: string, first: number, ms: number): Part {
    const counts = { lost: 0, dropped: 0, startedAt: ms, endedAt: ms };
    const part: Part = { folder, source, host, tables: [], first, last: first, ...counts };
    this.#parts.set(folder, part);
    return part;
  }

  /** With a column `time` for its first column of times: the time of day, which outlasts a boot. */
  #timed(table: ColumnTable, header: FeedHeader, host: string): ColumnTable {
    const aligned = alignTimes(table, offsetOf(header, this.#clockOf(host)));
    const name = aligned.columnNames().find(isTime);
    if (name === undefined || aligned.columnNames().includes("time")) return aligned;
    const offset = BigInt(Math.round(provenance().clockOffset_ms * 1e6));
    const moments = BigInt64Array.from(aligned.array(name) as number[], (time) => BigInt(time) + offset);
    const columns = aligned.columnNames().map((one) => [one, aligned.column(one) as unknown] as const);
    return withColumns(aligned, { time: new TimestampColumn(moments, "ns", true), ...Object.fromEntries(columns) });
  }

  /** Writes what waits. @throws BpflabError when the disk is full: what was not written comes again at the next start */
  flush(): Promise<void> {
    const turn = this.#queue.then(() => this.#flush());
    this.#queue = turn.catch(() => {});
    return turn;
  }

  async #flush(): Promise<void> {
    const [parts, position] = [[...this.#parts.values()], this.#position];
    this.#parts.clear();
    this.#rows = 0;
    for (const { folder, source, host, tables, first, last, ...counts } of parts) {
      const table = tables.length > 0 ? concatTables(tables) : this.#columns.get(source);
      if (!table || (tables.length === 0 && !counts.lost && counts.dropped === 0)) continue;
      this.#columns.set(source, table.slice(0, 0).reify());
      await mkdir(join(this.#directory, folder), { recursive: true, mode: 0o700 });
      const capture = { ...provenance(), ...counts, source, host, rows: table.numRows() };
      await save(markCapture(table, capture), join(this.#directory, folder, `${first}-${last}.parquet`));
      this.#written += table.numRows();
    }
    await replaceFile(join(this.#directory, "position"), (aside) => writeFile(aside, `${position}\n`));
  }

  /** Writes what waits, and ends. */
  async close(): Promise<void> {
    await this.#messages?.close();
    await this.flush();
  }
}
