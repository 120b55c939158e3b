/* What tc_icmp_filter.bpf.c shares with user space. Addresses are 16 bytes everywhere: an
 * IPv4 address is written as IPv6 maps it, ::ffff:198.18.0.2. */
#ifndef TC_ICMP_FILTER_H
#define TC_ICMP_FILTER_H

enum filter_mode {
	drop_all, /* no ICMP comes in, whoever sends it */
	monitor,  /* count, drop nothing */
	filter,	  /* blacklist who sends more than `threshold` echo requests in a second */
};

enum peer_state {
	counted,	/* within the threshold in this window */
	over_threshold, /* above it; dropped in mode filter, unless on the allow list */
	blacklisted,	/* on the blacklist when its last request came */
};

/* What is known of one source address. */
struct peer {
	__u64 first_ns;	    /* CLOCK_MONOTONIC of the echo request that opened the window of one second */
	__u64 count;	    /* echo requests in this window, passed or not */
	__u64 passed;	    /* echo requests let through since the source is in the table */
	__u64 dropped;	    /* and those that were not */
	__u64 report_ns;    /* beginning of the second for which events of drops are counted */
	__u32 report_count; /* how many there were in it */
	enum peer_state state;
};

/* A source whose echo requests are dropped. */
struct ban {
	__u64 since_ns; /* CLOCK_MONOTONIC; it ends block_seconds later */
};

/* Key of the allow list: how many of the 128 bits count; an IPv4 /24 is a /120 here. */
struct prefix {
	__u32 bits;
	struct in6_addr address;
};

enum filter_action { block, release, drop };

/* One decision, as the ring buffer `events` carries it: 40 bytes. */
struct filter_event {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	struct in6_addr source;
	__u64 count; /* echo requests of this source in its window so far */
	enum filter_action action;
	__u32 ifindex; /* the interface it came in on */
};

_Static_assert(sizeof(struct filter_event) == 40, "user space maps this layout; it must have no holes");

#endif
