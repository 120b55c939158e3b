/* bpf/ringbuf.bpf.c as cheap for the writer as it goes: on the tracepoints of all system calls, as BTF programs, and
 * with a slot per CPU for the note from enter to exit. What a traced write costs then, and what every other system
 * call. For x86. */
#include "bpflab.h"
#include "../../bpf/ringbuf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define NR_WRITE 1
#define MOST_CPUS 1024

RING_BUFFER(rb, struct rb_event, 16 * 1024 * 1024);

struct write_begun {
	__u64 ts; /* 0: no write is under way */
	__u32 tid;
	__s32 fd;
};

/* The note of the write that began last on each CPU: most end before another thread's begins there. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct write_begun);
} slots SEC(".maps");

/* Those that had to make room, by thread. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, struct write_begun);
} displaced SEC(".maps");

static const __u32 first = 0;

SEC("tp_btf/sys_enter")
int handle_enter(__u64 *ctx)
{
	struct pt_regs *regs = (void *)ctx[0];
	struct write_begun *slot;

	if (ctx[1] != NR_WRITE || is_own_process())
		return 0;
	slot = bpf_map_lookup_elem(&slots, &first);
	if (!slot)
		return 0;
	if (slot->ts) {
		struct write_begun other = *slot;

		if (bpf_map_update_elem(&displaced, &other.tid, &other, BPF_ANY))
			event_lost(rb);
	}
	slot->tid = bpf_get_current_pid_tgid();
	slot->fd = regs->di;
	slot->ts = bpf_ktime_get_ns();
	return 0;
}

/* Looks for the note of the thread that FOUND names on one CPU, and takes it from there. */
static long take(__u32 cpu, struct write_begun *found)
{
	struct write_begun *slot = bpf_map_lookup_percpu_elem(&slots, &first, cpu);

	if (!slot)
		return 1; /* that was the last CPU */
	if (!slot->ts || slot->tid != found->tid)
		return 0;
	*found = *slot;
	slot->ts = 0;
	return 1;
}

SEC("tp_btf/sys_exit")
int handle_exit(__u64 *ctx)
{
	struct pt_regs *regs = (void *)ctx[0];
	struct write_begun *slot, begun = {};
	struct rb_event *event;
	__u64 now, id;

	if (regs->orig_ax != NR_WRITE)
		return 0;
	now = bpf_ktime_get_ns();
	id = bpf_get_current_pid_tgid();
	begun.tid = id;
	slot = bpf_map_lookup_elem(&slots, &first);
	if (!slot)
		return 0;
	if (slot->ts && slot->tid == begun.tid) {
		begun = *slot;
		slot->ts = 0;
	} else {
		struct write_begun *other = bpf_map_lookup_elem(&displaced, &begun.tid);

		if (other) {
			begun = *other;
			bpf_map_delete_elem(&displaced, &begun.tid);
		} else {
			bpf_loop(MOST_CPUS, take, &begun, 0); /* it has moved to another CPU meanwhile */
		}
	}
	if (!begun.ts)
		return 0;
	event = event_reserve(rb);
	if (event) {
		event->start_ns = begun.ts;
		event->duration_ns = now - begun.ts;
		event->pid = id >> 32;
		event->tid = id;
		event->fd = begun.fd;
		event->ret = ctx[1];
		copy_comm(event->comm);
		event_submit(rb, event);
	}
	return 0;
}
