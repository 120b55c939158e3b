/* The user side of handout.bpf.c: ring_buffer__poll, and a callback that stores each record
 * or, with PRINT, prints it to /dev/null.
 *
 *   handout OBJECT store|print
 *
 * Prints "ready" when attached; ends at end of file on standard input, and then prints the
 * records it had, those lost, its CPU time in ns, and by how many bytes its memory grew. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "handout.h"

static struct handout_event *stored;
static size_t count, room;
static FILE *out; /* where records are printed; NULL when they are stored */

static int store(void *context, void *record, size_t size)
{
	(void)context;
	(void)size;
	if (count == room) {
		room = room ? room * 2 : 1 << 20;
		stored = realloc(stored, room * sizeof(*stored));
		if (!stored)
			abort();
	}
	memcpy(&stored[count++], record, sizeof(*stored));
	return 0;
}

static int print(void *context, void *record, size_t size)
{
	const struct handout_event *event = record;

	(void)context;
	(void)size;
	count++;
	fprintf(out, "%-16s %u %u %d %d %llu\n", event->comm, event->pid, event->tid, event->fd, event->ret,
		event->duration_ns);
	return 0;
}

static long long cpu_ns(const struct rusage *used)
{
	return (used->ru_utime.tv_sec + used->ru_stime.tv_sec) * 1000000000ll +
	       (used->ru_utime.tv_usec + used->ru_stime.tv_usec) * 1000ll;
}

static int input_ended(void)
{
	struct pollfd input = { .fd = 0, .events = POLLIN };
	char byte;

	return poll(&input, 1, 0) > 0 && read(0, &byte, 1) <= 0;
}

int main(int arguments, char **argument)
{
	struct bpf_object *object;
	struct bpf_program *program;
	struct ring_buffer *ring;
	struct bpf_map *map;
	struct rusage used, idle;
	unsigned long long lost = 0;
	unsigned int own_pid = getpid(), zero = 0;

	if (arguments != 3)
		return 2;
	if (!strcmp(argument[2], "print"))
		out = fopen("/dev/null", "w");
	object = bpf_object__open_file(argument[1], NULL);
	if (!object)
		return 1;
	bpf_object__for_each_map(map, object) {
		size_t size;
		const char *name = bpf_map__name(map);

		if (strstr(name, ".rodata"))
			memcpy((void *)bpf_map__initial_value(map, &size), &own_pid, sizeof(own_pid));
	}
	if (bpf_object__load(object))
		return 1;
	bpf_object__for_each_program(program, object)
		if (!bpf_program__attach(program))
			return 1;
	ring = ring_buffer__new(bpf_object__find_map_fd_by_name(object, "rb"), out ? print : store, NULL, NULL);
	if (!ring)
		return 1;
	getrusage(RUSAGE_SELF, &idle);
	puts("ready");
	fflush(stdout);
	while (!input_ended())
		ring_buffer__poll(ring, 20);
	ring_buffer__consume(ring);
	bpf_object__for_each_map(map, object)
		if (strstr(bpf_map__name(map), ".bss"))
			bpf_map_lookup_elem(bpf_map__fd(map), &zero, &lost);
	getrusage(RUSAGE_SELF, &used);
	printf("%zu %llu %lld %lld\n", count, lost, cpu_ns(&used) - cpu_ns(&idle),
	       (used.ru_maxrss - idle.ru_maxrss) * 1024ll);
	return 0;
}
