import assert from "node:assert/strict";
import { test } from "node:test";
import { table as makeTable } from "arquero";
import { ArgumentError } from "../../dist/base/errors.js";
import { DictionaryColumn } from "../../dist/streams/event-columns.js";
import { captureOf } from "../../dist/streams/capture.js";
import { sizeClasses, withSizeClass } from "../../dist/tables/sizes.js";
import { captured, writes } from "./events.js";

test("each size is in the class that its name says, at both ends of it", () => {
  const cases: [bytes: number, name: string][] = [
    [-11, "failed"],
    [-1, "failed"],
    [0, "0 B"],
    [1, "1 to <16 B"],
    [15, "1 to <16 B"],
    [16, "16 to <256 B"],
    [255, "16 to <256 B"],
    [256, "256 B to <4 KiB"],
    [4095, "256 B to <4 KiB"],
    [4096, "4 to <64 KiB"],
    [65535, "4 to <64 KiB"],
    [65536, "64 KiB to <1 MiB"],
    [1048575, "64 KiB to <1 MiB"],
    [1048576, "1 MiB or more"],
    [0x7ffff000, "1 MiB or more"],
  ];
  const table = withSizeClass(makeTable({ ret: Int32Array.from(cases, ([bytes]) => bytes) }));
  assert.deepEqual(
    table.array("size_class"),
    cases.map(([, name]) => name),
  );
  assert.deepEqual([...new Set(cases.map(([, name]) => name))], sizeClasses);
});

test("the class is stored as a code a row, the filter is kept, and so is the account", () => {
  const table = withSizeClass(
    captured(writes(90), 4).filter((write: { fd: number }) => write.fd === 0),
    { size: "count" },
  );
  assert.equal(table.numRows(), 30);
  assert.ok(table.column("size_class") instanceof DictionaryColumn);
  assert.equal(captureOf(table)?.lost, 4);
});

test("a column that is not there, or holds text, is refused", () => {
  assert.throws(
    () => withSizeClass(writes(3)),
    (error: Error) => error instanceof ArgumentError && /no column "ret"/.test(error.message),
  );
  assert.throws(() => withSizeClass(writes(3), { size: "comm" }), /needs numbers/);
});
