import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { execa } from "execa";
import { ArgumentError, bpf, type BpfMap, type BpfObject, type BpfProgram } from "../../dist/api/index.js";
import { loadCorpus } from "../corpus/corpus.js";

describe("maps of every kind", () => {
  let object: BpfObject;
  const map = (name: string): BpfMap => object.maps[name]!;
  const program = (name: string): BpfProgram => object.programs[name]!;
  const run = (name: string, globals: Record<string, unknown> = {}): number => {
    Object.assign(object.globals, globals);
    return program(name).testRun().retval;
  };
  before(async () => {
    object = await loadCorpus("map_kinds");
  });
  after(() => bpf.closeAll());

  test("array of maps: set by a map, read as its id", () => {
    assert.equal(run("through_index", { slot: 0, key: 5 }), 0);
    assert.deepEqual(map("first").entries(), [[1, 5]]);
    map("by_index").set(1, map("second").fd);
    assert.equal(run("through_index", { slot: 1, key: 6 }), 0);
    assert.deepEqual(map("second").entries(), [[1, 6]]);
    const ids = map("by_index").entries();
    assert.equal(ids.length, 2);
    assert.ok(ids.every(([, id]) => typeof id === "number" && id > 0));
  });

  test("hash of maps", () => {
    map("first").set(1, 42);
    assert.equal(run("through_key", { key: 9 }), 0);
    map("by_key").set(9, map("first").fd);
    assert.equal(run("through_key", { key: 9 }), 42);
    assert.deepEqual(map("by_key").keys(), [9]);
    assert.equal(map("by_key").delete(9), true);
    assert.equal(run("through_key", { key: 9 }), 0);
  });

  test("program array: tail calls set from TypeScript", () => {
    assert.equal(run("start", { slot: 2 }), 1);
    map("jumps").set(2, program("target").fd);
    assert.equal(run("start"), 77);
    assert.equal(map("jumps").get(2), program("target").id);
    assert.equal(map("jumps").delete(2), true);
    assert.equal(run("start"), 1);
  });

  test("bloom filter", () => {
    map("seen").push(7n);
    assert.equal(map("seen").has(7), true);
    assert.equal(map("seen").has(8), false);
    assert.equal(run("is_seen", { key: 7 }), 1);
    assert.equal(run("is_seen", { key: 8 }), 0);
  });

  test("task storage by process id, and stacks as addresses", async () => {
    object.globals["slot"] = process.pid;
    await program("note").attach();
    for (let i = 0; i < 5; i++) void process.ppid; // asks the kernel each time
    object.detach();
    assert.equal(map("of_task").get(process.pid), 5);
    map("of_task").set(process.pid, 100);
    assert.equal(map("of_task").get(process.pid), 100);
    assert.equal(map("of_task").delete(process.pid), true);
    assert.equal(map("of_task").has(process.pid), false);
    assert.throws(
      () => map("of_task").get(2 ** 22 + 1),
      (error: unknown) => error instanceof ArgumentError && /there is no process 4194305/.test(error.message),
    );
    const stacks = map("stacks").entries() as [number, (number | bigint)[]][];
    assert.ok(stacks.length >= 1);
    for (const [id, frames] of stacks) {
      assert.equal(frames.length, 20);
      assert.ok(frames[0]! > 0);
      assert.deepEqual(map("stacks").get(id), frames);
    }
  });

  test("cgroup storage by directory", async () => {
    const { stdout } = await execa("findmnt", ["-n", "-o", "TARGET", "-t", "cgroup2"], { reject: false });
    const directory = stdout.split("\n")[0] || undefined;
    if (directory === undefined) {
      assert.throws(() => map("of_cgroup").get("/nowhere"), /there is no file \/nowhere/);
      return;
    }
    assert.equal(map("of_cgroup").get(directory), undefined);
    map("of_cgroup").set(directory, 3);
    assert.equal(map("of_cgroup").get(directory), 3);
    assert.equal(map("of_cgroup").delete(directory), true);
  });

  test("maps of devices and CPUs", () => {
    map("devices").set(0, 1); // the loopback interface
    assert.deepEqual(map("devices").entries(), [[0, 1]]);
    map("cpus").set(0, 192);
    assert.equal(map("cpus").get(0), 192);
    assert.equal(map("cpus").delete(0), true);
  });

  test("user ring buffer: records for a program that drains it", () => {
    map("asks").push({ times: 3, by: 2 ** 40 });
    map("asks").push({ times: 1, by: 5n });
    map("raw_asks").push(Buffer.from(Uint32Array.of(2, 0, 50, 0).buffer));
    assert.equal(run("drain", { key: 0 }), 3);
    assert.equal(object.globals["key"], 3 * 2 ** 40 + 105);
    assert.equal(run("drain"), 0);
    assert.throws(() => map("asks").push({ time: 1 }), /has no field "time"/);
    assert.throws(() => map("raw_asks").push("text"), /does not say what its value is/);
    assert.throws(() => map("raw_asks").push(Buffer.alloc(4096)), /is at most 4088 bytes long: the ring has 4096\./);
    assert.throws(() => {
      for (let i = 0; i < 500; i++) map("asks").push({ times: i, by: 1 });
    }, /The user ring buffer .*asks is full: no program has taken out/);
    assert.ok(run("drain") > 100);
  });

  test("what a kind cannot do is an error that says what it can", () => {
    const mistakes: [() => unknown, RegExp][] = [
      [
        () => map("of_task").entries(),
        /has no entries: it is of type task_storage\.\nIt keeps a value for each process/,
      ],
      [() => map("jumps").push(1), /has no push: it is of type prog_array\.\nMaps of this type have get, has, set/],
      [() => map("seen").get(1), /has no get: it is of type bloom_filter/],
      [() => map("of_cgroup").get(null), /expected a path, got null/],
    ];
    for (const [act, message] of mistakes)
      assert.throws(
        act,
        (error: unknown) => error instanceof ArgumentError && (assert.match(error.message, message), true),
      );
  });

  test("maps whose values are descriptors are tables of ids", () => {
    map("by_index").set(0, map("first").fd);
    const id = map("by_index").get(0) as number;
    assert.deepEqual(map("by_index").table().slice(0, 1).objects(), [{ key: 0, value: id }]);
    assert.throws(() => map("by_index").set(1, 0), /\nThe value is the fd of a map\.$/);
  });
});
