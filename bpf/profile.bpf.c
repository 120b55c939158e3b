/* profile: what the CPUs are doing, a sample at a time.
 *
 * The stacks are counted in the kernel, so that a second of a busy machine is some hundred
 * entries of a map, however often it is sampled. */
#include "bpflab.h"
#include "profile.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* The process to sample; 0 samples every process but our own. */
__u32 watched_pid = 0;

/* Samples that found no room in samples. */
__u64 samples_lost = 0;

STACK_TRACES(stacks);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct stack_key);
	__type(value, __u64);
} samples SEC(".maps");

SEC("perf_event")
int take_sample(struct bpf_perf_event_data *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct stack_key key = {};
	__u64 *count, one = 1;

	/* The idle loop is thread 0. */
	if (!pid || !is_watched(watched_pid))
		return 0;
	key.pid = pid;
	key.user_stack = bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK);
	key.kernel_stack = bpf_get_stackid(ctx, &stacks, 0);
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	count = bpf_map_lookup_elem(&samples, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	else if (bpf_map_update_elem(&samples, &key, &one, BPF_NOEXIST))
		__sync_fetch_and_add(&samples_lost, 1);
	return 0;
}
