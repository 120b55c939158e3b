/* A flood that knows what it cost: echo requests out of an interface, without waiting for a
 * reply, from one source or from so many in turn.
 *
 *   pinger INTERFACE TO_MAC TO SOURCE PACKETS [SOURCES]
 *
 * With several sources the ICMP checksum is wrong, so that whoever gets the packets counts
 * them and answers to nobody. Prints the time from the first packet to the last, and this
 * process's CPU time in it, both in ns. On a veth pair the receiver's work is done in the
 * sender's context, so that the CPU time is both ends'. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 64

struct ping {
	struct ether_header link;
	struct iphdr ip;
	struct icmphdr icmp;
	uint8_t payload[56];
} __attribute__((packed));

static int64_t now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* The internet checksum (RFC 1071). */
static uint16_t checksum(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i += 2)
		sum += bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

static void make_ping(struct ping *ping, const struct ether_addr *to_mac, uint32_t to, uint32_t source)
{
	memset(ping, 0, sizeof(*ping));
	memcpy(ping->link.ether_dhost, to_mac, ETH_ALEN);
	ping->link.ether_shost[0] = 2; /* locally administered */
	ping->link.ether_type = htons(ETHERTYPE_IP);
	ping->ip = (struct iphdr){ .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_ICMP, .saddr = source, .daddr = to };
	ping->ip.tot_len = htons(sizeof(*ping) - sizeof(ping->link));
	ping->ip.check = checksum(&ping->ip, sizeof(ping->ip));
	ping->icmp.type = ICMP_ECHO;
	ping->icmp.checksum = checksum(&ping->icmp, sizeof(ping->icmp) + sizeof(ping->payload));
}

static void send_batch(int fd, struct ping *pings, long sources, long first, int size)
{
	struct mmsghdr messages[BATCH] = {};
	struct iovec parts[BATCH];

	for (int i = 0; i < size; i++) {
		parts[i] = (struct iovec){ &pings[(first + i) % sources], sizeof(*pings) };
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	for (int sent = 0; sent < size;) {
		int more = sendmmsg(fd, messages + sent, size - sent, 0);

		if (more > 0) {
			sent += more;
		} else if (errno != ENOBUFS && errno != EINTR) {
			perror("send");
			exit(1);
		}
	}
}

int main(int count, char **arguments)
{
	struct sockaddr_ll on = { .sll_family = AF_PACKET };
	int fd = socket(AF_PACKET, SOCK_RAW, 0); /* 0: it sends, and receives nothing */
	struct ether_addr *to_mac;
	struct in_addr to, source;
	long packets, sources = 1;
	struct ping *pings;
	int64_t begun, worked;

	if (count < 6 || !(to_mac = ether_aton(arguments[2])) || !inet_aton(arguments[3], &to) || !inet_aton(arguments[4], &source))
		return 2;
	packets = atol(arguments[5]);
	if (count > 6)
		sources = atol(arguments[6]);
	on.sll_ifindex = if_nametoindex(arguments[1]);
	if (fd < 0 || !on.sll_ifindex || bind(fd, (struct sockaddr *)&on, sizeof(on))) {
		perror(arguments[1]);
		return 1;
	}
	pings = calloc(sources, sizeof(*pings));
	for (long i = 0; i < sources; i++) {
		make_ping(&pings[i], to_mac, to.s_addr, htonl(ntohl(source.s_addr) + i));
		pings[i].icmp.checksum ^= sources > 1;
	}
	begun = now(CLOCK_MONOTONIC);
	worked = now(CLOCK_PROCESS_CPUTIME_ID);
	for (long i = 0; i < packets; i += BATCH)
		send_batch(fd, pings, sources, i, packets - i < BATCH ? packets - i : BATCH);
	worked = now(CLOCK_PROCESS_CPUTIME_ID) - worked;
	printf("%lld %lld\n", (long long)(now(CLOCK_MONOTONIC) - begun), (long long)worked);
	return 0;
}
