/* What stats.bpf.c keeps for each descriptor that is written to, and sends now and then. */
#ifndef STATS_H
#define STATS_H

/* Slot i counts times from 2^i ns up to, not including, 2^(i+1) ns. Slot 0 also has those of
 * 0 ns, and the last slot all that took longer than nine minutes. */
#define STATS_SLOTS 40

struct stats_key {
	__u32 pid; /* the process (what the kernel calls tgid) */
	__s32 fd;  /* the descriptor written to */
};

/* One CPU's share of a descriptor's statistics: 408 bytes. */
struct stats {
	__u64 writes;
	__u64 total_ns; /* in all of them, from beginning to end */
	__u64 min_ns COMBINE(min);
	__u64 max_ns COMBINE(max);
	__u64 asked_bytes;
	__u64 written_bytes;
	__u64 errors;		      /* writes that returned a negative errno */
	__u64 histogram[STATS_SLOTS]; /* of the times */
	char comm[16];		      /* the name of the thread that wrote first */
	/* Of CPU 0's share alone, and used by all CPUs: what every_n and every_ns go by. */
	__u64 counted;
	__u64 sent_ns;
};

/* One record in the ring: a descriptor's statistics so far. 96 bytes. */
struct stats_record {
	__u64 time_ns; /* CLOCK_MONOTONIC at the end of the write that caused it */
	__u32 pid;
	__s32 fd;
	__u64 writes;
	__u64 total_ns;
	__u64 min_ns;
	__u64 max_ns;
	__u64 asked_bytes;
	__u64 written_bytes;
	__u64 errors;
	__u64 counted; /* which write of the descriptor it was; 0 if every_n is off */
	char comm[16];
};

_Static_assert(sizeof(struct stats) == 72 + 8 * STATS_SLOTS + 16, "user space maps this layout; it must have no holes");
_Static_assert(sizeof(struct stats_record) == 96, "user space maps this layout; it must have no holes");

#endif
