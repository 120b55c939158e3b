/* Counts what rings lose in programs that do not count it themselves. Comes before a program's first line, on request;
 * each call that may find a ring full has a counter of its own, which says of which ring it is. */
#ifndef COUNT_LOST_H
#define COUNT_LOST_H

struct bpflab_loss {
	char ring[56]; /* as the call names it, such as &events */
	unsigned long long lost;
};

#define BPFLAB_COUNT_IF(RING, FAILED)                                                                                  \
	({                                                                                                             \
		static struct bpflab_loss __loss __attribute__((section(".data.bpflab_loss"), used)) = { #RING, 0 };   \
		if (FAILED)                                                                                            \
			(void)__sync_fetch_and_add(&__loss.lost, 1);                                                   \
	})

/* In brackets a name is the helper itself. */
#define bpf_ringbuf_reserve(RING, SIZE, FLAGS)                                                                         \
	({                                                                                                             \
		void *__room = (bpf_ringbuf_reserve)(RING, SIZE, FLAGS);                                               \
		BPFLAB_COUNT_IF(RING, !__room);                                                                        \
		__room;                                                                                                \
	})
#define bpf_ringbuf_output(RING, DATA, SIZE, FLAGS)                                                                    \
	({                                                                                                             \
		long __error = (bpf_ringbuf_output)(RING, DATA, SIZE, FLAGS);                                          \
		BPFLAB_COUNT_IF(RING, __error);                                                                        \
		__error;                                                                                               \
	})
#define bpf_ringbuf_reserve_dynptr(RING, SIZE, FLAGS, POINTER)                                                         \
	({                                                                                                             \
		long __error = (bpf_ringbuf_reserve_dynptr)(RING, SIZE, FLAGS, POINTER);                               \
		BPFLAB_COUNT_IF(RING, __error);                                                                        \
		__error;                                                                                               \
	})

#endif
