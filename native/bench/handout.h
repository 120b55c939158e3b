/* What the hand-out's program sends for each write. */
#ifndef HANDOUT_H
#define HANDOUT_H

struct handout_event {
	unsigned long long start_ns, duration_ns;
	unsigned int pid, tid;
	int fd, ret;
	char comm[16];
};

#endif
