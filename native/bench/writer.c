/* A workload that knows how long its writes took: each thread makes a number of one-byte
 * writes to /dev/null, in turn to so many descriptors.
 *
 *   writer THREADS WRITES [DESCRIPTORS]
 *
 * With 0 descriptors it calls getppid(2) instead: a system call that nobody traces.
 * Prints the time from the first write to the last, in ns. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long writes;
static int descriptors = 1, *fds;
static pthread_barrier_t ready;

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void *run(void *unused)
{
	(void)unused;
	pthread_barrier_wait(&ready);
	for (long i = 0; i < writes && descriptors == 0; i++)
		syscall(SYS_getppid);
	for (long i = 0; i < writes && descriptors > 0; i++)
		if (write(fds[i % descriptors], "x", 1) != 1)
			abort();
	return NULL;
}

int main(int count, char **arguments)
{
	int threads;
	pthread_t *all;
	int64_t begun;

	if (count < 3)
		return 2;
	threads = atoi(arguments[1]);
	writes = atol(arguments[2]);
	if (count > 3)
		descriptors = atoi(arguments[3]);
	fds = calloc(descriptors + 1, sizeof(*fds));
	for (int i = 0; i < descriptors; i++)
		fds[i] = open("/dev/null", O_WRONLY);
	all = calloc(threads, sizeof(*all));
	pthread_barrier_init(&ready, NULL, threads + 1);
	for (int i = 0; i < threads; i++)
		pthread_create(&all[i], NULL, run, NULL);
	pthread_barrier_wait(&ready);
	begun = now();
	for (int i = 0; i < threads; i++)
		pthread_join(all[i], NULL);
	printf("%lld\n", (long long)(now() - begun));
	return 0;
}
