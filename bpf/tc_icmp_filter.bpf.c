/* tc_icmp_filter: lets a source ping us so often a second and no more.
 *
 * At an interface's ingress, before the network stack sees the packet. All but ICMP echo
 * requests passes (in mode drop_all: all but ICMP). */
#include "bpflab.h"
#include "icmp_packet.h"
#include "tc_icmp_filter.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define SECOND 1000000000ULL
#define E2BIG 7 /* of an update: the map is full */

/* Let the next program at the hook decide; when there is none, the packet passes. */
#define PASS -1
#define DROP 2

/* Tuned while it runs: each acts on the next packet. */
enum filter_mode mode = filter;
__u32 threshold = 50;		   /* echo requests of a source in a second */
__u32 block_seconds = 0;	   /* how long a source stays on the blacklist; 0: until it is released by hand */
__u32 drop_events_per_second = 10; /* at most so many events of drops a second for each source */

/* Counted since it was loaded. */
__u64 passed = 0;  /* echo requests let through */
__u64 dropped = 0; /* ICMP packets dropped, for whatever reason */
__u64 hidden = 0; /* packets dropped that hide what they are (see ICMP_HIDDEN); counted, not dropped, in mode monitor */
__u64 untracked = 0; /* echo requests for whose source the kernel had no memory; they pass */
__u64 blacklist_full =
	0; /* requests above the threshold whose source found no room on the blacklist; they are dropped */

/* Sources by address. Whoever has been quiet the longest makes room for a new one, so that a
 * flood from made-up addresses never shuts out a real one; a source that goes on pinging stays.
 * It only counts: what is decided is kept in the blacklist, where nobody makes room. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct in6_addr);
	__type(value, struct peer);
} peers SEC(".maps");

/* One source's packets may come in on several CPUs at once, so that its account is changed under a
 * lock. The kernel allows none inside an LRU map's values; a source's is found by its address. */
#define LOCKS 1024
struct source_lock {
	struct bpf_spin_lock lock;
	__u8 alone[60]; /* on its cache line: locks of different sources must not slow each other */
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LOCKS);
	__type(key, __u32);
	__type(value, struct source_lock);
} source_locks SEC(".maps");

/* Who is blocked. When it is full nobody is let go for it: further sources above the threshold
 * are held to it by `peers` alone, window by window. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct in6_addr);
	__type(value, struct ban);
} blacklist SEC(".maps");

/* Who is never blocked: prefixes. Also rescues a source that is on the blacklist already. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u8);
} allow SEC(".maps");

RING_BUFFER(events, struct filter_event, 1024 * 1024);

static __always_inline void count_one(__u64 *counter)
{
	__sync_fetch_and_add(counter, 1);
}

static __always_inline void report(struct __sk_buff *skb, enum filter_action action, const struct in6_addr *source,
				   __u64 count, __u64 now)
{
	struct filter_event *event = event_reserve(events);

	if (!event)
		return;
	event->time_ns = now;
	__builtin_memcpy(&event->source, source, sizeof(*source));
	event->count = count;
	event->action = action;
	event->ifindex = skb->ifindex;
	event_submit(events, event);
}

static __always_inline bool is_allowed(const struct in6_addr *source)
{
	struct prefix whole = { .bits = 128 };

	__builtin_memcpy(&whole.address, source, sizeof(*source));
	return bpf_map_lookup_elem(&allow, &whole);
}

/* The time a ban ends; 0: never. */
static __always_inline __u64 end_of(const struct ban *ban)
{
	return block_seconds ? ban->since_ns + block_seconds * SECOND : 0;
}

static __always_inline bool has_ended(const struct ban *ban, __u64 now)
{
	__u64 end = end_of(ban);

	return end && (__s64)(now - end) >= 0;
}

#ifdef BPF_FUNC_for_each_map_elem
static long drop_if_ended(void *map, const struct in6_addr *source, struct ban *ban, __u64 *now)
{
	if (has_ended(ban, *now))
		bpf_map_delete_elem(map, source);
	return 0;
}

/* Bans that ended go when their source comes again, and the others when the table is full. Made-up
 * addresses never come again; the walk over the table is long, so once a second must do. */
static __always_inline bool make_room(__u64 now)
{
	static __u64 last_ns;
	__u64 last = last_ns;

	if ((__s64)(now - last) < (__s64)SECOND || __sync_val_compare_and_swap(&last_ns, last, now) != last)
		return false;
	bpf_for_each_map_elem(&blacklist, drop_if_ended, &now, 0);
	return true;
}
#else
/* Before kernel 5.13 a program cannot walk over a map: a full table keeps what is in it until its source comes again. */
static __always_inline bool make_room(__u64 now)
{
	return false;
}
#endif

/* Puts a source on the blacklist; true for the one who did. */
static __always_inline bool blacklist_source(const struct in6_addr *source, __u64 now)
{
	struct ban ban = { .since_ns = now };
	long error = bpf_map_update_elem(&blacklist, source, &ban, BPF_NOEXIST);

	if (error == -E2BIG && make_room(now))
		error = bpf_map_update_elem(&blacklist, source, &ban, BPF_NOEXIST);
	if (error == -E2BIG)
		count_one(&blacklist_full);
	return !error;
}

static __always_inline struct peer *find_or_add_peer(const struct in6_addr *source, __u64 now)
{
	struct peer *peer = bpf_map_lookup_elem(&peers, source);
	struct peer fresh = { .first_ns = now };

	if (peer)
		return peer;
	bpf_map_update_elem(&peers, source, &fresh, BPF_NOEXIST); /* another CPU may have been faster: all the same */
	return bpf_map_lookup_elem(&peers, source);
}

static __always_inline struct source_lock *lock_of(const struct in6_addr *source)
{
	const __u32 *words = (const void *)source;
	__u32 index = ((words[0] ^ words[1] ^ words[2] ^ words[3]) * 0x9e3779b1U >> 16) % LOCKS;

	return bpf_map_lookup_elem(&source_locks, &index);
}

static __always_inline bool is_within_second(__u64 now, __u64 since)
{
	return (__s64)(now - since) <
	       (__s64)SECOND; /* signed, because another CPU may have read its clock after we did */
}

/* True when a source on the blacklist only needs counting, which is most of a flood: no window
 * begins, no event is due, and what is dropped does not hang on the count. Needs no lock. */
static __always_inline bool is_only_counted(const struct peer *peer, __u64 now, __u64 reports)
{
	return peer->state == blacklisted && is_within_second(now, peer->first_ns) && peer->report_count >= reports &&
	       is_within_second(now, peer->report_ns);
}

/* Counts one echo request and decides on it. */
static __always_inline int handle_request(struct __sk_buff *skb, const struct in6_addr *source)
{
	/* Read once: the window and the ban must be judged by one time, and user space may tune meanwhile. */
	__u64 now = bpf_ktime_get_ns(), limit = threshold, reports = drop_events_per_second;
	bool filtering = mode == filter, drops_all = mode == drop_all;
	bool is_banned = false, is_over, is_dropped, is_reported = false;
	__u64 ended_ns = 0, count;
	struct ban *ban = NULL;
	struct source_lock *guard = lock_of(source);
	struct peer *peer;

	if (filtering && is_allowed(source))
		filtering = false;
	if (filtering)
		ban = bpf_map_lookup_elem(&blacklist, source);
	if (ban) {
		is_banned = !has_ended(ban, now);
		ended_ns = is_banned ? 0 : end_of(ban);
	}
	peer = find_or_add_peer(source, now);
	if (!peer || !guard) {
		count_one(&untracked);
		count_one(is_banned || drops_all ? &dropped : &passed);
		return is_banned || drops_all ? DROP : PASS;
	}

	if (is_banned && is_only_counted(peer, now, reports)) {
		count_one(&peer->count);
		count_one(&peer->dropped);
		count_one(&dropped);
		return DROP;
	}

	bpf_spin_lock(&guard->lock);
	/* A window is one second from its first request on, exactly: first_ns + 1 s is the next one's. The end of
	 * a ban begins a new one; whoever comes here second finds that done. */
	if (!is_within_second(now, peer->first_ns) || (__s64)(ended_ns - peer->first_ns) > 0) {
		peer->first_ns = now;
		peer->count = 0;
	}
	count_one(&peer->count); /* atomic, as the drops are: see is_only_counted */
	count = *(volatile __u64 *)&peer->count;
	is_over = count > limit;
	is_dropped = drops_all || (filtering && (is_banned || is_over));
	peer->state = is_banned ? blacklisted : is_over ? over_threshold : counted;
	if (is_dropped) {
		count_one(&peer->dropped);
		if (!is_within_second(now, peer->report_ns)) {
			peer->report_ns = now;
			peer->report_count = 0;
		}
		is_reported = peer->report_count < reports;
		peer->report_count += is_reported;
	} else {
		peer->passed++;
	}
	bpf_spin_unlock(&guard->lock);

	/* Only now, for until here it told other CPUs to begin a new window. */
	if (ended_ns && !bpf_map_delete_elem(&blacklist, source))
		report(skb, release, source, count, now);
	if (filtering && is_over && !is_banned && blacklist_source(source, now)) {
		peer->state = blacklisted;
		report(skb, block, source, count, now);
	}
	if (is_reported)
		report(skb, drop, source, count, now);
	count_one(is_dropped ? &dropped : &passed);
	return is_dropped ? DROP : PASS;
}

SEC("tc")
int icmp_filter(struct __sk_buff *skb)
{
	struct in6_addr source;

	switch (parse_packet(skb, &source)) {
	case ICMP_REQUEST:
		return handle_request(skb, &source);
	case ICMP_OTHER:
		if (mode != drop_all)
			return PASS;
		break;
	case ICMP_HIDDEN:
		count_one(&hidden);
		if (mode == monitor)
			return PASS;
		break;
	default:
		return PASS;
	}
	count_one(&dropped);
	return DROP;
}
