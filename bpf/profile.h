/* What profile.bpf.c counts by. */
#ifndef PROFILE_H
#define PROFILE_H

struct stack_key {
	__u32 pid;	  /* the process */
	__s32 user_stack; /* numbers in the map stacks; negative: there is none */
	__s32 kernel_stack;
	char comm[16];
};

#endif
