/* One write(2), as ringbuf.bpf.c sends it to user space: 48 bytes. */
#ifndef RINGBUF_H
#define RINGBUF_H

struct rb_event {
	__u64 start_ns;	   /* CLOCK_MONOTONIC when the call began */
	__u64 duration_ns; /* from its beginning to its end */
	__u32 pid;	   /* the process (what the kernel calls tgid) */
	__u32 tid;	   /* the thread */
	__s32 fd;	   /* the descriptor written to */
	__s32 ret;	   /* bytes written, or a negative errno; Linux writes at most 0x7ffff000 at once */
	char comm[16];	   /* the thread's name */
};

_Static_assert(sizeof(struct rb_event) == 48, "user space maps this layout; it must have no holes");

#endif
