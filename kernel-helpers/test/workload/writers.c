/* A process whose writes are known: it waits for a line on standard input, then each of
 * its threads makes a number of writes, and each thread says what it did on standard error, which
 * must be a socket: the report is sent, so that it is no write itself.
 *
 *   writers THREADS WRITES BYTES [SLOW [SHARED [BURST PAUSE]]]
 *
 * Thread 0 writes to /dev/null, or with SLOW to a pipe whose reader takes so many
 * microseconds a read; the others always write to /dev/null, each to a descriptor of its
 * own, or with SHARED (1) all to that of thread 0. With BURST each rests for PAUSE
 * microseconds after so many writes. The report is one line a thread: tid fd writes
 * shortest_ns. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static long writes, burst, pause_us;
static size_t bytes;
static char *data;
static pthread_barrier_t ready;

struct writer {
	pthread_t thread;
	int tid, fd;
	uint64_t shortest_ns;
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void *run(void *argument)
{
	struct writer *writer = argument;

	writer->tid = gettid();
	writer->shortest_ns = UINT64_MAX;
	pthread_barrier_wait(&ready);
	for (long i = 0; i < writes; i++) {
		uint64_t begun = now(), took;

		if (write(writer->fd, data, bytes) != (ssize_t)bytes)
			abort();
		took = now() - begun;
		if (took < writer->shortest_ns)
			writer->shortest_ns = took;
		if (burst && (i + 1) % burst == 0)
			usleep(pause_us);
	}
	return NULL;
}

/* A child that reads one write's worth at a time and sleeps in between, for ever longer
 * and shorter times, so that durations spread over several powers of two. */
static int slow_pipe(long slow_us)
{
	int ends[2];

	if (pipe(ends))
		abort();
	fcntl(ends[1], F_SETPIPE_SZ, 4096);
	if (fork() == 0) {
		close(ends[1]);
		for (unsigned i = 0; read(ends[0], data, bytes) > 0; i++)
			usleep(slow_us << (i % 4));
		_exit(0);
	}
	close(ends[0]);
	return ends[1];
}

int main(int count, char **arguments)
{
	int threads = atoi(arguments[1]);
	long slow_us = count > 4 ? atol(arguments[4]) : 0;
	int shared = count > 5 && atoi(arguments[5]);
	struct writer *writers = calloc(threads, sizeof(*writers));
	char line[16];

	writes = atol(arguments[2]);
	bytes = atol(arguments[3]);
	burst = count > 7 ? atol(arguments[6]) : 0;
	pause_us = count > 7 ? atol(arguments[7]) : 0;
	data = calloc(1, bytes);
	pthread_barrier_init(&ready, NULL, threads);
	if (read(0, line, sizeof(line)) <= 0)
		return 1;
	for (int i = 0; i < threads; i++)
		if (i > 0 && shared)
			writers[i].fd = writers[0].fd;
		else
			writers[i].fd = i == 0 && slow_us ? slow_pipe(slow_us) : open("/dev/null", O_WRONLY);
	for (int i = 0; i < threads; i++)
		pthread_create(&writers[i].thread, NULL, run, &writers[i]);
	for (int i = 0; i < threads; i++)
		pthread_join(writers[i].thread, NULL);
	for (int i = 0; i < threads; i++) {
		char report[128];
		int length = snprintf(report, sizeof(report), "%d %d %ld %llu\n", writers[i].tid, writers[i].fd, writes,
				      (unsigned long long)writers[i].shortest_ns);

		if (send(2, report, length, 0) != length)
			return 1;
	}
	return 0;
}
