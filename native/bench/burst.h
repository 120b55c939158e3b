/* What burst.bpf.c puts into its ring, and what it is asked for. */
#ifndef BURST_H
#define BURST_H

struct burst_event {
	unsigned long long start_ns, duration_ns;
	unsigned int pid, tid;
	int fd, ret;
	char comm[16];
};

struct burst_request {
	unsigned int tries; /* how many records to try */
	unsigned int made;  /* how many of them found room */
};

#endif
