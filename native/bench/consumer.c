/* A reader of the ring of burst.bpf.c, as one writes it with libbpf.
 *
 *   consumer OBJECT RECORDS bytes|structs
 *
 * bytes stores each record as it is; structs decodes it, field by field, into a struct of the
 * reader's own, whose name is a C string. Prints "ready PROGRAM-ID"; ends after so many
 * records, and prints them, 0, its CPU time in ns, and by how many bytes its memory grew. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "burst.h"

struct write_made {
	unsigned long long start_ns, duration_ns;
	unsigned int pid, tid;
	int fd, ret;
	char comm[17];
};

static size_t count, room;
static struct burst_event *records;
static struct write_made *writes;

static void *grown(void *array, size_t element)
{
	if (count < room)
		return array;
	room = room ? room * 2 : 1 << 20;
	array = realloc(array, room * element);
	if (!array)
		abort();
	return array;
}

static int store_bytes(void *context, void *record, size_t size)
{
	(void)context;
	(void)size;
	records = grown(records, sizeof(*records));
	memcpy(&records[count++], record, sizeof(*records));
	return 0;
}

static int store_struct(void *context, void *record, size_t size)
{
	const struct burst_event *event = record;
	struct write_made *made;

	(void)context;
	if (size < sizeof(*event))
		return 0;
	writes = grown(writes, sizeof(*writes));
	made = &writes[count++];
	made->start_ns = event->start_ns;
	made->duration_ns = event->duration_ns;
	made->pid = event->pid;
	made->tid = event->tid;
	made->fd = event->fd;
	made->ret = event->ret;
	memcpy(made->comm, event->comm, sizeof(event->comm));
	made->comm[sizeof(event->comm)] = 0;
	return 0;
}

static long long cpu_ns(const struct rusage *used)
{
	return (used->ru_utime.tv_sec + used->ru_stime.tv_sec) * 1000000000ll +
	       (used->ru_utime.tv_usec + used->ru_stime.tv_usec) * 1000ll;
}

int main(int arguments, char **argument)
{
	struct bpf_prog_info info = {};
	unsigned int length = sizeof(info);
	struct rusage idle, used;
	struct bpf_object *object;
	struct bpf_program *program;
	struct ring_buffer *ring;
	size_t wanted;

	if (arguments != 4)
		return 2;
	wanted = atol(argument[2]);
	object = bpf_object__open_file(argument[1], NULL);
	if (!object || bpf_object__load(object))
		return 1;
	program = bpf_object__find_program_by_name(object, "burst");
	ring = ring_buffer__new(bpf_object__find_map_fd_by_name(object, "rb"),
				strcmp(argument[3], "bytes") ? store_struct : store_bytes, NULL, NULL);
	if (!program || !ring || bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &length))
		return 1;
	getrusage(RUSAGE_SELF, &idle);
	printf("ready %u\n", info.id);
	fflush(stdout);
	while (count < wanted)
		if (ring_buffer__poll(ring, 20) == 0)
			ring_buffer__consume(ring); /* what is too little for a wake-up */
	getrusage(RUSAGE_SELF, &used);
	printf("%zu 0 %lld %lld\n", count, cpu_ns(&used) - cpu_ns(&idle), (used.ru_maxrss - idle.ru_maxrss) * 1024ll);
	return 0;
}
