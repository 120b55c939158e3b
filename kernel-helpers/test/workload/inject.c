/* Sends made-up packets and counts the echo replies that come back.
 *
 *   inject packet INTERFACE MS   frames, hex, one a line on stdin, out of an interface
 *   inject tun NAME MS           IP packets into a TUN device that it makes; prints "ready" first
 *   inject spoof INTERFACE SOURCES PER_SOURCE OFFSET BASE
 *                                one frame on stdin, sent PER_SOURCE times for each of SOURCES sources:
 *                                the 32 bits at OFFSET become BASE, BASE + 1, ...
 *
 * A line that begins with ! is sent so that only its first bytes lie in the linear part of the
 * kernel's buffer (it has to be larger than a page). Ends with a line "sent N replied M". */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define LINEAR 16

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int packet_socket(const char *interface)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = if_nametoindex(interface) };
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));

	if (fd < 0 || !to.sll_ifindex || bind(fd, (struct sockaddr *)&to, sizeof(to)))
		fail(interface);
	return fd;
}

static int tun_device(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR);

	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request))
		fail(name);
	return fd;
}

static size_t from_hex(const char *line, uint8_t *bytes, size_t room)
{
	size_t n = 0;
	unsigned byte;

	while (n < room && sscanf(line + 2 * n, "%2x", &byte) == 1)
		bytes[n++] = byte;
	return n;
}

/* A bridge that filters drops IPv4 packets whose header has none. */
static void checksum_ipv4(uint8_t *ip)
{
	uint32_t sum = 0;

	ip[10] = ip[11] = 0;
	for (int i = 0; i < (ip[0] & 15) * 4; i += 2)
		sum += ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~(sum + (sum >> 16));
	ip[10] = sum >> 8;
	ip[11] = sum;
}

static int is_echo_reply(const uint8_t *bytes, size_t size, int has_ethernet)
{
	const uint8_t *ip = bytes + (has_ethernet ? ETH_HLEN : 0);
	size_t left = size - (has_ethernet ? ETH_HLEN : 0);

	if (left > 20 && ip[0] >> 4 == 4)
		return ip[9] == 1 && left > (ip[0] & 15) * 4u && ip[(ip[0] & 15) * 4] == 0;
	return left > 40 && ip[0] >> 4 == 6 && ip[6] == 58 && ip[40] == 129;
}

/* Replies that wait now, and those that come within so many milliseconds of silence. */
static long replies(int fd, int is_packet, int ms)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	static uint8_t bytes[70000];
	long count = 0;

	while (poll(&ready, 1, ms) > 0) {
		struct sockaddr_ll from = { 0 };
		socklen_t length = sizeof(from);
		ssize_t n = is_packet ? recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &length) : read(fd, bytes, sizeof(bytes));

		if (n > 0 && from.sll_pkttype != PACKET_OUTGOING)
			count += is_echo_reply(bytes, n, is_packet);
	}
	return count;
}

static void send_all(int fd, const void *bytes, size_t size)
{
	while (write(fd, bytes, size) != (ssize_t)size)
		if (errno != ENOBUFS && errno != EINTR)
			fail("send");
}

static void send_in_pieces(const char *interface, uint8_t *bytes, size_t size)
{
	struct virtio_net_hdr head = { .hdr_len = LINEAR };
	struct iovec parts[] = { { &head, sizeof(head) }, { bytes, size } };
	int fd = packet_socket(interface), on = 1;

	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) || writev(fd, parts, 2) < 0)
		fail("send in pieces");
	close(fd);
}

int main(int argc, char **argv)
{
	static char line[150000];
	static uint8_t bytes[70000];
	int is_packet, fd;
	long sent = 0, replied = 0;

	if (argc < 4)
		return 2;
	is_packet = strcmp(argv[1], "tun");
	fd = is_packet ? packet_socket(argv[2]) : tun_device(argv[2]);
	printf("ready\n");
	fflush(stdout);
	if (!strcmp(argv[1], "spoof")) {
		long sources = atol(argv[3]), each = atol(argv[4]), offset = atol(argv[5]);
		uint32_t base = strtoul(argv[6], NULL, 0);
		size_t size = fgets(line, sizeof(line), stdin) ? from_hex(line, bytes, sizeof(bytes)) : 0;

		for (long i = 0; i < sources; i++) {
			uint32_t source = htonl(base + i);

			memcpy(bytes + offset, &source, sizeof(source));
			if (bytes[12] == 8 && bytes[13] == 0)
				checksum_ipv4(bytes + ETH_HLEN);
			for (long j = 0; j < each; j++, sent++)
				send_all(fd, bytes, size);
		}
	} else {
		while (fgets(line, sizeof(line), stdin)) {
			int in_pieces = line[0] == '!';
			size_t size = from_hex(line + in_pieces, bytes, sizeof(bytes));

			if (in_pieces)
				send_in_pieces(argv[2], bytes, size);
			else
				send_all(fd, bytes, size);
			sent++;
		}
		replied = replies(fd, is_packet, atoi(argv[3]));
	}
	printf("sent %ld replied %ld\n", sent, replied);
	return 0;
}
