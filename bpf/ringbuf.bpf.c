/* ringbuf: each write of every process but our own, as a record in a ring buffer. */
#include "bpflab.h"
#include "ringbuf.h"
#include "syscall.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* The process to watch; 0 watches every process but our own. */
__u32 watched_pid = 0;

/* CLOCK_MONOTONIC when it was attached, which user space writes down each time. A note that is
 * older was left by a write whose end nobody saw, because we were off the hooks by then. */
__u64 attached_ns = 0;

/* 16 MiB hold some 300,000 records: a third of a second of the busiest two cores. */
RING_BUFFER(rb, struct rb_event, 16 * 1024 * 1024);

struct write_begun {
	__u64 ts; /* 0: no write is under way */
	__s32 fd;
};

/* The note from enter to exit. */
THREAD_STORAGE(begun_map, struct write_begun);

SEC("tp/syscalls/sys_enter_write")
int handle_enter(void *ctx)
{
	struct write_begun *begun;

	if (!is_watched(watched_pid))
		return 0;
	begun = thread_storage(begun_map, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!begun) {
		event_lost(rb); /* the kernel had no memory for the note */
		return 0;
	}
	begun->fd = syscall_arg(ctx, 1);
	begun->ts = bpf_ktime_get_ns();
	return 0;
}

SEC("tp/syscalls/sys_exit_write")
int handle_exit(void *ctx)
{
	__u64 now = bpf_ktime_get_ns(), id = bpf_get_current_pid_tgid();
	struct write_begun *begun = thread_storage(begun_map, 0);
	struct rb_event *event;

	if (!begun || !begun->ts || begun->ts < attached_ns)
		return 0; /* not watched, or it began before we were attached */
	event = event_reserve(rb);
	if (event) {
		event->start_ns = begun->ts;
		event->duration_ns = now - begun->ts;
		event->pid = id >> 32;
		event->tid = id;
		event->fd = begun->fd;
		event->ret = syscall_result(ctx);
		copy_comm(event->comm);
		event_submit(rb, event);
	}
	begun->ts = 0;
	thread_storage_done(begun_map);
	return 0;
}
