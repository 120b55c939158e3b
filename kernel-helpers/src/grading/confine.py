"""Runs a command apart from the machine, within bounds: confine.py SETTINGS ERRORS COMMAND...

SETTINGS is JSON: {"seconds": s, "memory_bytes": b, "processes": n, "rlimits": true to do without cgroups}. ERRORS is
a file, in a directory of its own, for what it says on standard error. The command gets mounts and a network of its own (unshare), may not signal, trace or detach what is not its own (guard.py),
and all that it started is ended with it. Says one JSON line: {"outcome", "detail", "bounds", "seconds", "code"}, outcome
one of "ended", "time limit", "memory limit", "too many processes" and "not its own".
"""

import ctypes
import json
import os
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import time

import bounds
import files
import guard

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LARGEST_FILE = 1 << 30
LOOK_EVERY_MS = 50


def begin(command, group, errors, ours):
    """The child: within its bounds and behind its guard before the first instruction of the command."""
    os.setsid()
    group.enter()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    sink, said = os.open(os.devnull, os.O_RDWR), os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    for descriptor, target in ((sink, 0), (sink, 1), (said, 2)):
        os.dup2(descriptor, target)  # what it writes past its notebook is nobody's
    socket.send_fds(ours, [b"."], [guard.install()])
    os.execvp("unshare", ["unshare", "--mount", "--net", "--propagation", "private", "--", *command])


def watch(child, listener, group, seconds):
    """Until the command ends or goes beyond a bound: what became of it, and in words what went beyond."""
    warden = guard.Guard(listener, group)
    poll = select.poll()
    pidfd = os.pidfd_open(child)
    poll.register(pidfd, select.POLLIN)
    poll.register(listener, select.POLLIN)
    end, look = time.monotonic() + seconds, 0.0
    while True:
        ready = dict(poll.poll(LOOK_EVERY_MS))
        if ready.get(listener, 0) & select.POLLIN:
            attempt = warden.answer()
            if attempt:
                return "not its own", attempt
        elif listener in ready:
            poll.unregister(listener)  # the last process behind the guard has ended
        now = time.monotonic()
        if now >= look or pidfd in ready:
            look = now + LOOK_EVERY_MS / 1000
            bounds.reap(keep=child)
            beyond = group.beyond()
            if beyond:
                return beyond
        if pidfd in ready:
            return "ended", ""
        if now >= end:
            return "time limit", f"it ran for {seconds:g} s"


def end(group):
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)  # this is not to be interrupted
    group.end()
    subprocess.run(["unshare", "--mount", "--propagation", "private", "--", sys.executable, files.__file__], stderr=subprocess.DEVNULL, check=False)


def main(settings, errors, command):
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # what loses its parent becomes ours, and is found and ended
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, lambda number, _frame: sys.exit(128 + number))
    began = time.monotonic()
    group = bounds.make(f"bpflab-grade-{os.getpid()}", settings)
    child = 0
    try:
        theirs, ours = socket.socketpair()
        child = os.fork()
        if child == 0:
            try:
                for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    signal.signal(each, signal.SIG_DFL)
                begin(command, group, errors, ours)
            except BaseException as error:
                os.write(2, f"{error}\n".encode())
            finally:
                os._exit(126)
        ours.close()
        listener = socket.recv_fds(theirs, 1, 1)[1]
        outcome, detail = watch(child, listener[0], group, settings["seconds"]) if listener else ("ended", "")
        code = None
        if outcome == "ended":
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        end(group)
        print(json.dumps({"outcome": outcome, "detail": detail, "bounds": group.name, "seconds": time.monotonic() - began, "code": code}), flush=True)
    except BaseException:
        end(group)
        shutil.rmtree(os.path.dirname(errors), ignore_errors=True)  # who asked for it ends as well
        raise


main(json.loads(sys.argv[1]), sys.argv[2], sys.argv[3:])
