/* bpf/ringbuf.bpf.c on the tracepoints of all system calls, as BTF programs: what a traced
 * write costs then, and what every other system call. For x86. */
#include "bpflab.h"
#include "../../bpf/ringbuf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define NR_WRITE 1

RING_BUFFER(rb, struct rb_event, 16 * 1024 * 1024);

struct write_begun {
	__u64 ts;
	__s32 fd;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct write_begun);
} begun_map SEC(".maps");

SEC("tp_btf/sys_enter")
int handle_enter(__u64 *ctx)
{
	struct pt_regs *regs = (void *)ctx[0];
	struct write_begun *begun;

	if (ctx[1] != NR_WRITE || is_own_process())
		return 0;
	begun = thread_storage(begun_map, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!begun) {
		event_lost(rb);
		return 0;
	}
	begun->fd = regs->di;
	begun->ts = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/sys_exit")
int handle_exit(__u64 *ctx)
{
	struct pt_regs *regs = (void *)ctx[0];
	__u64 now, id = bpf_get_current_pid_tgid();
	struct write_begun *begun;
	struct rb_event *event;

	if (regs->orig_ax != NR_WRITE)
		return 0;
	now = bpf_ktime_get_ns();
	begun = thread_storage(begun_map, 0);
	if (!begun || !begun->ts)
		return 0;
	event = event_reserve(rb);
	if (event) {
		event->start_ns = begun->ts;
		event->duration_ns = now - begun->ts;
		event->pid = id >> 32;
		event->tid = id;
		event->fd = begun->fd;
		event->ret = ctx[1];
		copy_comm(event->comm);
		event_submit(rb, event);
	}
	begun->ts = 0;
	return 0;
}
