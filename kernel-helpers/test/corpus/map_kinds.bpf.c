/* A map of each kind that is more than keys and values. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define OF_TYPE(TYPE, ENTRIES)                                                                                         \
	__uint(type, BPF_MAP_TYPE_##TYPE);                                                                             \
	__uint(max_entries, ENTRIES)

struct inner {
	OF_TYPE(HASH, 4);
	__type(key, __u32);
	__type(value, __u64);
} first SEC(".maps"), second SEC(".maps");
struct {
	OF_TYPE(ARRAY_OF_MAPS, 2);
	__type(key, __u32);
	__array(values, struct inner);
} by_index SEC(".maps") = { .values = { &first } };
struct {
	OF_TYPE(HASH_OF_MAPS, 4);
	__type(key, __u64);
	__array(values, struct inner);
} by_key SEC(".maps");
struct {
	OF_TYPE(PROG_ARRAY, 3);
	__uint(key_size, 4);
	__uint(value_size, 4);
} jumps SEC(".maps");
struct {
	OF_TYPE(BLOOM_FILTER, 100);
	__type(value, __u64);
} seen SEC(".maps");
struct {
	OF_TYPE(STACK_TRACE, 64);
	__uint(key_size, 4);
	__uint(value_size, 20 * 8);
} stacks SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} of_task SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} of_cgroup SEC(".maps");
struct {
	OF_TYPE(DEVMAP, 4);
	__uint(key_size, 4);
	__uint(value_size, 4);
} devices SEC(".maps");
struct {
	OF_TYPE(CPUMAP, 2);
	__uint(key_size, 4);
	__uint(value_size, 4);
} cpus SEC(".maps");
struct asked {
	__u32 times;
	__u64 by;
};
struct {
	OF_TYPE(USER_RINGBUF, 4096);
	__type(value, struct asked);
} asks SEC(".maps");
struct {
	OF_TYPE(USER_RINGBUF, 4096);
} raw_asks SEC(".maps");

__u32 slot = 0;
__u64 key = 0;

SEC("raw_tp")
int through_index(void *ctx)
{
	__u32 one = 1;
	void *map = bpf_map_lookup_elem(&by_index, &slot);

	if (!map)
		return -1;
	return bpf_map_update_elem(map, &one, &key, 0);
}

SEC("raw_tp")
int through_key(void *ctx)
{
	__u32 one = 1;
	void *map = bpf_map_lookup_elem(&by_key, &key);
	__u64 *value = map ? bpf_map_lookup_elem(map, &one) : NULL;

	return value ? *value : 0;
}

SEC("raw_tp")
int start(void *ctx)
{
	bpf_tail_call(ctx, &jumps, slot);
	return 1;
}

SEC("raw_tp")
int target(void *ctx)
{
	return 77;
}

SEC("raw_tp")
int is_seen(void *ctx)
{
	return bpf_map_peek_elem(&seen, &key) == 0;
}

SEC("tp/syscalls/sys_enter_getppid")
int note(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 *count = bpf_task_storage_get(&of_task, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (bpf_get_current_pid_tgid() >> 32 != slot)
		return 0;
	if (count)
		(*count)++;
	bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK);
	return 0;
}

static long on_ask(struct bpf_dynptr *record, void *context)
{
	struct asked *asked = bpf_dynptr_data(record, 0, sizeof(*asked));

	if (asked)
		key += asked->times * asked->by;
	return 0;
}

SEC("raw_tp")
int drain(void *ctx)
{
	return bpf_user_ringbuf_drain(&asks, on_ask, NULL, 0) + bpf_user_ringbuf_drain(&raw_asks, on_ask, NULL, 0);
}
