"""busy_kernel.py SEED DIRECTORY: a notebook's kernel that does what users do, in an order that its seed gives.

Says the kernel's process id on its first line, "ready" when the first cell has run, and how the kernel stands when its
standard input closes: "42" from a kernel that goes on, which is then shut down, or "ended".
"""

import random
import sys
import threading
from queue import Empty

from jupyter_client.manager import KernelManager

SEED, DIRECTORY = sys.argv[1:]

SETUP = """import { bpf, capture, charts, collect, net } from "kernel-helpers";"""

CELLS = [
    """%%bpf counter --attach
#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";
__u64 calls;
SEC("tp/syscalls/sys_enter_write") int count(void *ctx) { calls += NUMBER; return 0; }""",
    """const ringbuf = await (await bpf.load("ringbuf")).attach();
const writes = await collect(ringbuf.events("rb"), { seconds: 0.1 });
await capture.save(writes, "DIRECTORY/writes.parquet");
charts.histogram(writes, { x: "duration_ns" })""",
    """const lab = await net.playground({ peers: 1 });
const filter = await bpf.load("tc_icmp_filter");
await filter.attach({ interface: lab.interface });
await lab.peers[0]!.ping({ count: 300, flood: true });""",
    """lab.close();""",
    """bpf.tracePipe().subscribe();""",
    """const view = charts.live(ringbuf.events("rb"), (table) => charts.histogram(table, { x: "duration_ns" }));
await new Promise((resolve) => setTimeout(resolve, 300));
await view.stop();""",
]


def say(text):
    print(text, flush=True)


def run(client, manager, code):
    """The reply, or None when the kernel has ended."""
    sent = client.execute(code)
    while True:
        try:
            reply = client.get_shell_msg(timeout=0.2)
            if reply["parent_header"].get("msg_id") == sent:
                return reply["content"]
        except Empty:
            if not manager.is_alive():
                return None


def main():
    choose = random.Random(SEED)
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    manager = KernelManager(kernel_name="bpflab")
    manager.start_kernel(cwd=DIRECTORY)
    say(manager.provisioner.pid)
    client = manager.client()
    client.start_channels()
    try:
        if run(client, manager, SETUP) is None:
            return say("ended")
        say("ready")
        while not stop.is_set():
            cell = choose.choice(CELLS).replace("NUMBER", str(choose.randrange(9))).replace("DIRECTORY", DIRECTORY)
            if run(client, manager, cell) is None:
                return say("ended")
        reply = run(client, manager, "if (40 + 2 !== 42) throw new Error();")
        say("ended" if reply is None else "42" if reply["status"] == "ok" else reply["ename"])
        manager.shutdown_kernel()
    finally:
        client.stop_channels()
        manager.cleanup_resources()


main()
