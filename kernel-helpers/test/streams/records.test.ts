import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ArgumentError, bpf, captureOf, collect, type BpfObject } from "../../dist/api/index.js";
import type { EventsOptions } from "../../dist/streams/events.js";
import { loadCorpus } from "../corpus/corpus.js";

describe("records of rings that do not say what they carry", () => {
  let object: BpfObject;
  before(async () => {
    object = await loadCorpus("ring_records");
  });
  after(() => bpf.closeAll());

  /** What comes of one run of a program for each of these numbers. */
  const rows = async (ring: string, program: string, numbers: number[], options: EventsOptions = {}) =>
    (await gather(ring, program, numbers, options)).objects() as Record<string, unknown>[];
  const gather = (ring: string, program: string, numbers: number[], options: EventsOptions = {}) =>
    collect(object.events(ring, options), {
      until: async () => {
        for (const number of numbers) {
          object.globals["number"] = number;
          assert.equal(object.programs[program]!.testRun().retval, 0);
        }
      },
    });

  for (const [ring, program] of [
    ["reserved", "reserve"],
    ["copied", "copy"],
    ["heap_made", "from_heap"],
  ] as const) {
    test(`${ring}: the type that the call is given`, async () => {
      const [first, second, ...more] = await rows(ring, program, [3, 2 ** 40]);
      const comm = first!["comm"] as string;
      assert.ok(comm.length > 0);
      const event = { pid: process.pid, comm, "grid.0": Int16Array.of(0, 1, 2), "grid.1": Int16Array.of(3, 4, 5) };
      assert.deepEqual(first, { number: 3, ...event, low: 5, high: 77 });
      assert.deepEqual(second, { number: 2 ** 40, ...event, low: 5, high: 77 });
      assert.deepEqual(more, []);
    });
  }

  test("a number alone is a record", async () => {
    assert.deepEqual(await rows("numbers", "count", [1, 2 ** 33]), [{ value: 1 }, { value: 2 ** 33 }]);
    const [row] = await rows("numbers", "count", [5], { bigint: ["value"] });
    assert.deepEqual(row, { value: 5n });
  });

  test("__type(value, …) on the map", async () => {
    assert.deepEqual(await rows("typed", "say", [9]), [{ a: 9, b: 0, c: 0 }]);
  });

  test("several types told apart by their lengths", async () => {
    assert.deepEqual(await rows("by_length", "two_lengths", [1, 2, 3]), [
      { record: "small", a: 1, b: undefined, c: undefined },
      { record: "large", a: 2, b: 2, c: 3 },
      { record: "small", a: 3, b: undefined, c: undefined },
    ]);
    const named = await rows("by_length", "two_lengths", [4], { records: ["large", "small"] });
    assert.deepEqual(named, [{ record: "large", a: 4, b: 2, c: 3 }]);
  });

  test("several types told apart by a field, by number or label", async () => {
    object.globals["words"] = "/etc/passwd";
    const ways: { field: string; [value: string]: string }[] = [
      { field: "kind", 1: "opened", 2: "closed" },
      { field: "kind", OPENED: "opened", CLOSED: "closed" },
    ];
    for (const records of ways) {
      const [opened, closed] = await rows("by_tag", "tagged", [1, 2], { records });
      const none = { lived_ns: undefined, bytes: undefined, more: undefined };
      assert.deepEqual(opened, { record: "opened", kind: "OPENED", fd: 1, path: "/etc/passwd", ...none });
      const more = Float64Array.of(0, 0);
      const all = { record: "closed", kind: "CLOSED", fd: 2, path: undefined, lived_ns: 20, bytes: 7, more };
      assert.deepEqual(closed, all);
    }
  });

  test("a record whose tag is none of those is left out, counted and said", async () => {
    const table = await gather("by_tag", "tagged", [1, 2, 3], { records: { field: "kind", 1: "opened" } });
    assert.equal(table.numRows(), 2);
    assert.equal(captureOf(table)?.malformed?.records, 1);
  });

  test("the array at the end is as long as the record", async () => {
    object.globals["words"] = "0123456789abcdef, and more";
    assert.deepEqual(await rows("lines", "flexible", [7]), [{ number: 7, length: 16, text: "0123456789abcdef" }]);
    const [shape] = await rows("shapes", "draw", [0]);
    assert.deepEqual(shape!["at"], [
      { x: 0, y: 0 },
      { x: 1, y: -1 },
      { x: 2, y: -2 },
    ]);
  });

  test("an argument vector, whose text goes on behind its NULs", async () => {
    object.globals["words"] = "ls\0-l\0/tmp\0";
    object.globals["length"] = 11;
    const [short] = await rows("arguments", "run", [0]);
    assert.deepEqual(short, { pid: process.pid, size: 11, text: "ls" });
    const [long] = await rows("arguments", "run", [0], { bytes: ["text"] });
    assert.equal(Buffer.from(long!["text.bytes"] as Uint8Array).toString(), "ls\0-l\0/tmp\0");
  });

  test("bytes where nothing is known, or where they are asked for", async () => {
    object.globals["words"] = "abcde";
    const [raw] = await rows("nothing_known", "anything", [0]);
    assert.deepEqual(raw, { bytes: new Uint8Array(Buffer.from("abcde")) });
    const [asked] = await rows("numbers", "count", [0x0102], { record: "bytes" });
    assert.deepEqual([...(asked!["bytes"] as Uint8Array)], [2, 1, 0, 0, 0, 0, 0, 0]);
  });

  test("a record of another length than its type's is in no row, and counted", async () => {
    object.globals["length"] = 0;
    const options = { record: "large" };
    const whole = await gather("ragged", "odd_length", [1, 2], options);
    assert.equal(whole.numRows(), 2);
    assert.equal(captureOf(whole)?.malformed, undefined);
    object.globals["length"] = 12;
    const table = await gather("ragged", "odd_length", [1, 2, 3], options);
    assert.equal(table.numRows(), 0);
    const { malformed, lost } = captureOf(table)!;
    assert.deepEqual(malformed, { records: 3, because: "large has 16 bytes, the last of these has 12" });
    assert.equal(lost, undefined, "nobody counts what such a ring loses");
    const totals = object.totals("ragged");
    assert.deepEqual([totals.delivered, totals.malformed, totals.lost], [2, 3, undefined]);
    object.globals["length"] = 0;
  });

  test("mistakes in naming types are errors that say what there is", () => {
    const mistakes: [string, EventsOptions, RegExp][] = [
      ["reserved", { record: "evnt" }, /^ring_records has no struct evnt\./],
      ["by_tag", { records: { field: "fnord", 1: "opened" } }, /opened has no integer field "fnord"\.\nIt has: kind/],
      [
        "by_tag",
        { records: { field: "kind", OPEN: "opened" } },
        /OPEN is neither a number nor a label of opened\.kind/,
      ],
      ["by_tag", { records: ["opened", "event", "opened"] }, /the length of a record does not tell/],
      ["by_tag", { records: { field: "kind" } }, /^records: expected for example/],
      ["reserved", { record: "event", records: ["event"] }, /not both/],
      ["reserved", { bytes: ["pid"] }, /has no text column "pid"\.\nIt has: comm\./],
      ["reserved", { recrd: "event" } as EventsOptions, /^events takes no option "recrd"/],
      ["heap", {}, /^ring_records has no ring buffer "heap"/],
    ];
    for (const [ring, options, message] of mistakes)
      assert.throws(
        () => object.events(ring, options),
        (error: unknown) => error instanceof ArgumentError && (assert.match(error.message, message), true),
      );
  });
});
