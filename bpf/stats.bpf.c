/* stats: the kernel adds up, user space only reads.
 *
 * For each process and descriptor: how many writes, how long they took, how many bytes, how
 * many errors, and a histogram of the times. No write is sent anywhere: user space walks the
 * map when it wants to know, or gets a record now and then (every_n, every_ns).
 *
 * Each CPU has its own share of an entry and adds to it without atomics; user space adds the
 * shares up. Measured with 8 threads on one descriptor, 2 CPUs, handle_exit as a whole, ns a
 * write: per-CPU hash 76, hash with atomics 118; with one thread 77 and 98. An LRU costs the
 * same as a hash, but forgets silently; this one is full when it is full, and counts. */
#include "bpflab.h"
#include "stats.h"
#include "syscall.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* The process to watch; 0 watches every process but our own. */
__u32 watched_pid = 0;

/* CLOCK_MONOTONIC when it was attached, which user space writes down each time. A note that is
 * older was left by a write whose end nobody saw, because we were off the hooks by then. */
__u64 attached_ns = 0;

/* A record in the ring with every so many writes of a descriptor; 0 sends none. From kernel 5.19 on, as every_ns. */
__u64 every_n = 0;

/* A record in the ring with a descriptor's first write, and with its next one once so many
 * ns have passed since the last record; 0 sends none. */
__u64 every_ns = 0;

RING_BUFFER(rb, struct stats_record, 1024 * 1024);

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4096); /* 1.7 MB a CPU */
	__type(key, struct stats_key);
	__type(value, struct stats);
} stats_map SEC(".maps");

/* Writes that are not in stats_map because other descriptors fill it. */
__u64 stats_map_lost = 0;

struct write_begun {
	__u64 ts; /* 0: no write is under way */
	__u64 bytes;
	__s32 fd;
};

/* The note from enter to exit. */
THREAD_STORAGE(begun_map, struct write_begun);

SEC("tp/syscalls/sys_enter_write")
int handle_enter(void *ctx)
{
	struct write_begun *begun;

	if (!is_watched(watched_pid))
		return 0;
	begun = thread_storage(begun_map, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!begun) {
		__sync_fetch_and_add(&stats_map_lost, 1); /* the kernel had no memory for the note */
		return 0;
	}
	begun->fd = syscall_arg(ctx, 1);
	begun->bytes = syscall_arg(ctx, 3);
	begun->ts = bpf_ktime_get_ns();
	return 0;
}

/* This CPU's share of a descriptor's entry, which is made if it is not there. Two CPUs may be
 * here at once with one key: BPF_NOEXIST keeps the second from wiping out what the first
 * has counted, and both find the same entry afterwards. */
static __always_inline struct stats *stats_of(const struct stats_key *key)
{
	static const struct stats nothing = {};
	struct stats *stats = bpf_map_lookup_elem(&stats_map, key);

	if (stats)
		return stats;
	bpf_map_update_elem(&stats_map, key, &nothing, BPF_NOEXIST);
	stats = bpf_map_lookup_elem(&stats_map, key);
	if (stats)
		bpf_get_current_comm(stats->comm, sizeof(stats->comm));
	return stats;
}

/* The position of the highest bit that is set; the verifier knows that it is below STATS_SLOTS. */
static __always_inline __u32 slot_of(__u64 ns)
{
	__u32 slot = 0;

#pragma unroll
	for (int bits = 32; bits > 0; bits /= 2) {
		if (ns >> bits) {
			slot += bits;
			ns >>= bits;
		}
	}
	return slot < STATS_SLOTS ? slot : STATS_SLOTS - 1;
}

static __always_inline void add_write(struct stats *stats, __u64 duration, __u64 bytes, long ret)
{
	if (!stats->writes || duration < stats->min_ns)
		stats->min_ns = duration;
	if (duration > stats->max_ns)
		stats->max_ns = duration;
	stats->writes++;
	stats->total_ns += duration;
	stats->asked_bytes += bytes;
	if (ret >= 0)
		stats->written_bytes += ret;
	else
		stats->errors++;
	stats->histogram[slot_of(duration)]++;
}

#if defined(BPF_FUNC_loop) && defined(BPF_FUNC_map_lookup_percpu_elem)
struct adding_up {
	struct stats_key key;
	struct stats_record record;
};

/* Adds one CPU's share to a record; 1 ends the loop, behind the last CPU. */
static long add_share(__u32 cpu, struct adding_up *sum)
{
	struct stats *share = bpf_map_lookup_percpu_elem(&stats_map, &sum->key, cpu);

	if (!share)
		return 1;
	if (!share->writes)
		return 0;
	if (!sum->record.writes || share->min_ns < sum->record.min_ns)
		sum->record.min_ns = share->min_ns;
	if (share->max_ns > sum->record.max_ns)
		sum->record.max_ns = share->max_ns;
	sum->record.writes += share->writes;
	sum->record.total_ns += share->total_ns;
	sum->record.asked_bytes += share->asked_bytes;
	sum->record.written_bytes += share->written_bytes;
	sum->record.errors += share->errors;
	return 0;
}

/* Sends the descriptor's statistics. Other CPUs go on adding meanwhile: a write of theirs may
 * be in one number and not yet in another. */
static __always_inline void send(const struct stats_key *key, __u64 now, __u64 counted)
{
	struct adding_up sum = { .key = *key };
	struct stats_record *record;

	bpf_loop(8192, add_share, &sum, 0);
	record = event_reserve(rb);
	if (!record)
		return;
	*record = sum.record;
	record->time_ns = now;
	record->pid = key->pid;
	record->fd = key->fd;
	record->counted = counted;
	bpf_get_current_comm(record->comm, sizeof(record->comm));
	event_submit(rb, record);
}

/* Whether a record is due, which one count or one clock has to say for all CPUs together:
 * of two that write at once, exactly one gets the number that every_n divides, and exactly one
 * moves the time on. */
static __always_inline void deliver(const struct stats_key *key, __u64 now)
{
	struct stats *shared = bpf_map_lookup_percpu_elem(&stats_map, key, 0);
	__u64 counted = 0, sent;
	bool due = false;

	if (!shared)
		return;
	if (every_n) {
		counted = __sync_fetch_and_add(&shared->counted, 1) + 1;
		due = counted % every_n == 0;
	}
	if (every_ns) {
		sent = *(volatile __u64 *)&shared->sent_ns;
		if (!sent || (now > sent && now - sent >= every_ns))
			due |= __sync_val_compare_and_swap(&shared->sent_ns, sent, now) == sent;
	}
	if (due)
		send(key, now, counted);
}
#else
/* Before kernel 5.19 a program cannot add up what other CPUs counted: no records. */
static __always_inline void deliver(const struct stats_key *key, __u64 now)
{
}
#endif

SEC("tp/syscalls/sys_exit_write")
int handle_exit(void *ctx)
{
	__u64 now = bpf_ktime_get_ns();
	struct write_begun *begun = thread_storage(begun_map, 0);
	struct stats_key key = {};
	struct stats *stats;

	if (!begun || !begun->ts || begun->ts < attached_ns)
		return 0; /* not watched, or it began before we were attached */
	key.pid = bpf_get_current_pid_tgid() >> 32;
	key.fd = begun->fd;
	stats = stats_of(&key);
	if (stats) {
		add_write(stats, now - begun->ts, begun->bytes, syscall_result(ctx));
		if (every_n || every_ns)
			deliver(&key, now);
	} else {
		__sync_fetch_and_add(&stats_map_lost, 1);
	}
	begun->ts = 0;
	thread_storage_done(begun_map);
	return 0;
}
