import { table, type ColumnTable } from "arquero";
import { native } from "../base/native.js";

/** What a run of ping came to. Times are in nanoseconds. */
export interface PingResult {
  /** Echo requests sent. */
  sent: number;
  /** Echo replies received. */
  received: number;
  /** The share of requests without a reply, in per cent. */
  lossPercent: number;
  /** From the first request to the last packet, sent or received, in whole milliseconds as ping tells it. */
  duration_ns: number;
  /** Of the replies; undefined when there was none. */
  rtt: { min_ns: number; mean_ns: number; max_ns: number } | undefined;
  /** One row a reply: `time_ns` (CLOCK_MONOTONIC, when it came), `seq` and `rtt_ns`. Empty for a flood, which prints none. */
  replies: ColumnTable;
}

const reply = /^\[(\d+\.\d+)\] \d+ bytes from .*?icmp_seq=(\d+) .*?time=([\d.]+) ms/gm;
const counts = /(\d+) packets transmitted, (\d+) received/;
const duration = /packet loss, time (\d+)ms/;
const times = /^rtt min\/avg\/max\/mdev = ([\d.]+)\/([\d.]+)\/([\d.]+)\//m;

/** Reads what iputils' ping printed in the C locale. */
export function parsePing(text: string): PingResult {
  const [sent, received] = counts.exec(text)?.slice(1).map(Number) ?? [0, 0];
  const [min_ns, mean_ns, max_ns] =
    times
      .exec(text)
      ?.slice(1)
      .map((ms) => Number(ms) * 1e6) ?? [];
  const rows = [...text.matchAll(reply)].map((match) => match.slice(1).map(Number) as [number, number, number]);
  // ping tells wall time; events of BPF programs carry the monotonic clock.
  const offset = native.clock_monotonic() - Date.now() * 1e6;
  return {
    sent: sent!,
    received: received!,
    lossPercent: sent ? (100 * (sent - received!)) / sent : 0,
    duration_ns: Number(duration.exec(text)?.[1] ?? 0) * 1e6,
    rtt: max_ns === undefined ? undefined : { min_ns: min_ns!, mean_ns: mean_ns!, max_ns },
    replies: table({
      time_ns: Float64Array.from(rows, ([at]) => at * 1e9 + offset),
      seq: Uint32Array.from(rows, ([, seq]) => seq),
      rtt_ns: Float64Array.from(rows, ([, , ms]) => Math.round(ms * 1e6)),
    }),
  };
}
