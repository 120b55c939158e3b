import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { bpf, type BpfMap } from "../../dist/api/index.js";
import { native } from "../../dist/base/native.js";
import { buildWriters, type Writers } from "../workload/writers.js";
import { handleOf } from "../workload/handles.js";

// At each write of the workload the program puts one key in and takes another out, so that the map is filled and
// emptied some hundred thousand times a second. Keys from 100,000 on are there all the time.
const stable = Array.from({ length: 50 }, (_, i) => 100_000 + i);
const source = (type: string, flags: string, trie: boolean) => `#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";

struct busy_key { __u32 ${trie ? "prefixlen; __u32 id" : "id"}; };
struct busy_value { __u64 id; __u64 check; };
struct { __uint(type, BPF_MAP_TYPE_${type}); __uint(max_entries, 4096); __uint(map_flags, ${flags}); __type(key, struct busy_key); __type(value, struct busy_value); } busy SEC(".maps");
__u32 watched_pid = 0;
__u64 turn = 0;

SEC("tp/syscalls/sys_enter_write")
int handle(void *ctx)
{
	if (!watched_pid || !is_watched(watched_pid))
		return 0;
	__u64 now = __sync_fetch_and_add(&turn, 1);
	struct busy_key key = { ${trie ? "64 - 32, " : ""}now % 2000 }, old = { ${trie ? "64 - 32, " : ""}(now + 1000) % 2000 };
	struct busy_value value = { key.id, key.id * 2654435761ull };
	bpf_map_update_elem(&busy, &key, &value, BPF_ANY);
	bpf_map_delete_elem(&busy, &old);
	return 0;
}`;

const kinds: [name: string, type: string, flags: string, batch: boolean][] = [
  ["hash", "HASH", "0", true],
  ["hash without preallocation", "HASH", "BPF_F_NO_PREALLOC", true],
  ["LRU hash", "LRU_HASH", "0", true],
  ["per-CPU hash", "PERCPU_HASH", "0", true],
  ["LPM trie", "LPM_TRIE", "BPF_F_NO_PREALLOC", true],
  ["hash, key by key as before kernel 5.6", "HASH", "0", false],
  ["LPM trie, key by key", "LPM_TRIE", "BPF_F_NO_PREALLOC", false],
];

describe("a map that is filled and emptied by another thread", () => {
  let workload: Awaited<ReturnType<typeof buildWriters>>;
  before(async () => void (workload = await buildWriters()));
  after(async () => {
    bpf.closeAll();
    await workload.remove();
  });

  for (const [name, type, flags, batch] of kinds) {
    test(`${name}: 1,000 walks end, without a row twice or a wrong one`, async () => {
      const trie = type === "LPM_TRIE";
      const object = await bpf.load(await bpf.compile(source(type, flags, trie), { name: "busy" }));
      const busy = object.maps["busy"]!;
      const value = (id: number) => ({ id, check: BigInt(id) * 2654435761n });
      busy.setAll(
        stable.map((id) => [
          trie ? { prefixlen: 32, id } : { id },
          type === "PERCPU_HASH" ? Array.from({ length: busy.cpus }, () => value(id)) : value(id),
        ]),
      );
      await object.attach();
      const writers: Writers = workload.start({ writes: 2_000_000_000 });
      object.globals["watched_pid"] = writers.pid;
      const run = writers.run().then(
        () => assert.fail("the workload ended"),
        () => {},
      );
      try {
        while ((object.globals["turn"] as number) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
        let changing = 0;
        for (let walk = 0; walk < 1000; walk++) changing += checkWalk(busy, batch);
        assert.ok(changing > 100_000, `only ${changing} rows came and went, so this shows nothing`);
        assert.ok((object.globals["turn"] as number) > 10_000);
      } finally {
        writers.kill();
        await run;
        object.close();
      }
    });
  }
});

/** One walk; returns how many rows are of keys that come and go. */
function checkWalk(busy: BpfMap, batch: boolean): number {
  const { rows, keys, values } = native.map_walk(handleOf(busy), batch ? 1 << 16 : 0);
  const keySize = keys.length / rows;
  const stride = values.length / rows;
  const seen = new Set<number>();
  for (let row = 0; row < rows; row++) {
    const id = keys.readUInt32LE(row * keySize + keySize - 4);
    assert.ok(!seen.has(id), `key ${id} twice`);
    seen.add(id);
    assert.ok(id < 2000 || stable.includes(id), `a key that never was: ${id}`);
    // Read key by key, the kernel may copy a value while its element is given to another key.
    if (!batch && id < 2000) continue;
    const cpu =
      busy.cpus === 1
        ? 0
        : Array.from({ length: busy.cpus }, (_, i) => i).find(
            (i) => values.readBigUInt64LE(row * stride + i * 16 + 8) !== 0n,
          );
    if (cpu === undefined) {
      assert.equal(id, 0, "a row without a value");
      continue;
    }
    assert.equal(values.readBigUInt64LE(row * stride + cpu * 16), BigInt(id));
    assert.equal(values.readBigUInt64LE(row * stride + cpu * 16 + 8), BigInt(id) * 2654435761n);
  }
  // In a trie the kernel loses its way where a branch changes under it, and passes over what stands behind; so it
  // does, key by key, in a hash where the element it stands on is given to another bucket.
  if (batch && busy.type !== "lpm_trie")
    for (const id of stable) assert.ok(seen.has(id), `key ${id} stayed and was not seen`);
  return rows - stable.length;
}
