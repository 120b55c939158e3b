/* What offcpu.bpf.c adds up by. */
#ifndef OFFCPU_H
#define OFFCPU_H

enum off_cpu_why {
	waiting,   /* it went to sleep: for data, a lock, a timer */
	preempted, /* it could have run on, and another thread got the CPU */
};

/* Where a thread left the CPU. */
struct off_cpu_place {
	__u32 pid;	  /* the process */
	__s32 user_stack; /* numbers in the map stacks; negative: there is none */
	__s32 kernel_stack;
	enum off_cpu_why why;
	char comm[16];
};

/* A thread that is off the CPU. */
struct off_cpu_thread {
	__u64 since_ns; /* CLOCK_MONOTONIC */
	struct off_cpu_place place;
};

struct off_cpu_time {
	__u64 duration_ns;
	__u64 count;
};

#endif
