"""Times a kernel as a front end meets it: kernel-client.py KERNELSPEC DIRECTORY CODE TIMES.

Prints, in ms, the time from the start of the process to its first kernel_info_reply, the time that CODE takes as the
first cell, and the median time of `1+1`, `1+2` and so on, so many of them, each until its reply and its result are
there; then the kernel's memory in MB. No cell is the same as the one before, of which some kernels keep what they
made of it.
"""

import re
import socket
import statistics
import sys
import time

from jupyter_client.manager import KernelManager

TIMEOUT = 60


def wait_for_port(ip, port, alive):
    """A client that connects too early looks again only after a while, which would be counted to the kernel."""
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end and alive():
        try:
            return socket.create_connection((ip, port)).close()
        except ConnectionRefusedError:
            time.sleep(0.001)
    raise TimeoutError("the kernel does not listen")


def run(client, code):
    """Until the cell is over: its reply has come, and on iopub all that it caused."""
    begun = time.perf_counter()
    client.allow_stdin = False
    reply = client.execute_interactive(code, timeout=TIMEOUT, output_hook=lambda message: None)
    if reply["content"]["status"] != "ok":
        raise RuntimeError("\n".join(reply["content"].get("traceback", [])))
    return (time.perf_counter() - begun) * 1000


def main(name, directory, code, times):
    manager = KernelManager(kernel_name=name)
    begun = time.perf_counter()
    manager.start_kernel(cwd=directory)
    try:
        wait_for_port(manager.ip, manager.shell_port, manager.is_alive)
        client = manager.client()
        client.start_channels()
        client.kernel_info(reply=True, timeout=TIMEOUT)
        start = (time.perf_counter() - begun) * 1000
        client.wait_for_ready(timeout=TIMEOUT)
        first = run(client, code)
        one_plus_one = statistics.median(run(client, f"1+{n + 1}") for n in range(int(times)))
        with open(f"/proc/{manager.provisioner.pid}/status") as status:
            memory = int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) * 1024 / 1e6
        client.stop_channels()
    finally:
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
    print(start, first, one_plus_one, memory)


main(*sys.argv[1:])
