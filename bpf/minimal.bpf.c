/* minimal: one program on one tracepoint, watching one process.
 *
 * Each time the process enters write(2), the program prints a line to the kernel's
 * trace pipe. */
#include "bpflab.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* The process to watch, as getpid() numbers it; 0 watches nobody. A global: user space
 * may change it while the program is attached. */
__u32 watched_pid = 0;

SEC("tp/syscalls/sys_enter_write")
int handle_enter(struct trace_event_raw_sys_enter *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	if (watched_pid == 0 || pid != watched_pid)
		return 0;
	bpf_printk("process %d writes %lu bytes to descriptor %d", pid, ctx->args[2], (int)ctx->args[0]);
	return 0;
}
