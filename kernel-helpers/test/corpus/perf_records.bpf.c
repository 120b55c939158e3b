/* Perf event arrays, as programs from before the ring buffer fill them. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define PERF(NAME)                                                                                                     \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);                                                           \
		__uint(key_size, sizeof(int));                                                                         \
		__uint(value_size, sizeof(int));                                                                       \
	} NAME SEC(".maps")

struct write {
	__u64 time_ns;
	__u32 pid;
	__u32 cpu;
	__u64 number;
	char comm[12]; /* 36 bytes, so that the kernel pads the record */
} __attribute__((packed));

struct line {
	__u32 length;
	char text[60];
};

PERF(writes);
PERF(ids);
PERF(lines);

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(value, struct line); /* as bpf2go has it */
} typed SEC(".maps");

__u32 watched = 0;
__u64 made = 0, refused = 0;
char words[60];

SEC("tp/syscalls/sys_enter_write")
int on_write(void *ctx)
{
	struct write w = {};

	w.pid = bpf_get_current_pid_tgid() >> 32;
	if (w.pid != watched)
		return 0;
	w.number = __sync_fetch_and_add(&made, 1);
	w.cpu = bpf_get_smp_processor_id();
	w.comm[0] = 'w';
	w.time_ns = bpf_ktime_get_ns();
	if (bpf_perf_event_output(ctx, &writes, BPF_F_CURRENT_CPU, &w, sizeof(w)))
		__sync_fetch_and_add(&refused, 1);
	return 0;
}

SEC("raw_tp")
int give_id(void *ctx)
{
	__u32 id = bpf_get_current_pid_tgid() >> 32;

	return bpf_perf_event_output(ctx, &ids, BPF_F_CURRENT_CPU, &id, sizeof(id));
}

SEC("raw_tp")
int give_line(void *ctx)
{
	struct line line = {};
	long length = bpf_probe_read_kernel_str(line.text, sizeof(line.text), words);

	if (length < 0 || length > 60)
		return 1;
	line.length = length;
	return bpf_perf_event_output(ctx, &lines, BPF_F_CURRENT_CPU, &line, sizeof(line.length) + length);
}

SEC("raw_tp")
int give_typed(void *ctx)
{
	char bytes[sizeof(struct line)] = { 3, 0, 0, 0, 'a', 'b' };

	return bpf_perf_event_output(ctx, &typed, BPF_F_CURRENT_CPU, bytes, sizeof(bytes));
}
