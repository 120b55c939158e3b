import { after, before, beforeEach } from "node:test";
import { bpf, type BpfObject } from "../../dist/api/index.js";

const source = `#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";

enum color { RED = 1, GREEN = 2 };
struct name { __u32 id; __s16 low; char text[10]; };
struct value { __u64 count; bool on; enum color color; char text[6]; struct { __u32 list[3]; } inner; __u32 id; };
struct share { __u64 count; __s64 least COMBINE(min); __u32 most COMBINE(max); __u32 small; double real; bool on; char text[6]; __u16 list[3]; };
struct prefix { __u32 prefixlen; __u8 address[4]; };

#define MAP(NAME, TYPE, ENTRIES, KEY, VALUE, FLAGS) \\
	struct { __uint(type, BPF_MAP_TYPE_##TYPE); __uint(max_entries, ENTRIES); __type(key, KEY); __type(value, VALUE); __uint(map_flags, FLAGS); } NAME SEC(".maps")
#define QUEUE(NAME, TYPE, ENTRIES, VALUE) \\
	struct { __uint(type, BPF_MAP_TYPE_##TYPE); __uint(max_entries, ENTRIES); __type(value, VALUE); } NAME SEC(".maps")

MAP(hash, HASH, 100000, struct name, struct value, 0);
MAP(tiny, HASH, 4, __u32, __u64, BPF_F_NO_PREALLOC);
MAP(lru, LRU_HASH, 64, __u32, __u64, 0);
MAP(numbers, ARRAY, 16, __u32, __s64, 0);
MAP(shares, PERCPU_HASH, 1000, __u32, struct share, 0);
MAP(lru_shares, LRU_PERCPU_HASH, 64, __u32, __u32, 0);
MAP(slots, PERCPU_ARRAY, 4, __u32, __u32, 0);
MAP(routes, LPM_TRIE, 1000, struct prefix, __u32, BPF_F_NO_PREALLOC);
QUEUE(line, QUEUE, 3, struct value);
QUEUE(pile, STACK, 3, __u32);
RING_BUFFER(rb, struct value, 4096);
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __uint(key_size, 4); __uint(value_size, 4); } untyped SEC(".maps");

__u64 tiny_lost = 0;

SEC("raw_tp")
int nothing(void *ctx)
{
	return 0;
}
`;

/** Values of `shares`, of which `least` and `most` are combined otherwise than by adding. */
export const twoShares = [
  { count: 5, least: -7, most: 9, small: 4_000_000_000, real: 1.5, on: false, text: "", list: [65535, 0, 1] },
  { count: 6, least: 3, most: 2, small: 4_000_000_000, real: 2, on: true, text: "two", list: [1, 0, 1] },
] as const;

/** Maps of all types, each empty, loaded under a name of its own. */
export async function loadMaps(name: string): Promise<BpfObject> {
  return bpf.load(await bpf.compile(source, { name }));
}

/** What `useMaps` loaded. */
export let object: BpfObject;
export let maps: BpfObject["maps"];

/** Loads maps of all types before the tests of a `describe`; each of them finds the maps empty. */
export function useMaps(name: string): void {
  before(async () => {
    object = await loadMaps(name);
    maps = object.maps;
  });
  beforeEach(() => {
    for (const [map, handle] of Object.entries(maps)) if (!["rb", "untyped"].includes(map)) handle.clear();
  });
  after(() => bpf.closeAll());
}
