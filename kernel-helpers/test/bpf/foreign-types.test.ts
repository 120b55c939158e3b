/** Types that other people's programs have, as values of maps and globals and in tables and events. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ArgumentError, bpf, type BpfObject } from "../../dist/api/index.js";

const source = `#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";

enum far { NEAR, FAR = 1ULL << 40 };
enum sign { MINUS = -1, PLUS = 1 };
struct record {
	__be64 id;
	__be32 seq[2];
	__be32 hosts[2];
	enum far far;
	enum sign sign : 4;
	int small : 4;
	__u64 rest : 48;
	__u64 whole : 64;
	__u64 wide : 60;
	union { __u32 raw; float real; };
	union { __u32 word; _Bool flag; struct { __u32 low : 8, high : 24; }; } either;
};
struct place { __u32 cpu; __u64 time_ns; };
#define MAP(NAME, TYPE, KEY, VALUE) \\
	struct { __uint(type, BPF_MAP_TYPE_##TYPE); __uint(max_entries, 4); __type(key, KEY); __type(value, VALUE); } NAME SEC(".maps")
MAP(records, HASH, __u32, struct record);
MAP(places, PERCPU_HASH, struct place, __u64);
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); __type(value, struct record); } ring SEC(".maps");
struct trie_key { struct bpf_lpm_trie_key_u8 head; __be32 address; };
struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(max_entries, 4); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, struct trie_key); __type(value, __u32); } trie SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __uint(map_flags, BPF_F_WRONLY); __type(key, __u32); __type(value, __u32); } written SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_STACK_TRACE); __uint(max_entries, 4); __uint(key_size, 4); __uint(value_size, 80); } stacks SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } perf SEC(".maps");
const volatile int tuned SEC(".rodata.mine") = 3;
struct record now;

SEC("raw_tp")
int go(void *ctx)
{
	__u32 key = 1;

	if (tuned == 4)
		return bpf_get_stackid(ctx, &stacks, 0);
	now.id = 0x0500000000000000;
	now.seq[1] = 0x07000000;
	now.hosts[1] = 0x0100007f;
	now.far = FAR;
	now.sign = MINUS;
	now.small = -2;
	now.whole = 9;
	now.wide = (1ULL << 59) + 1;
	now.raw = 0x7fa00001;
	now.either.word = 0x0302;
	bpf_map_update_elem(&records, &key, &now, 0);
	bpf_ringbuf_output(&ring, &now, sizeof(now), 0);
	return 0;
}
`;

const read = {
  id: 5,
  seq: [0, 7],
  hosts: ["0.0.0.0", "127.0.0.1"],
  far: 2 ** 40,
  sign: "MINUS",
  small: -2,
  rest: 0,
  whole: 9,
  wide: 2n ** 59n + 1n,
  raw: 0x7fa00001,
  real: NaN,
  either: { word: 0x0302, flag: true, low: 2, high: 3 },
};

describe("types of other people's programs", () => {
  let object: BpfObject;
  before(async () => {
    object = await bpf.load(await bpf.compile(source, { name: "types" }));
  });
  after(() => bpf.closeAll());

  test("by value, in tables and in events they are the same", async () => {
    const rows: Record<string, unknown>[] = [];
    let inexact = 0;
    const subscription = object.events("ring").subscribe((batch) => {
      inexact += batch.inexact;
      rows.push(...(batch.table.objects() as Record<string, unknown>[]));
    });
    object.programs["go"]!.testRun();
    for (let i = 0; i < 100 && rows.length === 0; i++) await new Promise((resolve) => setTimeout(resolve, 20));
    subscription.unsubscribe();
    assert.deepEqual(object.maps["records"]!.get(1), read);
    const { either, wide, ...others } = read;
    const flat = {
      ...others,
      wide: Number(wide),
      "either.word": either.word,
      "either.flag": true,
      "either.low": 2,
      "either.high": 3,
    };
    const plain = (row: Record<string, unknown>) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [
          name,
          ArrayBuffer.isView(value) ? [...(value as Uint8Array)] : value,
        ]),
      );
    assert.deepEqual(rows.map(plain), [flat]);
    assert.deepEqual(
      object.maps["records"]!.table()
        .objects()
        .map(plain as never),
      [{ key: 1, ...flat }],
    );
    assert.equal(inexact, 1, "the bit field of 60 bits");
    const exact = object.maps["records"]!.table({ bigint: ["id", "far"] }).object(0) as Record<string, unknown>;
    assert.deepEqual([exact["id"], exact["far"]], [5n, 2n ** 40n]);
  });

  test("written, they are as they were", () => {
    const { records } = object.maps;
    records!.set(2, records!.get(1));
    assert.deepEqual(records!.get(2), read);
    object.globals["now"] = { sign: "MINUS", far: 7, id: 2n ** 63n, seq: [1, 2] };
    const { sign, far, id, seq } = object.globals["now"] as typeof read;
    assert.deepEqual({ sign, far, id, seq }, { sign: "MINUS", far: 7, id: 2n ** 63n, seq: [1, 2] });
  });

  test("of members that share memory one can be given, or all alike; a change of one is not lost", () => {
    const { records } = object.maps;
    const value = records!.get(1) as typeof read;
    assert.throws(
      () => records!.set(3, { ...value, either: { ...value.either, word: 5 } }),
      (error) =>
        error instanceof ArgumentError &&
        /records value\.either: word and flag, low and high share memory \(a union\), and what they are given differs\.\nGive word alone, or the others\./.test(
          error.message,
        ),
    );
    assert.throws(() => records!.set(3, { ...value, real: 1.5 }), /real and raw share memory/);
    records!.set(3, { either: { word: 5 }, real: 1.5 });
    const { either, real, raw } = records!.get(3) as typeof read;
    assert.deepEqual([either, real, raw], [{ word: 5, flag: true, low: 5, high: 0 }, 1.5, 0x3fc00000]);
  });

  test("fields of a key that are called like a table's own columns", async () => {
    const { places } = object.maps;
    places!.set(
      { cpu: 7, time_ns: 8 },
      Array.from({ length: places!.cpus }, () => 1),
    );
    const each = places!.table({ cpus: "each" });
    assert.deepEqual(each.columnNames(), ["key.cpu", "time_ns", "cpu", "value"]);
    assert.deepEqual([each.get("key.cpu", 0), each.get("cpu", 0)], [7, 0]);
    const polled = await new Promise<ReturnType<typeof each.slice>>((resolve) => {
      const subscription = places!.poll({ everyMs: 1000 }).subscribe((table) => {
        resolve(table as never);
        setImmediate(() => subscription.unsubscribe());
      });
    });
    assert.deepEqual(polled.columnNames(), ["time_ns", "cpu", "key.time_ns", "value"]);
    assert.equal(polled.get("key.time_ns", 0), 8);
    assert.ok((polled.get("time_ns", 0) as number) > 8);
  });

  test("the prefix of a trie's key may stand in the kernel's own struct", () => {
    const { trie } = object.maps;
    trie!.set({ head: { prefixlen: 8 }, address: "10.0.0.0" }, 5);
    assert.equal(trie!.get({ head: { prefixlen: 32 }, address: "10.1.2.3" }), 5);
    assert.equal(trie!.get({ head: { prefixlen: 32 }, address: "11.1.2.3" }), undefined);
    assert.throws(
      () => trie!.get({ head: { prefixlen: 33 }, address: "10.1.2.3" }),
      /expected an integer from 0 to 32/,
    );
  });

  test("a map says what user space may not do with it, and what to do instead", () => {
    const { written, perf, stacks } = object.maps;
    written!.set(1, 2);
    for (const read of ["get", "entries", "table"] as const)
      assert.throws(
        () => written![read](1 as never),
        /may not read the map types\.written: user space may only write it/,
      );
    assert.equal(written!.delete(1), true);
    assert.throws(() => perf!.table(), /A perf event array is read as a stream: call \.events\(\)/);
    assert.equal(stacks!.get(0), undefined, "its key is a stack's number");
  });

  test("a variable of a section of its own says how it is set", () => {
    assert.throws(
      () => (object.globals["tuned"] = 4),
      /tuned is const volatile: it is fixed when the program is loaded/,
    );
  });
});
