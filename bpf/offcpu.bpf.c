/* offcpu: what threads wait for, and how long.
 *
 * A profile shows a thread only while it runs. This program is there when the scheduler takes a thread off a CPU, notes
 * where the thread was, and adds up how long it took until the thread was back. */
#include "bpflab.h"
#include "offcpu.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* The process to watch; 0 watches every process but our own. */
__u32 watched_pid = 0;

/* Times that found no room in times. */
__u64 times_lost = 0;

STACK_TRACES(stacks);

/* Threads that are off the CPU, by their numbers. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, struct off_cpu_thread);
} off SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct off_cpu_place);
	__type(value, struct off_cpu_time);
} times SEC(".maps");

static __always_inline void came_back(__u32 tid, __u64 now)
{
	struct off_cpu_thread *thread = bpf_map_lookup_elem(&off, &tid);
	struct off_cpu_time *time, first = { .count = 1 };

	if (!thread)
		return;
	first.duration_ns = now - thread->since_ns;
	time = bpf_map_lookup_elem(&times, &thread->place);
	if (time) {
		__sync_fetch_and_add(&time->duration_ns, first.duration_ns);
		__sync_fetch_and_add(&time->count, 1);
	} else if (bpf_map_update_elem(&times, &thread->place, &first, BPF_NOEXIST)) {
		__sync_fetch_and_add(&times_lost, 1);
	}
	bpf_map_delete_elem(&off, &tid);
}

/* The kernel is about to exchange PREV, which is still the current thread, for NEXT. */
SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	struct off_cpu_thread left = { .since_ns = bpf_ktime_get_ns() };
	__u32 tid = prev->pid;

	came_back(next->pid, left.since_ns);

	/* Thread 0 is the idle loop; and a thread that ends does not come back. */
	if (!tid || !is_watched(watched_pid) || (!preempt && prev->exit_state))
		return 0;
	left.place.why = preempt || !prev->__state ? preempted : waiting;
	left.place.pid = prev->tgid;
	left.place.user_stack = bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK);
	left.place.kernel_stack = bpf_get_stackid(ctx, &stacks, 0);
	copy_comm(left.place.comm);
	if (bpf_map_update_elem(&off, &tid, &left, BPF_ANY))
		__sync_fetch_and_add(&times_lost, 1);
	return 0;
}
