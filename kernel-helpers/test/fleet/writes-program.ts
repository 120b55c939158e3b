/** Records of a process's writes. It counts by itself how many it was to send, and its times can be shifted. @param bytes of the ring */
export const writesProgram = (bytes: number): string => `#include "bpflab.h"
  char LICENSE[] SEC("license") = "GPL";
  struct seen { __u64 time_ns; __u32 pid; __u32 fd; };
  RING_BUFFER(rb, struct seen, ${bytes});
  __u32 watched_pid = 1;
  __u64 shift_ns = 0;
  __u64 tried = 0;
  SEC("tp/syscalls/sys_enter_write")
  int on_write(struct trace_event_raw_sys_enter *ctx) {
    struct seen *seen;
    if (bpf_get_current_pid_tgid() >> 32 != watched_pid) return 0;
    __sync_fetch_and_add(&tried, 1);
    seen = event_reserve(rb);
    if (!seen) return 0;
    seen->time_ns = bpf_ktime_get_ns() + shift_ns;
    seen->pid = watched_pid;
    seen->fd = ctx->args[0];
    event_submit(rb, seen);
    return 0;
  }`;
