/* What a program on a system call reads, wherever it hangs: SEC("tp/syscalls/sys_enter_NAME") and sys_exit_NAME.
 *
 * The tracepoint of one call sends every call of every process through the kernel's slow entry. Where the kernel lets
 * programs onto its functions, user space puts those of SEC("tp/syscalls/…") on the call's own function in its place,
 * by fentry and fexit, and says so in syscall_by_fentry. The verifier leaves out the branch that is not taken. */
#ifndef SYSCALL_H
#define SYSCALL_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

const volatile bool syscall_by_fentry = false;

/* A word of the context. Written out, so that the compiler does not join the two branches' loads into one at an address
 * that depends on the branch, which the verifier does not allow. */
#define context_word(CTX, INDEX)                                                                                       \
	({                                                                                                             \
		__u64 __word;                                                                                          \
		asm volatile("%[word] = *(u64 *)(%[ctx] + %[offset])"                                                  \
			     : [word] "=r"(__word)                                                                     \
			     : [ctx] "r"(CTX), [offset] "i"((INDEX)*8));                                               \
		__word;                                                                                                \
	})

/* Argument N, from 1 to 5, of the call that begins. */
#define syscall_arg(CTX, N)                                                                                            \
	(syscall_by_fentry ? (__u64)PT_REGS_PARM##N##_SYSCALL((struct pt_regs *)context_word(CTX, 0))                  \
			   : context_word(CTX, 1 + (N)))

/* What the call that ends returns: a negative number is an errno. */
#define syscall_result(CTX) ((long)(syscall_by_fentry ? context_word(CTX, 1) : context_word(CTX, 2)))

#endif
