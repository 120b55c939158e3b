import { native } from "../base/native.js";

/**
 * The wall-clock time of a kernel time stamp.
 *
 * The offset between the two clocks is read at each call: wall time may be set or slewed,
 * so a time stamp from long ago is off by as much as the clock was moved since.
 *
 * @param time_ns CLOCK_MONOTONIC, ns, as bpf_ktime_get_ns() returns it
 * @example
 * toDate(writes.get("start_ns", 0)).toISOString()
 */
export function toDate(time_ns: number): Date {
  return new Date(Date.now() - (native.clock_monotonic() - time_ns) / 1e6);
}
