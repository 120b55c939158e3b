/* What programs use of libbpf's headers since 1.2, for those that are compiled with older ones. Comes before a program's
 * first line, and does nothing where libbpf has them. */
#ifndef NEWER_LIBBPF_H
#define NEWER_LIBBPF_H

#include <bpf/libbpf_version.h>

#if LIBBPF_MAJOR_VERSION == 1 && LIBBPF_MINOR_VERSION < 2
#define BPF_UPROBE(name, args...) BPF_KPROBE(name, ##args)
#define BPF_URETPROBE(name, args...) BPF_KRETPROBE(name, ##args)
#define bpf_ksym_exists(sym) (!!(sym))
#define __kptr_untrusted __attribute__((btf_type_tag("kptr_untrusted")))
#define __percpu_kptr __attribute__((btf_type_tag("percpu_kptr")))

struct bpf_iter_num;
extern int bpf_iter_num_new(struct bpf_iter_num *, int, int) __attribute__((weak, section(".ksyms")));
extern int *bpf_iter_num_next(struct bpf_iter_num *) __attribute__((weak, section(".ksyms")));
extern void bpf_iter_num_destroy(struct bpf_iter_num *) __attribute__((weak, section(".ksyms")));

/* A loop from one number to another that the verifier goes through once, by the kernel's iterator of numbers. */
#define bpf_for(number, from, to)                                                                                      \
	for (struct bpf_iter_num __numbers __attribute__((aligned(8), cleanup(bpf_iter_num_destroy))),                 \
	     *__begun __attribute__((unused)) =                                                                        \
		     (bpf_iter_num_new(&__numbers, (from), (to)), (void)bpf_iter_num_destroy, (void *)0);              \
	     ({                                                                                                        \
		     int *__next = bpf_iter_num_next(&__numbers);                                                      \
		     __next && ((number) = *__next, (number) >= (from) && (number) < (to));                            \
	     });)
#define bpf_repeat(times)                                                                                              \
	for (struct bpf_iter_num __numbers __attribute__((aligned(8), cleanup(bpf_iter_num_destroy))),                 \
	     *__begun __attribute__((unused)) =                                                                        \
		     (bpf_iter_num_new(&__numbers, 0, (times)), (void)bpf_iter_num_destroy, (void *)0);                \
	     bpf_iter_num_next(&__numbers);)
#endif

#if LIBBPF_MAJOR_VERSION == 1 && LIBBPF_MINOR_VERSION < 4
#define __arg_ctx __attribute__((btf_decl_tag("arg:ctx")))
#define __arg_nonnull __attribute__((btf_decl_tag("arg:nonnull")))
#define __arg_nullable __attribute__((btf_decl_tag("arg:nullable")))
#define __arg_trusted __attribute__((btf_decl_tag("arg:trusted")))
#endif

#endif
