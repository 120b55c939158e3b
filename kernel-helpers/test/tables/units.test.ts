import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  counted,
  formatNumber,
  formatTime,
  heading,
  isIdentifier,
  isTimestamp,
  percentileOf,
  significant,
  supports,
  unitOf,
} from "../../dist/tables/units.js";

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
    const named = ["pid", "task.tgid", "parent_pid", "fd", "dport", "errno", "cgroup", "cgroup_id", "saddr", "inode", "prev_tid", "srcPort"]; // prettier-ignore
    assert.deepEqual(named.filter(isIdentifier), named);
    const amounts = ["count", "rapid", "duration_ns", "ports", "report", "read_bytes", "rx_packets", "value"];
    assert.deepEqual(amounts.filter(isIdentifier), []);
  });

  it("knows a percentile by its name, and how many events it takes", () => {
    assert.deepEqual(
      ["p50_ns", "p999_ns", "p99.9", "p5", "lat.p99_us", "max_ns", "pid", "p99_est_ns"].map(percentileOf),
      [500, 999, 999, 50, 990, undefined, undefined, undefined],
    );
    assert.deepEqual(["p999_ns", "p50_ns", "duration_ns", "count", "p9999_est_us"].map(heading), [
      "p99.9",
      "p50",
      "duration",
      "count",
      "p99.99_est",
    ]);
    assert.deepEqual(
      [
        [64, 999],
        [999, 999],
        [1000, 999],
        [99, 990],
        [100, 990],
        [1, 500],
        [2, 500],
        [99, 10],
        [100, 10],
      ].map(([n, p]) => supports(n!, p!)),
      [false, false, true, false, true, false, true, false, true],
    );
  });

  it("writes three digits, and all before the point", () => {
    assert.deepEqual([0.123456, 12.345, 123.456, 1234567.8, -0.00012345, NaN].map(significant), [
      "0.123",
      "12.3",
      "123",
      "1,234,568",
      "-0.000123",
      "NaN",
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
