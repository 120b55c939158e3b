/** Tables of made-up events, the same on every run: no test here needs a kernel. */
import { type ColumnTable, table as makeTable } from "arquero";
import { DictionaryColumn } from "../../dist/streams/event-columns.js";
import { markCapture } from "../../dist/streams/capture.js";

/** Numbers from 0 to 1 that only depend on the seed (Marsaglia's xorshift32). */
export function random(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** A column of text as streams make them; it counts how often a value was asked for by row. */
export class Words extends DictionaryColumn {
  reads = 0;

  constructor(dictionary: string[], codes: ArrayLike<number>) {
    super(Uint32Array.from(codes), dictionary);
  }

  override at(row: number): string | undefined {
    this.reads++;
    return super.at(row);
  }
}

export const commands = ["dd", "nginx", "postgres", "node"];

/** Writes in the shape of `struct rb_event`: log-normal durations, a command slower than the one before it. */
export function writes(rows: number, names: string[] = commands): ColumnTable {
  const next = random(rows + names.length);
  const start = new Float64Array(rows);
  const duration = new Float64Array(rows);
  const pid = new Uint32Array(rows);
  const fd = new Int32Array(rows);
  const count = new Float64Array(rows);
  const codes = new Uint32Array(rows);
  let now = 3_600e9;
  for (let i = 0; i < rows; i++) {
    const code = Math.floor(next() ** 2 * names.length);
    now += Math.round(-Math.log(1 - next()) * (2e9 / rows));
    start[i] = now;
    duration[i] = Math.round(
      500 * (code + 1) * Math.exp(1.2 * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())),
    );
    pid[i] = 1000 + code;
    fd[i] = i % 3;
    count[i] = 2 ** Math.floor(next() * 12);
    codes[i] = code;
  }
  return makeTable({ start_ns: start, duration_ns: duration, pid, fd, count, comm: new Words(names, codes) });
}

/** The same, as one capture with a fixed start, so that charts of it say the same on every run. */
export function captured(table: ColumnTable, lost = 0, dropped = 0): ColumnTable {
  const startedAt = Date.UTC(2026, 0, 2, 3, 4, 5);
  return markCapture(table, {
    source: "ringbuf.rb",
    rows: table.numRows(),
    lost,
    dropped,
    startedAt,
    endedAt: startedAt + 2000,
  });
}
