/* Makes records by the program of burst.bpf.c, which somebody else has loaded and reads.
 *
 *   producer PROGRAM-ID RECORDS
 *
 * Waits for a line on standard input; makes exactly so many, waiting while the ring is full. */
#include <bpf/bpf.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "burst.h"

int main(int count, char **arguments)
{
	char line[16];
	long left;
	int program;

	if (count != 3)
		return 2;
	program = bpf_prog_get_fd_by_id(atoi(arguments[1]));
	left = atol(arguments[2]);
	if (program < 0 || !fgets(line, sizeof(line), stdin))
		return 1;
	while (left > 0) {
		struct burst_request request = { .tries = left < 1 << 16 ? left : 1 << 16 };
		LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = &request, .ctx_size_in = sizeof(request));

		if (bpf_prog_test_run_opts(program, &run))
			return 1;
		left -= request.made;
		if (request.made < request.tries)
			sched_yield();
	}
	return 0;
}
