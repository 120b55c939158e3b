"""Test hosts and their filter, when the kernel that made them restarts."""

import json
import subprocess

from harness import OwnKernelTestCase, TIMEOUT, main

FLOOD = """
import { bpf, net } from "kernel-helpers";
const lab = await net.playground({ peers: 2 });
const filter = await bpf.load("tc_icmp_filter", { globals: { mode: "drop_all" } });
await filter.attach({ interface: lab.interface, method: "clsact" });
lab.peers[0].ping({ count: 1e6, flood: true }).catch(() => {});
console.log(process.pid);
"""


def names_of(pid, *command):
    """Namespaces or interfaces that belong to this process."""
    listed = json.loads(subprocess.run(["ip", "-j", *command], check=True, stdout=subprocess.PIPE, text=True).stdout or "[]")
    names = [thing.get("name") or thing["ifname"] for thing in listed]
    return [name for name in names if name.startswith((f"bpflab-{pid}-", f"blab{pid}-"))]


class TestHosts(OwnKernelTestCase):
    def test_a_restart_takes_hosts_and_interface_away(self):
        ran = self.run_cell(FLOOD)
        self.assertEqual(ran.reply["status"], "ok", ran.messages)
        pid = ran.text("stdout").strip()
        self.assertEqual((len(names_of(pid, "netns")), len(names_of(pid, "link"))), (3, 1))
        self.km.restart_kernel()
        self.kc.wait_for_ready(timeout=TIMEOUT)
        self.assertEqual((names_of(pid, "netns"), names_of(pid, "link")), ([], []))
        self.assert_alive()


if __name__ == "__main__":
    main()
