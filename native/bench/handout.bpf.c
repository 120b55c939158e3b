/* A peer for the benchmark: the design that a first course on eBPF teaches. A hash map from
 * thread to its start, a record in the ring buffer for each write, and a wake-up for each
 * record, which is what bpf_ringbuf_submit does unless told otherwise. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "handout.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

const volatile __u32 own_pid = 0;
__u64 lost = 0;

struct begun {
	__u64 ts;
	int fd;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct begun);
} begun_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 * 1024 * 1024);
} rb SEC(".maps");

SEC("tp/syscalls/sys_enter_write")
int handle_enter(struct trace_event_raw_sys_enter *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 thread = id;
	struct begun begun = {};

	if (id >> 32 == own_pid)
		return 0;
	begun.ts = bpf_ktime_get_ns();
	begun.fd = ctx->args[0];
	bpf_map_update_elem(&begun_map, &thread, &begun, BPF_ANY);
	return 0;
}

SEC("tp/syscalls/sys_exit_write")
int handle_exit(struct trace_event_raw_sys_exit *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 thread = id;
	struct begun *begun = bpf_map_lookup_elem(&begun_map, &thread);
	struct handout_event *event;

	if (!begun)
		return 0;
	event = bpf_ringbuf_reserve(&rb, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}
	event->start_ns = begun->ts;
	event->duration_ns = bpf_ktime_get_ns() - begun->ts;
	event->pid = id >> 32;
	event->tid = thread;
	event->fd = begun->fd;
	event->ret = ctx->ret;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	bpf_ringbuf_submit(event, 0);
	bpf_map_delete_elem(&begun_map, &thread);
	return 0;
}
