/* Finds the ICMP message in a packet at a tc hook, whatever stands before it.
 *
 * All is read from the network header on, which the kernel knows, so that it does not matter
 * whether the device puts an Ethernet header, another or none in front. */
#ifndef ICMP_PACKET_H
#define ICMP_PACKET_H

#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum packet_kind {
	NOT_ICMP,     /* none of our business */
	ICMP_REQUEST, /* an echo request, or the first fragment of one */
	ICMP_OTHER,   /* other ICMP, later fragments, messages too short to be a request */
	ICMP_UPKEEP,  /* neighbour discovery and multicast listeners: without it there is no IPv6 */
	ICMP_HIDDEN,  /* made so that nobody can tell what it is before it is answered */
};

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8

/* vmlinux.h has the kernel's enums; those of IPv6 are macros there, as they are here. */
#define IPPROTO_HOPOPTS 0
#define IPPROTO_ROUTING 43
#define IPPROTO_FRAGMENT 44
#define IPPROTO_ICMPV6 58
#define IPPROTO_DSTOPTS 60

#define ICMP4_ECHO_REQUEST 8
#define ICMP6_ECHO_REQUEST 128
#define ICMP_HEADER 8 /* bytes, in both families */

/* No sender has a reason for more. A longer chain could hide a request from us, so it counts
 * as hidden; RFC 8504, section 5.3, lets hosts refuse such packets. */
#define MAX_EXTENSION_HEADERS 16
#define MAX_VLAN_TAGS 4
#define MAX_LINK_HEADER 64

/* Bytes of a packet, counted from its network header; false when it ends before. What lies
 * in fragments of the buffer is pulled into its linear part first, and only that. */
static __always_inline bool packet_read(struct __sk_buff *skb, __u32 offset, void *to, __u32 length)
{
	__u32 wanted = offset + length + MAX_LINK_HEADER;

	if (!bpf_skb_load_bytes_relative(skb, offset, to, length, BPF_HDR_START_NET))
		return true;
	if (bpf_skb_pull_data(skb, wanted < skb->len ? wanted : skb->len))
		return false;
	return !bpf_skb_load_bytes_relative(skb, offset, to, length, BPF_HDR_START_NET);
}

/* The kernel takes the outermost VLAN tag off before the hook; further ones stand in the packet. */
static __always_inline __u16 skip_vlan_tags(struct __sk_buff *skb, __u32 *offset)
{
	__u16 protocol = bpf_ntohs(skb->protocol);
	__be16 tag[2]; /* control information, then the protocol of what follows */

	for (int i = 0; i < MAX_VLAN_TAGS; i++) {
		if (protocol != ETHERTYPE_VLAN && protocol != ETHERTYPE_QINQ)
			break;
		if (!packet_read(skb, *offset, tag, sizeof(tag)))
			return 0;
		protocol = bpf_ntohs(tag[1]);
		*offset += sizeof(tag);
	}
	return protocol;
}

static __always_inline enum packet_kind parse_ipv4(struct __sk_buff *skb, __u32 start, struct in6_addr *source)
{
	/* Nearly always the message follows at once, and one read gets both: each costs as much as a map's. */
	struct {
		struct iphdr ip;
		__u8 message[ICMP_HEADER];
	} head;
	const struct iphdr *ip = &head.ip;
	bool has_message = !bpf_skb_load_bytes_relative(skb, start, &head, sizeof(head), BPF_HDR_START_NET);
	__be32 *words = (void *)source;
	__u32 header;
	__u8 type;

	if (!has_message && !packet_read(skb, start, &head.ip, sizeof(head.ip)))
		return NOT_ICMP;
	if (ip->version != 4 || ip->ihl < 5 || ip->protocol != IPPROTO_ICMP)
		return NOT_ICMP;
	words[0] = words[1] = 0;
	words[2] = bpf_htonl(0xffff);
	words[3] = ip->saddr;
	if (ip->frag_off & bpf_htons(0x1fff)) /* only the first fragment has the ICMP header */
		return ICMP_OTHER;
	/* What lies behind the packet's own length is padding, which the kernel cuts off. */
	header = ip->ihl * 4;
	if (bpf_ntohs(ip->tot_len) < header + ICMP_HEADER)
		return ICMP_OTHER;
	if (has_message && header == sizeof(*ip))
		type = head.message[0];
	else if (!packet_read(skb, start + header + ICMP_HEADER - 1, &type, 1) ||
		 !packet_read(skb, start + header, &type, 1))
		return ICMP_OTHER;
	return type == ICMP4_ECHO_REQUEST ? ICMP_REQUEST : ICMP_OTHER;
}

static __always_inline enum packet_kind icmp6_kind(__u8 type)
{
	if (type == ICMP6_ECHO_REQUEST)
		return ICMP_REQUEST;
	/* multicast listener query, report, done; router and neighbour messages; version 2 reports */
	return (type >= 130 && type <= 137) || type == 143 ? ICMP_UPKEEP : ICMP_OTHER;
}

static __always_inline enum packet_kind parse_ipv6(struct __sk_buff *skb, __u32 start, struct in6_addr *source)
{
	/* The beginning of every extension header; the last two are those of a fragment header. */
	struct {
		__u8 next;
		__u8 length; /* in units that depend on the header */
		__be16 fragment;
	} extension;
	__u32 at = sizeof(struct ipv6hdr), end;
	__be32 *words = (void *)source;
	bool is_first_fragment = false;
	struct ipv6hdr ip;
	__u8 next, type;

	if (!packet_read(skb, start, &ip, sizeof(ip)) || ip.version != 6)
		return NOT_ICMP;
	__builtin_memcpy(source, &ip.saddr, sizeof(*source));
	next = ip.nexthdr;
	end = at + bpf_ntohs(ip.payload_len);
	if (ip.payload_len == 0 && next == IPPROTO_HOPOPTS)
		end = ~0; /* a jumbogram says its length in an option */

	for (int i = 0; i <= MAX_EXTENSION_HEADERS; i++) {
		if (next == IPPROTO_ICMPV6) {
			/* No host has such an address: it would be taken for an IPv4 source. */
			if (!words[0] && !words[1] && words[2] == bpf_htonl(0xffff))
				return ICMP_HIDDEN;
			if (at + ICMP_HEADER > end || !packet_read(skb, start + at + ICMP_HEADER - 1, &type, 1) ||
			    !packet_read(skb, start + at, &type, 1))
				return is_first_fragment ? ICMP_HIDDEN : ICMP_OTHER;
			return icmp6_kind(type);
		}
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_AH && next != IPPROTO_FRAGMENT)
			return NOT_ICMP;
		/* A first fragment has to hold all headers (RFC 7112): one that does not may be put together to a request. */
		if (at + sizeof(extension) > end || !packet_read(skb, start + at, &extension, sizeof(extension)))
			return is_first_fragment ? ICMP_HIDDEN : NOT_ICMP;
		if (next == IPPROTO_FRAGMENT) {
			if (extension.fragment & bpf_htons(0xfff8))
				return extension.next == IPPROTO_ICMPV6 ? ICMP_OTHER : NOT_ICMP;
			is_first_fragment = extension.fragment & bpf_htons(1); /* more follow */
			at += 8;
		} else {
			at += next == IPPROTO_AH ? (extension.length + 2) * 4 : (extension.length + 1) * 8;
		}
		next = extension.next;
	}
	return ICMP_HIDDEN;
}

/* What a packet is; `source` is its source address unless it is NOT_ICMP. */
static __always_inline enum packet_kind parse_packet(struct __sk_buff *skb, struct in6_addr *source)
{
	__u32 start = 0;

	switch (skip_vlan_tags(skb, &start)) {
	case ETHERTYPE_IPV4:
		return parse_ipv4(skb, start, source);
	case ETHERTYPE_IPV6:
		return parse_ipv6(skb, start, source);
	default:
		return NOT_ICMP;
	}
}

#endif
