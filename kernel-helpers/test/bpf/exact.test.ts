import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { bpf, type BpfObject } from "../../dist/api/index.js";

const source = `#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";

struct flow { __be32 from; __be16 port; __u16 zone; struct in6_addr to; struct in_addr via; };
struct header { __be32 seq; __be32 ack_seq; __be32 tun_id; __be32 source; __be32 to6[4]; };
struct argv { char text[16]; };
#define HASH(NAME, KEY, VALUE) \\
	struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 16); __type(key, KEY); __type(value, VALUE); } NAME SEC(".maps")
HASH(wide, __u64, __s64);
HASH(widest, unsigned __int128, __int128);
HASH(flows, struct flow, __be16);
HASH(headers, struct header, __be32);
HASH(words, struct argv, __u32);
struct { __uint(type, BPF_MAP_TYPE_PERCPU_HASH); __uint(max_entries, 4); __type(key, __u32); __type(value, __u64); } shares SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __uint(key_size, 6); __uint(value_size, 3); } sized SEC(".maps");

__u64 big = 0xfffffffffffffffeULL;
__s64 low = -0x7fffffffffffffffLL;
char args[12] = "a\\0b\\xff";
int grid[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } };
__be16 port = 0xbb01;
__be32 address = 0x0200c6c6;
__be32 seq = 0x01000000;

SEC("raw_tp")
int nothing(void *ctx)
{
	return grid[1][2] + big + low + args[0] + port + address + seq;
}
`;

describe("what was read is exact, and finds and writes the same again", () => {
  let object: BpfObject;
  before(async () => {
    object = await bpf.load(await bpf.compile(source, { name: "exact" }));
  });
  after(() => bpf.closeAll());

  test("keys and values of 64 bits", () => {
    const { wide } = object.maps;
    const all: [number | bigint, number | bigint][] = [
      [2n ** 64n - 1n, -(2n ** 63n)],
      [2n ** 53n + 1n, 2n ** 63n - 1n],
      [2 ** 53, -(2 ** 53)],
      [7, -7],
    ];
    wide!.setAll(all);
    assert.equal(wide!.entries().length, 4, "none fell together with its neighbour");
    for (const [key, value] of wide!.entries()) assert.equal(wide!.get(key), value);
    assert.deepEqual(new Map(wide!.entries()), new Map(all));
    assert.equal(wide!.delete(2n ** 53n + 1n), true);
    assert.equal(wide!.get(2 ** 53), -(2 ** 53), "the neighbour stays");
  });

  test("keys and values of 128 bits, in tables too", () => {
    const { widest } = object.maps;
    widest!.set(2n ** 128n - 1n, -(2n ** 127n));
    widest!.set(1, -1);
    for (const [key, value] of widest!.entries()) assert.equal(widest!.get(key), value);
    assert.equal(widest!.get(2n ** 128n - 1n), -(2n ** 127n));
    const rows = widest!.table().objects() as { key: bigint; value: bigint }[];
    assert.deepEqual(
      rows.sort((a, b) => (a.key < b.key ? -1 : 1)),
      [
        { key: 1n, value: -1n },
        { key: 2n ** 128n - 1n, value: -(2n ** 127n) },
      ],
    );
  });

  test("sums over the CPUs", () => {
    const { shares } = object.maps;
    const silent = Array.from({ length: shares!.cpus - 1 }, () => 0);
    shares!.set(1, [2n ** 63n + 1n, ...silent]);
    assert.equal(shares!.getSummed(1), 2n ** 63n + 1n);
    if (shares!.cpus < 2) return;
    shares!.set(1, [2 ** 53, 1, ...silent.slice(1)]);
    assert.equal(shares!.getSummed(1), 2n ** 53n + 1n, "two numbers whose sum no number holds");
  });

  test("text that goes on behind a NUL", () => {
    const { words } = object.maps;
    const keys = ["ls", "ls\0-l", "ls\0-l\0\udcff", ""].map((text) => ({ text }));
    keys.forEach((key, i) => words!.set(key, i));
    assert.deepEqual(new Set(words!.keys().map(({ text }) => text)), new Set(keys.map(({ text }) => text)));
    for (const [key, value] of words!.entries()) assert.equal(words!.get(key), value);
  });

  test("maps that give only the size of what they hold", () => {
    const { sized } = object.maps;
    sized!.set(Uint8Array.of(1, 2, 3, 4, 5, 0), Uint8Array.of(7, 8, 9));
    const [[key, value]] = sized!.entries() as [[Uint8Array, Uint8Array]];
    assert.deepEqual([...key], [1, 2, 3, 4, 5, 0]);
    assert.deepEqual([...value], [7, 8, 9]);
    assert.deepEqual(sized!.get(key), value);
    assert.deepEqual([...(sized!.table().get("value", 0) as Uint8Array)], [7, 8, 9]);
  });

  test("ports and addresses as such", () => {
    const { flows } = object.maps;
    const key = { from: "198.18.0.2", port: 443, zone: 443, to: "2001:db8::2", via: "127.0.0.1" };
    flows!.set(key, 53);
    assert.deepEqual(flows!.entries(), [[key, 53]]);
    assert.deepEqual(flows!.table().objects(), [{ ...key, value: 53 }]);
    assert.deepEqual([object.globals["port"], object.globals["address"]], [443, "198.198.0.2"]);
  });

  test("__be32 is a number where its field is called like one, and four of them are an address", () => {
    const { headers } = object.maps;
    const key = { seq: 1, ack_seq: 2 ** 32 - 1, tun_id: 77, source: "10.0.0.1", to6: "2001:db8::2" };
    headers!.set(key, "10.0.0.2");
    assert.deepEqual(headers!.entries(), [[key, "10.0.0.2"]]);
    assert.equal(object.globals["seq"], 1);
    assert.deepEqual(headers!.table().objects(), [{ ...key, value: "10.0.0.2" }]);
  });

  test("a global set to itself stays as it is", () => {
    const { globals } = object;
    const before = { ...globals };
    assert.equal(before["big"], 2n ** 64n - 2n);
    assert.equal(before["low"], -(2n ** 63n) + 1n);
    assert.equal(before["args"], "a\0b\udcff");
    for (const name of Object.keys(globals)) globals[name] = globals[name];
    assert.deepEqual({ ...globals }, before);
  });

  test("arrays of arrays in C's order", () => {
    assert.deepEqual(object.globals["grid"], [
      [1, 2, 3],
      [4, 5, 6],
    ]);
  });
});
