import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { counted, formatNumber, formatTime, isIdentifier, isTimestamp, unitOf } from "../../dist/tables/units.js";

describe("units", () => {
  it("reads the unit off a name's end", () => {
    assert.deepEqual(["duration_ns", "wait_us", "rtt_ms", "age_s", "read_bytes", "count", "ns", "maps"].map(unitOf), [
      "ns",
      "us",
      "ms",
      "s",
      "bytes",
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("tells points in time from lengths of time, and names from amounts", () => {
    assert.deepEqual(
      [
        "start_ns",
        "req.start_ns",
        "timestamp_ns",
        "time_ns",
        "first_ns",
        "duration_ns",
        "run_time_ns",
        "restart_ns",
      ].map(isTimestamp),
      [true, true, true, true, true, false, false, false],
    );
    assert.deepEqual(["pid", "task.tgid", "parent_pid", "fd", "count", "rapid"].map(isIdentifier), [
      true,
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it("writes times in the unit that suits them", () => {
    assert.deepEqual([0, 1, 999, 999.9, 1234, 1e6, 999_999, 1.5e9, 7.2e12, -2500, NaN].map(formatTime), [
      "0 ns",
      "1 ns",
      "999 ns",
      "1 µs",
      "1.23 µs",
      "1 ms",
      "1 ms",
      "1.5 s",
      "7,200 s",
      "-2.5 µs",
      "NaN",
    ]);
  });

  it("writes numbers with separators and fractions short", () => {
    assert.deepEqual([1234567, 0.000123456, 1.23456, -0.5, 10n ** 18n, Infinity].map(formatNumber), [
      "1,234,567",
      "0.0001235",
      "1.235",
      "-0.5",
      "1,000,000,000,000,000,000",
      "Infinity",
    ]);
    assert.deepEqual([counted(0, "row"), counted(1, "row"), counted(1000, "row")], ["0 rows", "1 row", "1,000 rows"]);
  });
});
