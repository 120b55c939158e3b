/* What every bpflab program shares: ring buffers that count what they lose, batched
 * wake-ups, and the exclusion of the observer's own processes. */
#ifndef BPFLAB_H
#define BPFLAB_H

#include "vmlinux.h" /* bpflab's has the kernel's helpers and map types as macros too: #ifdef asks whether it has one */
#include <bpf/bpf_helpers.h>

/* Defines the ring buffer NAME of BYTES (a power of two, at least a page) for records of
 * type RECORD, and beside it:
 *   NAME_lost          events that found no room;
 *   NAME_wakeup_bytes  a submit wakes the reader each time that so much more waits (a power
 *                      of two). It looks every 20 ms in any case: waking it for each record
 *                      costs several times what the record does. Tunable while the program
 *                      runs; user space lowers it when it loads the ring with another size;
 *   NAME_record        holds nothing: it keeps the record's type in BTF for user space. */
#define RING_BUFFER(NAME, RECORD, BYTES)                                                                               \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_RINGBUF);                                                                    \
		__uint(max_entries, BYTES);                                                                            \
	} NAME SEC(".maps");                                                                                           \
	__u64 NAME##_wakeup_bytes = (BYTES) / 4 < 512 * 1024 ? (BYTES) / 4 : 512 * 1024;                               \
	__u64 NAME##_lost;                                                                                             \
	RECORD *NAME##_record

/* Counts one event that the ring NAME will never carry. */
#define event_lost(NAME) ((void)__sync_fetch_and_add(&NAME##_lost, 1))

/* Room for one zeroed record in the ring NAME, or NULL, counted as lost, when it is full. */
#define event_reserve(NAME)                                                                                            \
	({                                                                                                             \
		typeof(NAME##_record) __record = bpf_ringbuf_reserve(&NAME, sizeof(*NAME##_record), 0);                \
		if (__record)                                                                                          \
			__builtin_memset(__record, 0, sizeof(*__record));                                              \
		else                                                                                                   \
			event_lost(NAME);                                                                              \
		__record;                                                                                              \
	})

/* True for the one record with which what waits in the ring NAME reaches wakeup_bytes, or a
 * multiple of it. Not for those behind it: a reader that has fallen back is awake, and each
 * further wake-up is an interrupt that takes longer than many records. */
#define event_wakes(NAME)                                                                                              \
	({                                                                                                             \
		__u64 __waiting = bpf_ringbuf_query(&NAME, BPF_RB_AVAIL_DATA), __step = NAME##_wakeup_bytes;           \
		__waiting >= __step && (__waiting & (__step - 1)) < sizeof(*NAME##_record) + BPF_RINGBUF_HDR_SZ;       \
	})

/* Hands a reserved record to user space, waking the reader only when enough waits. */
#define event_submit(NAME, RECORD)                                                                                     \
	bpf_ringbuf_submit(RECORD, event_wakes(NAME) ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP)

/* Defines the map NAME for the stacks that bpf_get_stackid() takes: 65,536 of 127 frames at the most. */
#define STACK_TRACES(NAME)                                                                                             \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_STACK_TRACE);                                                                \
		__uint(max_entries, 65536);                                                                            \
		__uint(key_size, sizeof(__u32));                                                                       \
		__uint(value_size, 127 * sizeof(__u64));                                                               \
	} NAME SEC(".maps")

/* THREAD_STORAGE(NAME, VALUE) defines a map that keeps a VALUE for each thread, from kernel 5.11 on with the thread
 * itself: no hashing, no bound on their number, and it goes when the thread does, at half the cost of a hash map. Before,
 * in a hash map for so many threads at once as it has entries.
 *   thread_storage(NAME, FLAGS)  that of the current thread, or NULL; FLAGS may ask to make it
 *   thread_storage_done(NAME)    it is not needed any more: the hash map has its place back */
#ifdef BPF_MAP_TYPE_TASK_STORAGE
#define THREAD_STORAGE(NAME, VALUE)                                                                                    \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_TASK_STORAGE);                                                               \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                                                  \
		__type(key, int);                                                                                      \
		__type(value, VALUE);                                                                                  \
	} NAME SEC(".maps")
/* As bpf_get_current_task_btf() and bpf_task_storage_get() do, but their declarations name struct task_struct: of a
 * program that uses them the compiler describes this and all it leads to for debuggers, which takes twice as long as
 * the program. */
#define current_task() (((void *(*)(void))BPF_FUNC_get_current_task_btf)())
#define thread_storage(MAP, FLAGS)                                                                                     \
	(((void *(*)(void *, void *, void *, __u64))BPF_FUNC_task_storage_get)(&MAP, current_task(), NULL, FLAGS))
#define thread_storage_done(MAP) ((void)0)
#else
#define THREAD_STORAGE(NAME, VALUE)                                                                                    \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_HASH);                                                                       \
		__uint(max_entries, 16384);                                                                            \
		__type(key, __u32);                                                                                    \
		__type(value, VALUE);                                                                                  \
	} NAME SEC(".maps");                                                                                           \
	static const VALUE NAME##_zero
#define thread_storage(MAP, FLAGS)                                                                                     \
	({                                                                                                             \
		__u32 __tid = bpf_get_current_pid_tgid();                                                              \
		void *__value = bpf_map_lookup_elem(&MAP, &__tid);                                                     \
		if (!__value && (FLAGS)) {                                                                             \
			bpf_map_update_elem(&MAP, &__tid, &MAP##_zero, BPF_NOEXIST);                                   \
			__value = bpf_map_lookup_elem(&MAP, &__tid);                                                   \
		}                                                                                                      \
		__value;                                                                                               \
	})
#define thread_storage_done(MAP)                                                                                       \
	({                                                                                                             \
		__u32 __tid = bpf_get_current_pid_tgid();                                                              \
		bpf_map_delete_elem(&MAP, &__tid);                                                                     \
	})
#endif

/* Marks a field of a per-CPU map's value: user space makes one value of all CPUs' by taking
 * the smallest, COMBINE(min), or the largest, COMBINE(max); other numbers it adds up. A CPU
 * whose value is all zero has not written to it, and does not count. */
#define COMBINE(HOW) __attribute__((btf_decl_tag("combine:" #HOW)))

/* The observer: the notebook's kernel, and the Jupyter server that turns its output into
 * more writes. As the whole machine numbers them, also when they run in a PID namespace.
 * User space fills them in at load; zero means nobody. */
const volatile __u32 own_tgid = 0;
const volatile __u32 own_parent_tgid = 0;

/* True when the current task is the observer's: such events are not worth observing, and
 * those of the observer's output would never end. */
static __always_inline bool is_own_process(void)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	return tgid == own_tgid || tgid == own_parent_tgid;
}

/* True when the current task belongs to the process PID; if PID is 0, to any but our own. */
static __always_inline bool is_watched(__u32 pid)
{
	return pid ? bpf_get_current_pid_tgid() >> 32 == pid : !is_own_process();
}

/* Where struct task_struct has a thread's name. User space fills it in at load: libbpf could find the place too, but
 * would read all of the kernel's types for it, which takes longer than to load a small program. */
static const volatile __u32 task_comm_offset = 0;

/* Copies the current thread's name to COMM, 16 bytes aligned to 8: in two loads, where
 * bpf_get_current_comm() takes a call and a copy byte by byte. */
static __always_inline void copy_comm(char *comm)
{
#ifdef BPF_FUNC_get_current_task_btf
	if (task_comm_offset) {
		const __u64 *name = current_task() + task_comm_offset;

		((__u64 *)comm)[0] = name[0];
		((__u64 *)comm)[1] = name[1];
		return;
	}
#endif
	bpf_get_current_comm(comm, 16);
}

#endif
