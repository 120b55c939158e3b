/* A source of records for measuring readers alone: it makes them inside the kernel, as fast
 * as it can, when BPF_PROG_TEST_RUN asks for them. */
#include "bpflab.h"
#include "burst.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

RING_BUFFER(rb, struct burst_event, 16 * 1024 * 1024);

static long make(__u32 i, __u32 *made)
{
	struct burst_event *event = bpf_ringbuf_reserve(&rb, sizeof(*event), 0);

	if (!event)
		return 1; /* full: whoever asked will ask again */
	event->start_ns = 1000000000000ull + i;
	event->duration_ns = 500 + (i & 0xfff);
	event->pid = 1000 + (i & 7);
	event->tid = 1000 + (i & 7);
	event->fd = i & 31;
	event->ret = 1;
	/* Eight names, in one store each. */
	((__u64 *)event->comm)[0] = 0x30726574697277ull + ((__u64)(i & 7) << 48); /* "writer0" … "writer7" */
	((__u64 *)event->comm)[1] = 0;
	event_submit(rb, event);
	(*made)++;
	return 0;
}

SEC("syscall")
int burst(struct burst_request *request)
{
	__u32 made = 0;

	bpf_loop(request->tries, make, &made, 0);
	request->made = made;
	return 0;
}
