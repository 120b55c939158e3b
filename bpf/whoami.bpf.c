/* whoami: the ids of the process that runs this program, as the whole machine numbers them, and
 * where this kernel keeps a thread's name.
 *
 * Inside a PID namespace getpid() gives another number than BPF programs see. User space
 * runs this once with BPF_PROG_TEST_RUN, which executes it in the caller's context. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

__u32 tgid = 0;
__u32 parent_tgid = 0;
__u32 comm_offset = 0;

SEC("raw_tp")
int whoami(void *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	tgid = bpf_get_current_pid_tgid() >> 32;
	parent_tgid = BPF_CORE_READ(task, real_parent, tgid);
	comm_offset = bpf_core_field_offset(struct task_struct, comm);
	return 0;
}
