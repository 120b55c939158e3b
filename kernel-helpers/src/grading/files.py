"""What a confined command may do to the machine's files: read them, but for those that are hidden from it.

In mounts of its own (unshare --mount) the machine is read-only. What the command writes, into its directory or beside
it, stays in memory, counts as its own, and is gone with it. (A command that is root may mount things anew: this stops
mistakes and mischief, not an attack.)
"""

import ctypes
import os
import re
import struct
import subprocess

MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE, READ_ONLY = 442, -100, 0x8000, 1  # the number is the same on all machines
libc = ctypes.CDLL(None, use_errno=True)


def change(path, add=0, remove=0):
    """The attributes of a mount and of all below it."""
    attributes = struct.pack("=QQQQ", add, remove, 0, 0)
    if libc.syscall(MOUNT_SETATTR, AT_FDCWD, path.encode(), AT_RECURSIVE, attributes, len(attributes)) != 0:
        raise OSError(ctypes.get_errno(), f"mount_setattr({path}) failed")


def mount(*arguments):
    return subprocess.run(["mount", *arguments], stderr=subprocess.DEVNULL, check=False).returncode == 0


def temporary(path, options):
    if not mount("-t", "tmpfs", "-o", options, "bpflab", path):
        raise OSError(f"no tmpfs can be mounted on {path}")


def confine(directory, size, hidden):
    """
    Puts a directory of `size` bytes into the place of `directory`.

    Returns a descriptor of `directory` as it was: the one place from which what is written comes out.
    """
    for place in ("/run/netns", "/run/bpflab"):  # where bpflab, iproute2 and others keep what they make
        os.makedirs(place, exist_ok=True)
        temporary(place, "mode=700,size=1m")
    change("/", add=READ_ONLY)
    # Settings of its network, trace instances, pinned programs; but not the cgroups that hold it.
    for place in ("/dev", "/proc", "/sys", "/run/netns", "/run/bpflab"):
        change(place, remove=READ_ONLY)
    if os.path.ismount("/sys/fs/cgroup"):
        change("/sys/fs/cgroup", add=READ_ONLY)
    mount("-t", "bpf", "bpflab", "/sys/fs/bpf")
    mount("--bind", directory, directory)
    change(directory, remove=READ_ONLY)
    outside = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    temporary(directory, f"mode=700,size={size}")
    beside(os.path.dirname(directory), directory)
    for path in hidden:
        if os.path.isdir(path):
            temporary(path, "ro,mode=755,size=4k")
        else:
            mount("--bind", "/dev/null", path)
    return outside


def beside(parent, directory):
    """What is written beside the directory (into /tmp) goes into it, where Linux has overlays; else it is read-only, too."""
    upper, work = os.path.join(directory, ".beside"), os.path.join(directory, ".work")
    os.mkdir(upper)
    os.mkdir(work)
    if not mount("-t", "overlay", "-o", f"lowerdir={parent},upperdir={upper},workdir={work}", "bpflab", parent):
        os.rmdir(upper)
        os.rmdir(work)


def remove_traces():
    """Trace buffers, which bpflab names by the process that they belong to, outlive one that was killed."""
    instances = "/sys/kernel/tracing/instances"
    if not mount("-t", "tracefs", "bpflab", os.path.dirname(instances)):
        return
    prefix = f"bpflab-{re.search('[0-9]+', os.readlink('/proc/self/ns/pid')).group()}-"
    for name in os.listdir(instances):
        pid = name.removeprefix(prefix)
        if pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
            try:
                os.rmdir(os.path.join(instances, name))
            except OSError:
                pass  # somebody else has removed it


if __name__ == "__main__":
    remove_traces()
