/* Attaches xdp.bpf.c to an interface for as long as it runs.
 *
 *   xdp OBJECT INTERFACE THRESHOLD
 *
 * Prints "ready" when attached; ends, and takes it off, at end of file on standard input. */
#include <bpf/libbpf.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int count, char **arguments)
{
	struct bpf_object *object;
	struct bpf_program *program;
	struct bpf_map *map;
	unsigned int threshold;
	int interface;

	if (count != 4 || !(interface = if_nametoindex(arguments[2])))
		return 2;
	threshold = strtoul(arguments[3], NULL, 10);
	object = bpf_object__open_file(arguments[1], NULL);
	if (!object)
		return 1;
	bpf_object__for_each_map(map, object)
		if (strstr(bpf_map__name(map), ".rodata"))
			bpf_map__set_initial_value(map, &threshold, sizeof(threshold));
	if (bpf_object__load(object))
		return 1;
	program = bpf_object__find_program_by_name(object, "limit");
	if (!bpf_program__attach_xdp(program, interface))
		return 1;
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}
