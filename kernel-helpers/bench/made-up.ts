import { DictionaryColumn } from "../dist/streams/event-columns.js";

/** Commands, the most frequent first. */
export const commands = ["dd", "nginx", "postgres", "node", "redis-server", "sshd", "systemd", "kworker/0:1"];

/** Writes that nobody made, in the columns in which a stream delivers them. */
export interface MadeUpWrites {
  start_ns: Float64Array;
  duration_ns: Float64Array;
  comm: DictionaryColumn;
}

/** So many of them, the same on every run: a write a microsecond, lasting log-normally, longer the rarer its command. */
export function madeUpWrites(rows: number): MadeUpWrites {
  const next = random();
  const writes = {
    start_ns: new Float64Array(rows),
    duration_ns: new Float64Array(rows),
    comm: new DictionaryColumn(new Uint32Array(rows), commands),
  };
  let now = 3_600e9;
  for (let i = 0; i < rows; i++) {
    const code = Math.floor(next() ** 2 * commands.length);
    now += Math.round(-1000 * Math.log(1 - next()));
    const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
    writes.start_ns[i] = now;
    writes.duration_ns[i] = Math.round(500 * (code + 1) * Math.exp(1.2 * normal));
    writes.comm.codes[i] = code;
  }
  return writes;
}

/** Marsaglia's xorshift32, from 0 to 1. */
function random(): () => number {
  let state = 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
