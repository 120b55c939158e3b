"""A process whose writes an exercise watches. It says on standard output, by writev(2), which write(2) calls it made.

Arguments: threads, fast writes a thread, slow writes a thread, ms that the first slow write takes (each further one an
eighth of that, so that the last is not the longest), bytes of a fast write, and of each thread how many writes of nothing
and as many that fail.
"""

import fcntl
import json
import os
import sys
import threading
import time

threads, fast, slow, slow_ms, size, idle = map(int, sys.argv[1:])
clock = lambda: time.clock_gettime_ns(time.CLOCK_MONOTONIC)
together = threading.Barrier(threads)


def tell(value):
    os.writev(1, [json.dumps(value).encode() + b"\n"])  # not write(2), which is counted


def timed(writes, fd, data):
    before = clock()
    try:
        wrote = os.write(fd, data)
    except OSError as error:
        wrote = -error.errno
    writes.append({"fd": fd, "bytes": wrote, "before": before, "after": clock()})


def work(made, cpu):
    os.sched_setaffinity(0, {cpu})  # this thread alone: what a program counts by CPU is then of one thread
    writes = []
    null = os.open("/dev/null", os.O_WRONLY)
    for _ in range(fast):
        timed(writes, null, b"x" * size)
    only_read = os.open("/dev/null", os.O_RDONLY)
    for _ in range(idle):
        timed(writes, null, b"")
        timed(writes, only_read, b"x")  # fails with EBADF
    reader, writer = os.pipe()
    room = fcntl.fcntl(writer, 1032)  # F_GETPIPE_SZ
    for i in range(slow):
        os.writev(writer, [b"x" * room])
        drain = threading.Timer(slow_ms / 1000 / 8**i, os.read, (reader, room))
        together.wait()
        drain.start()
        timed(writes, writer, b"x" * 4096)
        drain.join()
        os.read(reader, 4096)
    made.append({"tid": threading.get_native_id(), "null": null, "pipe": writer, "readOnly": only_read, "writes": writes})


tell(os.getpid())
sys.stdin.readline()
made = []
cpus = sorted(os.sched_getaffinity(0))
workers = [threading.Thread(target=work, args=(made, cpus[i % len(cpus)])) for i in range(threads)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
tell(made)
