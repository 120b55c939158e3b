/** Right solutions of the exercises in several styles, as students write them. */

const head = `#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

char LICENSE[] SEC("license") = "GPL";

`;

/** What a write's begin leaves for its end. */
const notes = `struct note {
	u64 ts;
	s32 fd;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, struct note);
} notes SEC(".maps");

`;

const enter = `SEC("tp/syscalls/sys_enter_write")
int enter(struct trace_event_raw_sys_enter *ctx)
{
	u64 id = bpf_get_current_pid_tgid();
	struct note note = { .ts = bpf_ktime_get_ns(), .fd = ctx->args[0] };

	if (id >> 32 != my_pid)
		return 0;
	bpf_map_update_elem(&notes, &id, &note, BPF_ANY);
	return 0;
}

`;

/** The heart of `ringbuf`, which is also what its notebook leaves to write. */
export const sendEvent = `	e = bpf_ringbuf_reserve(&rb, sizeof(*e), 0);
	if (e) {
		e->duration_ns = bpf_ktime_get_ns() - note->ts;
		e->pid = id >> 32;
		e->tid = id;
		e->fd = note->fd;
		e->ret = ctx->ret;
		bpf_get_current_comm(&e->comm, sizeof(e->comm));
		bpf_ringbuf_submit(e, 0);
	}
`;

/** The heart of `stats`. */
export const addUp = `	bpf_map_update_elem(&stats_map, &key, &none, BPF_NOEXIST);
	s = bpf_map_lookup_elem(&stats_map, &key);
	if (!s)
		return 0;
	__sync_fetch_and_add(&s->writes, 1);
	__sync_fetch_and_add(&s->total_ns, ns);
	if (ns > s->max_ns)
		s->max_ns = ns;
	if (every_n && s->writes % every_n == 0) {
		struct record *r = bpf_ringbuf_reserve(&rb, sizeof(*r), 0);

		if (!r)
			return 0;
		r->key = key;
		r->writes = s->writes;
		r->total_ns = s->total_ns;
		r->max_ns = s->max_ns;
		bpf_ringbuf_submit(r, 0);
	}
`;

/** The body of `filter`. */
export const countEchoRequest = `	void *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct icmphdr *icmp = (void *)(ip + 1);
	u64 now = bpf_ktime_get_ns();
	struct window *w;
	u32 source;

	if ((void *)(icmp + 1) > data_end)
		return PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return PASS;
	if (ip->protocol != IPPROTO_ICMP)
		return PASS;
	if (icmp->type != 8)
		return PASS;
	source = ip->saddr;
	w = bpf_map_lookup_elem(&windows, &source);
	if (!w) {
		struct window fresh = { .begun = now, .count = 1 };

		bpf_map_update_elem(&windows, &source, &fresh, BPF_ANY);
		return PASS;
	}
	if (now - w->begun >= 1000000000) {
		w->begun = now;
		w->count = 0;
	}
	w->count++;
	return w->count > threshold ? DROP : PASS;
`;

export const hashmap = `${head}u32 my_pid = 0;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, u64);
} starts SEC(".maps");

SEC("tp/syscalls/sys_enter_write")
int enter(struct trace_event_raw_sys_enter *ctx)
{
	u64 id = bpf_get_current_pid_tgid();
	u64 now = bpf_ktime_get_ns();

	if (id >> 32 != my_pid)
		return 0;
	bpf_map_update_elem(&starts, &id, &now, BPF_ANY);
	return 0;
}

SEC("tp/syscalls/sys_exit_write")
int leave(struct trace_event_raw_sys_exit *ctx)
{
	u64 id = bpf_get_current_pid_tgid();
	u64 *start = bpf_map_lookup_elem(&starts, &id);
	u64 took;

	if (!start)
		return 0;
	took = bpf_ktime_get_ns() - *start;
	bpf_printk("write took %llu ns", took);
	bpf_map_delete_elem(&starts, &id);
	return 0;
}
`;

/** Another student's: keyed by the thread's number, with a struct, and bpflab.h. */
export const hashmapByThread = `#include "bpflab.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
int my_pid = 0;
struct note { u64 ts; s32 fd; };
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 512);
	__type(key, u32);
	__type(value, struct note);
} notes SEC(".maps");

SEC("tracepoint/syscalls/sys_exit_write")
int b(void *ctx)
{
	u32 tid = bpf_get_current_pid_tgid();
	struct note *note = bpf_map_lookup_elem(&notes, &tid);

	if (note) {
		u64 ns = bpf_ktime_get_ns() - note->ts;
		bpf_printk("fd %d: %llu ns", note->fd, ns);
		bpf_map_delete_elem(&notes, &tid);
	}
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_write")
int a(struct trace_event_raw_sys_enter *ctx)
{
	u32 tid = bpf_get_current_pid_tgid();
	struct note note = { .fd = ctx->args[0] };

	if (bpf_get_current_pid_tgid() >> 32 == my_pid) {
		note.ts = bpf_ktime_get_ns();
		bpf_map_update_elem(&notes, &tid, &note, 0);
	}
	return 0;
}
`;

export const ringbuf = `${head}u32 my_pid = 0;

struct event {
	u64 duration_ns;
	u32 pid;
	u32 tid;
	s32 fd;
	s32 ret;
	char comm[16];
};

struct event *rb_record;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} rb SEC(".maps");

${notes}${enter}SEC("tp/syscalls/sys_exit_write")
int leave(struct trace_event_raw_sys_exit *ctx)
{
	u64 id = bpf_get_current_pid_tgid();
	struct note *note = bpf_map_lookup_elem(&notes, &id);
	struct event *e;

	if (!note)
		return 0;
${sendEvent}	bpf_map_delete_elem(&notes, &id);
	return 0;
}
`;

/** Another student's: the record on the stack, sent by bpf_ringbuf_output. */
export const ringbufByOutput = ringbuf
  .replace("struct event *e;", "struct event one = {}, *e = &one;")
  .replace("\te = bpf_ringbuf_reserve(&rb, sizeof(*e), 0);\n", "")
  .replace("\tif (e) {", "\t{")
  .replace("bpf_ringbuf_submit(e, 0);", "bpf_ringbuf_output(&rb, e, sizeof(*e), 0);");

export const stats = `${head}u32 my_pid = 0;
u64 every_n = 0;

struct key {
	u32 pid;
	s32 fd;
};

struct stats {
	u64 writes;
	u64 total_ns;
	u64 max_ns;
};

struct record {
	struct key key;
	u64 writes;
	u64 total_ns;
	u64 max_ns;
};
struct record *rb_record;

${notes}struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct key);
	__type(value, struct stats);
} stats_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} rb SEC(".maps");

${enter}SEC("tp/syscalls/sys_exit_write")
int leave(struct trace_event_raw_sys_exit *ctx)
{
	u64 id = bpf_get_current_pid_tgid();
	struct note *note = bpf_map_lookup_elem(&notes, &id);
	struct stats none = {}, *s;
	struct key key = {};
	u64 ns;

	if (!note)
		return 0;
	ns = bpf_ktime_get_ns() - note->ts;
	key.pid = id >> 32;
	key.fd = note->fd;
	bpf_map_delete_elem(&notes, &id);
${addUp}	return 0;
}
`.replaceAll("struct key", "struct fd_key");

export const filter = `${head}#define ETH_P_IP 0x0800
#define PASS 0
#define DROP 2

u32 threshold = 50;

struct window {
	u64 begun;
	u64 count;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, struct window);
} windows SEC(".maps");

SEC("tc")
int filter(struct __sk_buff *skb)
{
${countEchoRequest}}
`;

/** Another student's: reads by bpf_skb_load_bytes, and holds IPv6 to the threshold as well. */
export const filterByLoading = `#include "bpflab.h"
#include <bpf/bpf_endian.h>
char LICENSE[] SEC("license") = "GPL";
u32 threshold = 50;
struct window { u64 begun; u64 count; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 1024); __type(key, struct in6_addr); __type(value, struct window); } windows SEC(".maps");

SEC("tc")
int limit(struct __sk_buff *skb)
{
	struct in6_addr source = {};
	struct window *w, fresh = {};
	u8 protocol = 0, type = 0;

	if (skb->protocol == bpf_htons(0x0800)) {
		bpf_skb_load_bytes(skb, 14 + 9, &protocol, 1);
		bpf_skb_load_bytes(skb, 14 + 20, &type, 1);
		if (protocol != 1 || type != 8)
			return -1;
		bpf_skb_load_bytes(skb, 14 + 12, &source, 4);
	} else if (skb->protocol == bpf_htons(0x86dd)) {
		bpf_skb_load_bytes(skb, 14 + 6, &protocol, 1);
		bpf_skb_load_bytes(skb, 14 + 40, &type, 1);
		if (protocol != 58 || type != 128)
			return -1;
		bpf_skb_load_bytes(skb, 14 + 8, &source, 16);
	} else {
		return -1;
	}
	bpf_map_update_elem(&windows, &source, &fresh, BPF_NOEXIST);
	w = bpf_map_lookup_elem(&windows, &source);
	if (!w)
		return -1;
	if (bpf_ktime_get_ns() - w->begun > 1000000000ull) {
		w->count = 0;
		w->begun = bpf_ktime_get_ns();
	}
	return ++w->count > threshold ? 2 : -1;
}
`;

const tracing = head.replace("\n\n", "\n#include <bpf/bpf_tracing.h>\n\n");

/** Another student's: on all system calls, with the arguments by name. */
export const hashmapOnAllCalls = `${tracing}u32 my_pid = 0;
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 1024); __type(key, u64); __type(value, u64); } starts SEC(".maps");
SEC("tp_btf/sys_enter")
int BPF_PROG(on_enter, struct pt_regs *regs, long id)
{
	u64 key = bpf_get_current_pid_tgid(), now;
	if (id != 1 || key >> 32 != my_pid) return 0;
	now = bpf_ktime_get_ns();
	bpf_map_update_elem(&starts, &key, &now, 0);
	return 0;
}
SEC("tp_btf/sys_exit")
int BPF_PROG(on_exit, struct pt_regs *regs, long ret)
{
	u64 key = bpf_get_current_pid_tgid();
	u64 *t = bpf_map_lookup_elem(&starts, &key);
	if (!t) return 0;
	bpf_printk("took %llu ns", bpf_ktime_get_ns() - *t);
	bpf_map_delete_elem(&starts, &key);
	return 0;
}
`;

/** Another student's: what a call's beginning leaves is kept by the task itself. */
export const hashmapInTask = `${tracing}u32 my_pid = 0;
struct { __uint(type, BPF_MAP_TYPE_TASK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, u64); } starts SEC(".maps");
SEC("tp_btf/sys_enter")
int BPF_PROG(on_enter, struct pt_regs *regs, long id)
{
	u64 *t;
	if (id != 1 || bpf_get_current_pid_tgid() >> 32 != my_pid) return 0;
	t = bpf_task_storage_get(&starts, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (t) *t = bpf_ktime_get_ns();
	return 0;
}
SEC("tp_btf/sys_exit")
int BPF_PROG(on_exit, struct pt_regs *regs, long ret)
{
	u64 *t = bpf_task_storage_get(&starts, bpf_get_current_task_btf(), 0, 0);
	if (!t) return 0;
	bpf_printk("took %llu ns", bpf_ktime_get_ns() - *t);
	bpf_task_storage_delete(&starts, bpf_get_current_task_btf());
	return 0;
}
`;

/** Another student's: an array among the globals in place of a map, and a function of her own. */
export const hashmapInGlobals = `${head}u32 my_pid = 0;
u64 begun[65536];
static __always_inline u32 slot(void) { return (u32)bpf_get_current_pid_tgid() & 65535; }
SEC("tracepoint/syscalls/sys_enter_write")
int in(struct trace_event_raw_sys_enter *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 == my_pid) begun[slot()] = bpf_ktime_get_ns();
	return 0;
}
SEC("tracepoint/syscalls/sys_exit_write")
int out(struct trace_event_raw_sys_exit *ctx)
{
	u64 t = begun[slot()];
	if (!t) return 0;
	begun[slot()] = 0;
	bpf_printk("write of %d: %llu", (u32)bpf_get_current_pid_tgid(), bpf_ktime_get_ns() - t);
	return 0;
}
`;

/** Another student's: the second is part of the key, the headers are loaded by a function of his own. */
export const filterBySecond = `${head}#define ETH_P_IP 0x0800
u32 threshold = 50;
struct who { u32 addr; u32 second; };
struct { __uint(type, BPF_MAP_TYPE_LRU_HASH); __uint(max_entries, 4096); __type(key, struct who); __type(value, u64); } counts SEC(".maps");
static __always_inline int is_request(struct __sk_buff *skb, u32 *addr)
{
	struct iphdr ip; u8 type;
	if (skb->protocol != bpf_htons(ETH_P_IP)) return 0;
	if (bpf_skb_load_bytes(skb, 14, &ip, sizeof(ip)) || ip.protocol != 1) return 0;
	if (bpf_skb_load_bytes(skb, 14 + ip.ihl * 4, &type, 1) || type != 8) return 0;
	*addr = ip.saddr;
	return 1;
}
SEC("tcx/ingress")
int limit(struct __sk_buff *skb)
{
	struct who who = {}; u64 one = 1, *n;
	if (!is_request(skb, &who.addr)) return TCX_PASS;
	who.second = bpf_ktime_get_ns() / 1000000000ULL;
	n = bpf_map_lookup_elem(&counts, &who);
	if (!n) { bpf_map_update_elem(&counts, &who, &one, 0); return TCX_PASS; }
	return __sync_add_and_fetch(n, 1) > threshold ? TCX_DROP : TCX_PASS;
}
`;

/** Another student's: the same by XDP. */
export const filterByXdp = filter
  .replace('SEC("tc")', 'SEC("xdp")')
  .replace("struct __sk_buff *skb", "struct xdp_md *skb")
  .replace("#define PASS 0", "#define PASS XDP_PASS")
  .replace("#define DROP 2", "#define DROP XDP_DROP");
