/* Rings as people write them without bpflab.h: the type of a record is known only from the calls. */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define RING(NAME)                                                                                                     \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_RINGBUF);                                                                    \
		__uint(max_entries, 64 * 1024);                                                                        \
	} NAME SEC(".maps")

enum kind { OPENED = 1, CLOSED = 2 };

struct event {
	__u64 number;
	int pid;
	char comm[16];
	short grid[2][3];
	unsigned low : 3, high : 29;
};
struct opened {
	enum kind kind;
	int fd;
	char path[32];
};
struct closed {
	enum kind kind;
	int fd;
	__u64 lived_ns;
	__u64 bytes;
	__u64 more[2];
};
struct small {
	__u32 a;
};
struct large {
	__u32 a;
	__u32 b;
	__u64 c;
};
struct line {
	__u32 number;
	__u16 length;
	char text[];
};
struct points {
	__u32 count;
	struct point {
		int x, y;
	} at[];
};
struct argv {
	int pid;
	int size;
	char text[256];
};

RING(reserved);
RING(copied);
RING(numbers);
RING(heap_made);
RING(by_tag);
RING(by_length);
RING(lines);
RING(shapes);
RING(arguments);
RING(nothing_known);
RING(ragged);
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
	__type(value, struct large);
} typed SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct event);
} heap SEC(".maps");

__u64 number = 0;
__u32 length = 0;
char words[64];

static __always_inline void fill(struct event *e)
{
	e->number = number;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	for (int i = 0; i < 6; i++)
		e->grid[i / 3][i % 3] = i;
	e->low = 5;
	e->high = 77;
}

SEC("raw_tp")
int reserve(void *ctx)
{
	struct event *e = bpf_ringbuf_reserve(&reserved, sizeof(*e), 0);

	if (!e)
		return 1;
	fill(e);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("raw_tp")
int copy(void *ctx)
{
	struct event e = {};

	fill(&e);
	return bpf_ringbuf_output(&copied, &e, sizeof(e), 0);
}

SEC("raw_tp")
int count(void *ctx)
{
	__u64 now = number;

	return bpf_ringbuf_output(&numbers, &now, sizeof(now), 0);
}

SEC("raw_tp")
int from_heap(void *ctx)
{
	__u32 zero = 0;
	struct event *e = bpf_map_lookup_elem(&heap, &zero);

	if (!e)
		return 1;
	fill(e);
	return bpf_ringbuf_output(&heap_made, e, sizeof(*e), 0);
}

SEC("raw_tp")
int tagged(void *ctx)
{
	if (number & 1) {
		struct opened *o = bpf_ringbuf_reserve(&by_tag, sizeof(*o), 0);

		if (!o)
			return 1;
		o->kind = OPENED;
		o->fd = number;
		bpf_probe_read_kernel_str(o->path, sizeof(o->path), words);
		bpf_ringbuf_submit(o, 0);
	} else {
		struct closed *c = bpf_ringbuf_reserve(&by_tag, sizeof(*c), 0);

		if (!c)
			return 1;
		*c = (struct closed){ .kind = CLOSED, .fd = number, .lived_ns = 10 * number, .bytes = 7 };
		bpf_ringbuf_submit(c, 0);
	}
	return 0;
}

static __noinline int put_small(__u32 a)
{
	struct small s = { .a = a };

	return bpf_ringbuf_output(&by_length, &s, sizeof(s), 0);
}

static __noinline int put_large(__u32 a)
{
	struct large l = { .a = a, .b = 2, .c = 3 };

	return bpf_ringbuf_output(&by_length, &l, sizeof(l), 0);
}

SEC("raw_tp")
int two_lengths(void *ctx)
{
	return number & 1 ? put_small(number) : put_large(number);
}

SEC("raw_tp")
int flexible(void *ctx)
{
	struct line *line = bpf_ringbuf_reserve(&lines, sizeof(*line) + 16, 0);

	if (!line)
		return 1;
	line->number = number;
	line->length = 16;
	bpf_probe_read_kernel(line->text, 16, words);
	bpf_ringbuf_submit(line, 0);
	return 0;
}

SEC("raw_tp")
int draw(void *ctx)
{
	struct points *p = bpf_ringbuf_reserve(&shapes, sizeof(*p) + 3 * sizeof(p->at[0]), 0);

	if (!p)
		return 1;
	p->count = 3;
	for (int i = 0; i < 3; i++) {
		p->at[i].x = i;
		p->at[i].y = -i;
	}
	bpf_ringbuf_submit(p, 0);
	return 0;
}

static struct argv scratch;

SEC("raw_tp")
int run(void *ctx)
{
	__u32 size = length & 63;

	scratch.pid = bpf_get_current_pid_tgid() >> 32;
	scratch.size = size;
	bpf_probe_read_kernel(scratch.text, size, words);
	return bpf_ringbuf_output(&arguments, &scratch, (sizeof(scratch) - sizeof(scratch.text)) + size, 0);
}

SEC("raw_tp")
int anything(void *ctx)
{
	struct bpf_dynptr pointer;
	int error = bpf_ringbuf_reserve_dynptr(&nothing_known, 5, 0, &pointer);

	if (!error)
		bpf_dynptr_write(&pointer, 0, words, 5, 0);
	bpf_ringbuf_submit_dynptr(&pointer, 0);
	return error;
}

SEC("raw_tp")
int odd_length(void *ctx)
{
	struct large l = { .a = number, .b = 2, .c = 3 };

	if (length)
		return bpf_ringbuf_output(&ragged, &l, length & 15, 0);
	return bpf_ringbuf_output(&ragged, &l, sizeof(l), 0);
}

SEC("raw_tp")
int say(void *ctx)
{
	struct large *l = bpf_ringbuf_reserve(&typed, sizeof(*l), 0);

	if (!l)
		return 1;
	*l = (struct large){ .a = number };
	bpf_ringbuf_submit(l, 0);
	return 0;
}
