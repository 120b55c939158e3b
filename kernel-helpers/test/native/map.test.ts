import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { bpf, type BpfObject } from "../../dist/api/index.js";
import { native } from "../../dist/base/native.js";
import { loadMaps } from "../bpf/maps.js";
import { handleOf } from "../workload/handles.js";

describe("the addon's maps", () => {
  let object: BpfObject;
  before(async () => void (object = await loadMaps("native_maps")));
  after(() => bpf.closeAll());
  const handle = (name: string) => handleOf(object.maps[name]!);
  const u32 = (...values: number[]) => Buffer.from(Uint32Array.from(values).buffer);
  const u64 = (...values: number[]) => Buffer.from(BigUint64Array.from(values.map(BigInt)).buffer);

  test("batches: all keys at one go, those that are gone passed over", () => {
    native.bpf_map_update_batch(handle("tiny"), u32(1, 2, 3), u64(10, 20, 30));
    assert.deepEqual(native.bpf_map_lookup_elem(handle("tiny"), u32(2)), u64(20));
    assert.equal(native.bpf_map_delete_batch(handle("tiny"), u32(9, 1, 8, 7, 3, 6)), 2);
    const { rows, keys, values } = native.map_walk(handle("tiny"), 4096);
    assert.deepEqual([rows, keys, values], [1, u32(2), u64(20)]);
    native.bpf_map_delete_batch(handle("tiny"), u32(2));
    assert.deepEqual(native.map_walk(handle("tiny"), 4096), {
      rows: 0,
      keys: Buffer.alloc(0),
      values: Buffer.alloc(0),
    });
    assert.equal(native.bpf_map_delete_batch(handle("tiny"), Buffer.alloc(0)), 0);
  });

  // One byte is less than an entry: each call reads one bucket, and buckets of two entries need a second try.
  test("walks in one batch, in many small ones and key by key find the same", () => {
    for (const [name, entries] of [
      ["hash", [...Array(500).keys()].map((id) => [{ id }, { count: id }])],
      ["routes", [...Array(200).keys()].map((i) => [{ prefixlen: 32, address: [10, 0, i, 1] }, i])],
      ["shares", [...Array(300).keys()].map((i) => [i, Array(native.libbpf_num_possible_cpus).fill({ count: i })])],
    ] as const) {
      object.maps[name]!.setAll(entries as never);
      const found = [1 << 23, 1000, 1, 0].map((batchBytes) => {
        const { rows, keys, values } = native.map_walk(handle(name), batchBytes);
        return Array.from({ length: rows }, (_, row) =>
          [keys, values]
            .map((bytes) =>
              bytes.subarray((row * bytes.length) / rows, ((row + 1) * bytes.length) / rows).toString("hex"),
            )
            .join(" "),
        ).sort();
      });
      assert.equal(found[0]!.length, entries.length);
      for (const same of found) assert.deepEqual(same, found[0]);
      object.maps[name]!.clear();
    }
  });

  test("records as columns: repeated, and refused where they are not whole", () => {
    const plan = { recordSize: 4, columns: [{ decode: "u32" as const, offset: 0 }] };
    const { rows, buffers, offsets } = native.map_columns(u32(7, 8), plan, 2);
    assert.deepEqual([rows, [...new Uint32Array(buffers[0]!, offsets[0], rows)]], [4, [7, 7, 8, 8]]);
    assert.equal(native.map_columns(Buffer.alloc(0), plan, 1).rows, 0);
    assert.throws(() => native.map_columns(Buffer.alloc(6), plan, 1), {
      name: "TypeError",
      message: "the bytes are not whole records",
    });
    assert.throws(() => native.map_columns(u32(1), plan, 0), { name: "TypeError" });
    assert.throws(() => native.map_columns(u32(1), { recordSize: 4, columns: [{ decode: "u64", offset: 0 }] }, 1), {
      name: "TypeError",
      message: /past the end of the record/,
    });
  });

  test("what would crash is refused", () => {
    assert.throws(() => native.bpf_map_update_batch(handle("pile"), u32(1), u32(1)), {
      name: "TypeError",
      message: "the keys are not whole keys of this map",
    });
    assert.throws(() => native.bpf_map_delete_batch(handle("tiny"), Buffer.alloc(5)), { name: "TypeError" });
    assert.throws(() => native.bpf_map_update_batch(handle("tiny"), u32(1), u32(1)), {
      name: "TypeError",
      message: /^the values takes? 8 bytes, got 4/,
    });
    for (const name of ["pile", "line", "rb"]) assert.throws(() => native.map_walk(handle(name), 4096), /map walk: /);
  });
});
