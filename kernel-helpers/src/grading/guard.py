"""What a confined command may do to processes, namespaces and BPF objects that are not its own: nothing.

A seccomp filter hands the few system calls that could reach them to the process that watches (seccomp_unotify(2)), which
lets those through that stay among the command's own: the processes of its group, and the BPF objects that were made
after it began. (A program may change what it points to between our look and the kernel's: this stops mistakes and
mischief, not an attack by somebody who knows the kernel and is root.)
"""

import ctypes
import fcntl
import os
import platform
import re
import struct

import bounds

libc = ctypes.CDLL(None, use_errno=True)

# Numbers of system calls: uapi/asm/unistd.h.
NUMBERS = {
    "x86_64": {
        "audit": 0xC000003E, "seccomp": 317, "bpf": 321, "kill": 62, "tkill": 200, "tgkill": 234, "rt_sigqueueinfo": 129,
        "rt_tgsigqueueinfo": 297, "ptrace": 101, "process_vm_writev": 311, "pidfd_open": 434, "setns": 308,
    },
    "aarch64": {
        "audit": 0xC00000B7, "seccomp": 277, "bpf": 280, "kill": 129, "tkill": 130, "tgkill": 131, "rt_sigqueueinfo": 138,
        "rt_tgsigqueueinfo": 240, "ptrace": 117, "process_vm_writev": 271, "pidfd_open": 434, "setns": 268,
    },
}  # fmt: skip
here = NUMBERS[platform.machine()]
GUARDED = {number: name for name, number in here.items() if name not in ("audit", "seccomp", "bpf")}
# enum bpf_cmd
PROG_DETACH, LINK_GET_NEXT_ID, LINK_UPDATE, LINK_DETACH = 9, 31, 29, 34
PROG_GET_NEXT_ID, MAP_GET_NEXT_ID, MAP_GET_FD_BY_ID = 11, 12, 14
COMMANDS = {PROG_DETACH: "BPF_PROG_DETACH", LINK_UPDATE: "BPF_LINK_UPDATE", LINK_DETACH: "BPF_LINK_DETACH", MAP_GET_FD_BY_ID: "BPF_MAP_GET_FD_BY_ID"}

ALLOW, NOTIFY, REFUSE = 0x7FFF0000, 0x7FC00000, 0x00050001  # the last with EPERM
LOAD, JUMP_IF_EQUAL, JUMP_IF_GREATER_OR_EQUAL, RETURN = 0x20, 0x15, 0x35, 0x06
NEW_LISTENER, SET_MODE_FILTER = 1 << 3, 1
NOTIFICATION, RESPONSE = struct.Struct("=QIIiIQ6Q"), struct.Struct("=QqiI")
RECEIVE, SEND = 0xC0000000 | NOTIFICATION.size << 16 | 0x2100, 0xC0000000 | RESPONSE.size << 16 | 0x2101
CONTINUE, EPERM = 1, 1


def instructions():
    def each(values, result):
        return [step for value in values for step in ((JUMP_IF_EQUAL, 0, 1, value), (RETURN, 0, 0, result))]

    return [
        (LOAD, 0, 0, 4),  # seccomp_data.arch: another one has other numbers
        (JUMP_IF_EQUAL, 1, 0, here["audit"]),
        (RETURN, 0, 0, REFUSE),
        (LOAD, 0, 0, 0),  # .nr
        (JUMP_IF_GREATER_OR_EQUAL, 0, 1, 0x40000000),  # x32
        (RETURN, 0, 0, REFUSE),
        *each(GUARDED, NOTIFY),
        (JUMP_IF_EQUAL, 1, 0, here["bpf"]),
        (RETURN, 0, 0, ALLOW),
        (LOAD, 0, 0, 16),  # .args[0]
        *each(COMMANDS, NOTIFY),
        (RETURN, 0, 0, ALLOW),
    ]


def install():
    """Puts this process and all that it starts behind the guard: the descriptor at which `Guard` answers."""
    code = b"".join(struct.pack("=HBBI", *each) for each in instructions())
    buffer = ctypes.create_string_buffer(code)
    program = struct.pack("@HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    listener = libc.syscall(here["seccomp"], SET_MODE_FILTER, NEW_LISTENER, program)
    if listener < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return listener


def ids(command):
    """Of all BPF objects of a kind."""
    found, attributes = [], ctypes.create_string_buffer(128)
    while libc.syscall(here["bpf"], command, attributes, 128) == 0:
        found.append(struct.unpack_from("=II", attributes)[1])
        struct.pack_into("=III", attributes, 0, found[-1], 0, 0)
    return frozenset(found)


def signed(number):
    return ctypes.c_int32(number & 0xFFFFFFFF).value


class Guard:
    def __init__(self, listener, group):
        self.listener, self.group = listener, group
        self.links, self.programs, self.maps = ids(LINK_GET_NEXT_ID), ids(PROG_GET_NEXT_ID), ids(MAP_GET_NEXT_ID)
        self.namespaces = {os.readlink(f"/proc/self/ns/{kind}") for kind in ("net", "mnt", "pid", "ipc", "uts", "cgroup", "user")}

    def answer(self):
        """Lets the call that waits through, or refuses it: then what was tried, in words."""
        buffer = bytearray(NOTIFICATION.size)
        try:
            fcntl.ioctl(self.listener, RECEIVE, buffer)
        except OSError:
            return None  # the caller has ended
        call, pid, _, number, _, _, *arguments = NOTIFICATION.unpack(buffer)
        name = bounds.read("/proc", str(pid), "comm").strip()  # while it waits: answered, it may end at once
        try:
            attempt, error = self.judge(pid, number, arguments)
        except OSError:
            attempt, error = None, True  # what it names is not there (any more)
        try:
            fcntl.ioctl(self.listener, SEND, RESPONSE.pack(call, 0, -EPERM if error else 0, 0 if error else CONTINUE))
        except OSError:
            pass  # the caller has ended
        return f"{name} tried {attempt}" if attempt else None

    def judge(self, pid, number, arguments):
        """(what was tried, whether to refuse it)"""
        if number == here["bpf"]:
            return self.judge_bpf(pid, *arguments[:3])
        name, first = GUARDED[number], signed(arguments[0])
        if name == "setns":
            target = os.readlink(f"/proc/{pid}/fd/{first}")
            foreign = target in self.namespaces
            return (f"to enter the machine's namespace {target}", True) if foreign else (None, False)
        if name == "ptrace":
            first = signed(arguments[1]) if arguments[0] else 0  # PTRACE_TRACEME names nobody
        if name == "kill" and arguments[1] == 0 or first == 0:
            return None, False  # only asks whether it is there; or its own process group
        if first < 0:
            targets = {int(each) for each in os.listdir("/proc") if each.isdigit() and (first == -1 or group_of(each) == -first)}
        else:
            targets = {leader(first)}
        foreign = next((each for each in sorted(targets) if not self.group.has(each)), None)
        # A number that nobody has: the kernel says so.
        if foreign is None or not os.path.exists(f"/proc/{foreign}"):
            return None, False
        return f"{name}() on a process that is not its own ({'all processes' if first == -1 else foreign})", True

    def judge_bpf(self, pid, command, address, _size):
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            memory.seek(address)
            first, second, third = struct.unpack("=III", memory.read(12))
        command = signed(command)
        if command == MAP_GET_FD_BY_ID:
            return None, not third & 1 << 3 and (first in self.maps or self.held_by_others("map", first))  # BPF_F_RDONLY: looking is free
        kind, known, descriptor = ("prog", self.programs, second) if command == PROG_DETACH else ("link", self.links, first)
        found = re.search(rf"^{kind}_id:\s*(\d+)", bounds.read("/proc", str(pid), "fdinfo", str(descriptor)), re.MULTILINE)
        foreign = found is not None and (int(found.group(1)) in known or self.held_by_others(kind, int(found.group(1))))
        return (f"{COMMANDS[command]} on a BPF {'program' if kind == 'prog' else 'link'} that is not its own (id {found.group(1)})", True) if foreign else (None, False)

    def held_by_others(self, kind, number):
        """Whether a process outside of the group has a BPF object: another submission may have made it since this one began."""
        own, pattern = self.group.pids(), re.compile(rf"^{kind}_id:\s*{number}$", re.MULTILINE)
        for pid in os.listdir("/proc"):
            if not pid.isdigit() or int(pid) in own:
                continue
            try:
                files = os.listdir(f"/proc/{pid}/fdinfo")
            except OSError:
                continue  # it has ended
            if any(pattern.search(bounds.read("/proc", pid, "fdinfo", file)) for file in files):
                return True
        return False


def leader(thread):
    """The process of a thread; its own number when there is no such thread."""
    found = re.search(r"^Tgid:\s*(\d+)", bounds.read("/proc", str(thread), "status"), re.MULTILINE)
    return int(found.group(1)) if found else thread


def group_of(pid):
    fields = bounds.read("/proc", pid, "stat").rpartition(")")[2].split()
    return int(fields[2]) if len(fields) > 2 else None
