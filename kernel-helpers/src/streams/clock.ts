import { readFileSync } from "node:fs";
import type { ColumnTable } from "arquero";
import { ArgumentError } from "../base/errors.js";
import { thisMachine } from "../base/machine.js";
import { native } from "../base/native.js";
import type { Capture } from "./account.js";
import { captureOf } from "./capture.js";

/** Where and by which clock a capture was made, as it notes it. */
export type Provenance = Required<Pick<Capture, "host" | "kernel" | "bootId" | "clockOffset_ms">>;

/** This machine, and how its clocks stand to each other now. */
export function provenance(): Provenance {
  return {
    ...thisMachine(),
    bootId: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
    clockOffset_ms: clockOffset(),
  };
}

/** The time of day, ms since 1970, by a clock that is set once, now: where somebody sets the machine's, how long something took stays true. */
export function clockFromNow(): () => number {
  const offset = Date.now() - performance.now();
  return () => Math.round(offset + performance.now());
}

/** What to add to CLOCK_MONOTONIC, in ms, for the time of day. */
const clockOffset = () => Date.now() - native.clock_monotonic() / 1e6;

/**
 * The wall-clock time of a kernel time stamp.
 *
 * The two clocks are compared as they stood when the table was captured, on the machine that captured it. Without a
 * table they are compared now, on this machine; wall time may be set or slewed, so a time stamp from long ago is then
 * off by as much as the clock was moved since.
 *
 * @param time_ns CLOCK_MONOTONIC, ns, as bpf_ktime_get_ns() returns it
 * @param of the table (or its capture) that the time stamp comes from; default: this machine, since it was started
 * @throws ArgumentError for a table that does not say by which clock it was captured, or that comes from several boots
 * @example
 * toDate(writes.get("start_ns", 0), writes).toISOString()
 */
export function toDate(time_ns: number | bigint, of?: ColumnTable | Capture): Date {
  return new Date((of === undefined ? clockOffset() : offsetOf(of)) + Number(time_ns) / 1e6);
}

function offsetOf(of: ColumnTable | Capture): number {
  if (typeof of !== "object" || of === null)
    throw new ArgumentError(`toDate: expected a table or a capture to take the clock from, got ${String(of)}.`);
  const capture = "source" in of ? of : captureOf(of);
  if (!capture)
    throw new ArgumentError("toDate: where this table was captured is not known, so neither is its clock.", {
      hint: "Give the table that collect or capture.open returned, or one made from it by its verbs.",
    });
  const parts = capture.parts ?? [capture];
  if (parts.every(isOfHere)) return clockOffset();
  const [{ bootId, clockOffset_ms }] = parts as [Capture];
  if (parts.some((part) => part.bootId !== bootId))
    throw new ArgumentError("toDate: this table combines captures from several boots, each with its own clock.", {
      hint: "Derive the times of day from each capture before combining them.",
    });
  if (clockOffset_ms === undefined)
    throw new ArgumentError(
      `toDate: the capture ${capture.source} does not record how its clock relates to the time of day.`,
    );
  return clockOffset_ms;
}

/** A capture that says nothing of its machine was made by this process. */
const isOfHere = ({ host, clockOffset_ms }: Capture) => host === undefined && clockOffset_ms === undefined;
