/* A peer for the benchmark: the filter as it is usually written for XDP. Echo requests over
 * IPv4 are counted for each source in windows of a second, and dropped above the threshold.
 * No blacklist, no IPv6, no events. */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define SECOND 1000000000ull
#define ETHERTYPE_IPV4 0x0800
#define ECHO_REQUEST 8

const volatile __u32 threshold = 50;

struct window {
	__u64 begun;
	__u64 count;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __be32);
	__type(value, struct window);
} sources SEC(".maps");

SEC("xdp")
int limit(struct xdp_md *context)
{
	void *end = (void *)(long)context->data_end;
	struct ethhdr *link = (void *)(long)context->data;
	struct iphdr *ip = (void *)(link + 1);
	struct icmphdr *icmp = (void *)(ip + 1);
	struct window fresh = {}, *window;
	__u64 now;

	if ((void *)(icmp + 1) > end || link->h_proto != bpf_htons(ETHERTYPE_IPV4) || ip->protocol != IPPROTO_ICMP ||
	    ip->ihl != 5 || icmp->type != ECHO_REQUEST)
		return XDP_PASS;
	now = bpf_ktime_get_ns();
	window = bpf_map_lookup_elem(&sources, &ip->saddr);
	if (!window) {
		fresh.begun = now;
		fresh.count = 1;
		bpf_map_update_elem(&sources, &ip->saddr, &fresh, BPF_ANY);
		return XDP_PASS;
	}
	if (now - window->begun >= SECOND) {
		window->begun = now;
		window->count = 0;
	}
	return __sync_fetch_and_add(&window->count, 1) < threshold ? XDP_PASS : XDP_DROP;
}
