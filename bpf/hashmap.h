/* What hashmap.bpf.c remembers of a write that has begun. */
#ifndef HASHMAP_H
#define HASHMAP_H

struct event_to_match {
	__u64 ts; /* when it began, CLOCK_MONOTONIC ns */
	__s32 fd; /* the descriptor it writes to */
};

#endif
