"""Memory and the number of processes, bounded by a cgroup of its own, or where there is none by what Linux has besides.

A bound is in force for all that a command starts, wherever it puts itself: only the superuser's own hand can move a
process out of a cgroup. `make` takes cgroup v2 with both controllers where it can be written, else v1, else limits of
each process (RLIMIT_DATA) and a count of the processes by looking.
"""

import os
import resource
import signal
import time


def mounts(kind):
    """(directory, options) of each file system of a kind."""
    with open("/proc/self/mounts", encoding="utf-8", errors="replace") as file:
        fields = [line.split() for line in file]
    return [(each[1], each[3].split(",")) for each in fields if each[2] == kind]


def own_path(controller):
    """Where this process is in the hierarchy of a v1 controller; "" for v2's."""
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        for line in file:
            _, names, path = line.rstrip("\n").split(":", 2)
            if controller in names.split(","):
                return path
    return "/"


def read(*path):
    try:
        with open(os.path.join(*path), encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def write(text, *path):
    with open(os.path.join(*path), "w", encoding="utf-8") as file:
        file.write(text)


def count(text, key):
    """The number behind a key, in files with one such pair a line."""
    for line in text.splitlines():
        name, _, number = line.partition(" ")
        if name == key:
            return int(number)
    return 0


def make(name, settings):
    if not settings.get("rlimits"):
        for kind in (Unified, Legacy):
            try:
                return kind(name, settings)
            except OSError:
                pass  # no such hierarchy, or nothing can be made in it: the next kind
    return Limits(settings)


class Group:
    """A set of processes."""

    def __init__(self, settings):
        self.memory, self.processes = settings["memory_bytes"], settings["processes"]

    def too_much_memory(self):
        return "memory limit", f"it needed more than {self.memory >> 20} MiB"

    def too_many(self):
        return "too many processes", f"it had {self.processes} processes and threads and began another"

    def stop(self):
        """No more processes from here on, as far as that can be had."""

    def end(self):
        """Ends all of it, and waits until it is gone."""
        self.stop()
        wait = 0.001
        while left := self.pids() | descendants():  # a process of root's can have left its group
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass  # it has ended
            reap()
            time.sleep(wait)
            wait = min(wait * 2, 0.1)
        self.remove()

    def remove(self):
        reap()


class Cgroup(Group):
    """One directory for v2, one for each controller for v1."""

    def __init__(self, settings, directories):
        super().__init__(settings)
        self.directories = []
        try:
            for directory in directories:
                os.mkdir(directory)
                self.directories.append(directory)
        except OSError:
            self.remove()
            raise

    def enter(self):
        for directory in self.directories:
            write(str(os.getpid()), directory, "cgroup.procs")

    def pids(self):
        return {int(pid) for directory in self.directories for pid in read(directory, "cgroup.procs").split()}

    def has(self, pid):
        return pid in self.pids()

    def stop(self):
        write("0", self.directories[-1], "pids.max")

    def remove(self):
        super().remove()
        for directory in self.directories:
            for below, _, _ in os.walk(directory, topdown=False):
                for _ in range(100):  # a process that has ended leaves its cgroup a little later
                    try:
                        os.rmdir(below)
                        break
                    except FileNotFoundError:
                        break
                    except OSError:
                        time.sleep(0.02)


class Unified(Cgroup):
    name = "cgroup v2"

    def __init__(self, name, settings):
        parent = self.parent()
        super().__init__(settings, [os.path.join(parent, name)])
        here = self.directories[0]
        try:
            write(str(self.memory), here, "memory.max")
            write(str(self.processes), here, "pids.max")
            if os.path.exists(os.path.join(here, "memory.swap.max")):
                write("0", here, "memory.swap.max")
        except OSError:
            self.remove()
            raise

    @staticmethod
    def parent():
        """The nearest cgroup above this process, itself included, that hands memory and pids down."""
        for mount, _ in mounts("cgroup2"):
            path = os.path.join(mount, own_path("").lstrip("/"))
            while len(path.rstrip("/")) >= len(mount):
                if {"memory", "pids"} <= set(read(path, "cgroup.subtree_control").split()):
                    return path
                path = os.path.dirname(path.rstrip("/"))
            if {"memory", "pids"} <= set(read(mount, "cgroup.controllers").split()):
                write("+memory +pids", mount, "cgroup.subtree_control")
                return mount
        raise FileNotFoundError("no cgroup v2 with memory and pids")

    def pids(self):
        found = set()
        for below, _, _ in os.walk(self.directories[0]):
            found |= {int(pid) for pid in read(below, "cgroup.procs").split()}
        return found

    def beyond(self):
        here = self.directories[0]
        if count(read(here, "memory.events"), "oom_kill") > 0:
            return self.too_much_memory()
        return self.too_many() if count(read(here, "pids.events"), "max") > 0 else None


class Legacy(Cgroup):
    name = "cgroup v1"

    def __init__(self, name, settings):
        places = [self.place(controller) for controller in ("memory", "pids")]
        super().__init__(settings, [os.path.join(place, name) for place in places])
        memory, pids = self.directories
        try:
            write(str(self.memory), memory, "memory.limit_in_bytes")
            write(str(self.processes), pids, "pids.max")
        except OSError:
            self.remove()
            raise

    @staticmethod
    def place(controller):
        for mount, options in mounts("cgroup"):
            if controller in options:
                own = os.path.join(mount, own_path(controller).lstrip("/"))
                return own if os.path.isdir(own) else mount
        raise FileNotFoundError(f"no cgroup v1 with {controller}")

    def beyond(self):
        memory, pids = self.directories
        if count(read(memory, "memory.oom_control"), "oom_kill") > 0:
            return self.too_much_memory()
        return self.too_many() if count(read(pids, "pids.events"), "max") > 0 else None


class Limits(Group):
    """All that descends from this process. Root's processes have no limit to their number: it is looked at instead."""

    name = "limits of each process"

    def enter(self):
        resource.setrlimit(resource.RLIMIT_DATA, (self.memory, self.memory))

    def pids(self):
        return descendants()

    def has(self, pid):
        return pid in self.pids()

    def beyond(self):
        threads = sum(count(read("/proc", str(pid), "status").replace(":\t", " "), "Threads") for pid in self.pids())
        return self.too_many() if threads > self.processes else None


def descendants():
    """Of this process: what loses its parent becomes its child."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = read("/proc", name, "stat").rpartition(")")[2].split()
            if fields and fields[0] not in "ZX":
                parents[int(name)] = int(fields[1])
    found, new = set(), {os.getpid()}
    while new:
        new = {pid for pid, parent in parents.items() if parent in new} - found
        found |= new
    return found


def reap(keep=None):
    """Takes note of children that have ended, up to one whose end somebody waits for: until then they count as processes."""
    try:
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and ended.si_pid != keep:
            os.waitpid(ended.si_pid, 0)
    except ChildProcessError:
        pass
