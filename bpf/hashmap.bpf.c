/* hashmap: two programs that talk through a map.
 *
 * A tracepoint sees the beginning of write(2) or its end, never both. So the first
 * program leaves a note in a hash map, and the second one picks it up. */
#include "bpflab.h"
#include "hashmap.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* The process to watch; 0 watches every process but our own. */
__u32 watched_pid = 0;

/* Writes that could not be matched because match_map was full. */
__u64 unmatched = 0;

/* Durations are printed when this is true; the map is kept up to date in any case. */
bool print = true;

/* Key: the thread. Two threads of one process may be inside write(2) at once, so the
 * process would not do. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct event_to_match);
} match_map SEC(".maps");

SEC("tp/syscalls/sys_enter_write")
int handle_enter(struct trace_event_raw_sys_enter *ctx)
{
	struct event_to_match event = {};
	__u32 thread = bpf_get_current_pid_tgid();

	if (!is_watched(watched_pid))
		return 0;
	event.ts = bpf_ktime_get_ns();
	event.fd = ctx->args[0];
	if (bpf_map_update_elem(&match_map, &thread, &event, BPF_ANY))
		__sync_fetch_and_add(&unmatched, 1);
	return 0;
}

SEC("tp/syscalls/sys_exit_write")
int handle_exit(struct trace_event_raw_sys_exit *ctx)
{
	__u32 thread = bpf_get_current_pid_tgid();
	struct event_to_match *event = bpf_map_lookup_elem(&match_map, &thread);

	if (!event)
		return 0; /* not watched, or it began before we were attached */
	if (print)
		bpf_printk("write to descriptor %d took %llu ns", event->fd, bpf_ktime_get_ns() - event->ts);
	bpf_map_delete_elem(&match_map, &thread);
	return 0;
}
