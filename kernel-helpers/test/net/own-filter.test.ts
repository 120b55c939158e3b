import assert from "node:assert/strict";
import { test } from "node:test";
import { bpf, net } from "../../dist/api/index.js";

const source = `
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

char LICENSE[] SEC("license") = "GPL";

struct account { u64 passed, dropped; };
struct ban { u64 since_ns; };
struct allowed { u32 length; __be32 of; };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __be32);
	__type(value, struct account);
} peers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __be32);
	__type(value, struct ban);
} blacklist SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 64);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct allowed);
	__type(value, u32);
} allow SEC(".maps");

SEC("tc")
int own_filter(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct icmphdr *icmp = (void *)(ip + 1);
	struct account fresh = {}, *account;
	struct allowed range = { .length = 32 };
	__be32 source;

	if ((void *)(icmp + 1) > data_end || eth->h_proto != bpf_htons(0x0800) || ip->protocol != IPPROTO_ICMP ||
	    icmp->type != 8)
		return 0;
	source = range.of = ip->saddr;
	bpf_map_update_elem(&peers, &source, &fresh, BPF_NOEXIST);
	account = bpf_map_lookup_elem(&peers, &source);
	if (!account)
		return 0;
	if (bpf_map_lookup_elem(&blacklist, &source) && !bpf_map_lookup_elem(&allow, &range)) {
		__sync_fetch_and_add(&account->dropped, 1);
		return 2;
	}
	__sync_fetch_and_add(&account->passed, 1);
	return 0;
}
`;

for (const [what, text] of [
  ["__be32", source],
  ["plain numbers", source.replaceAll("__be32", "u32")],
] as const)
  test(`a filter of one's own whose keys are ${what} is moderated as the shipped one is`, async () => {
    using filter = await bpf.load(await bpf.compile(text, { name: "own_filter" }));
    const lab = await net.playground({ peers: 1 });
    try {
      await filter.attach({ interface: lab.interface });
      const [peer] = lab.peers;
      const answered = async () => (await peer!.ping({ count: 5, intervalMs: 5, timeoutMs: 100 })).received;
      const rates = await net.sample(filter, { until: async () => assert.equal(await answered(), 5) });
      const requests = (rates.array("requests") as number[]).reduce((sum, n) => sum + n, 0);
      assert.equal(requests, 5);
      net.block(filter, peer!.ipv4);
      assert.equal(await answered(), 0);
      net.allow(filter, `${peer!.ipv4}/24`);
      assert.equal(await answered(), 5);
      assert.equal(net.disallow(filter, `${peer!.ipv4}/24`), true);
      const [row] = net.peers(filter).objects() as Record<string, unknown>[];
      assert.equal(typeof row!["blocked_ns"], "number");
      assert.deepEqual(
        { ...row, blocked_ns: 0 },
        {
          source: peer!.ipv4,
          state: "blacklisted",
          requests: null,
          passed: 10,
          dropped: 5,
          first_ns: null,
          blocked_ns: 0,
        },
      );
      assert.equal(net.release(filter, peer!.ipv4), true);
      assert.equal(net.peers(filter).numRows(), 0);
      assert.equal(await answered(), 5);
      assert.throws(() => net.block(filter, "2001:db8::2"), /expected an IPv4 address/);
    } finally {
      lab.close();
    }
  });

test("what a filter lacks is named", async () => {
  using none = await bpf.load(await bpf.compile(source.replaceAll("blacklist", "banned"), { name: "no_blacklist" }));
  assert.throws(
    () => net.block(none, "198.18.0.2"),
    /no_blacklist has no map blacklist; it has peers, banned and allow\.\nnet\.block needs a map blacklist with addresses as keys .* and values with since_ns/,
  );
  assert.equal(net.release(none, "198.18.0.2"), false);
  assert.equal(net.peers(none).numRows(), 0);

  const changed = source
    .replace("passed, dropped;", "passed, refused;")
    .replace("account->dropped", "account->refused");
  using renamed = await bpf.load(await bpf.compile(changed, { name: "renamed" }));
  assert.throws(
    () => net.peers(renamed),
    /values of renamed\.peers have no dropped\.\n.*They have: passed and refused/,
  );
  await assert.rejects(net.sample(renamed, { seconds: 1 }), /net\.sample needs a map peers/);

  const wide = source.replaceAll("key, __be32", "key, u64").replace("__be32 source;", "u64 source;");
  using untyped = await bpf.load(await bpf.compile(wide, { name: "wide" }));
  assert.throws(() => net.release(untyped, "198.18.0.2"), /keys of wide\.peers are not addresses\.\n.*__be32/);

  using trie = await bpf.load(await bpf.compile(source.replace("__be32 of;", "s32 of;"), { name: "trie" }));
  assert.throws(() => net.allow(trie, "198.18.0.0/24"), /trie\.allow \(lpm_trie\) has no prefixes as keys/);
});
