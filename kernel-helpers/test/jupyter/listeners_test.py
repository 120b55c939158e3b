"""Cells that subscribe to the same ring: whose output is whose."""


from harness import KernelTestCase, main

PROGRAM = """%%bpf listened
#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";
struct asked { __u32 tgid; };
RING_BUFFER(asks, struct asked, 65536);

SEC("tp/syscalls/sys_enter_getppid")
int on_getppid(void *ctx)
{
	struct asked *asked;

	if (bpf_get_current_pid_tgid() >> 32 == own_tgid)
		return 0;
	asked = event_reserve(asks);
	if (!asked)
		return 0;
	asked->tgid = bpf_get_current_pid_tgid() >> 32;
	event_submit(asks, asked);
	return 0;
}
"""

ASK = "await new Promise((resolve) => require('child_process').spawn('perl', ['-e', 'getppid for 1 .. 3']).on('exit', resolve));"


class Listeners(KernelTestCase):
    def test_each_subscriber_writes_below_its_own_cell(self):
        ran = self.run_cell('import { bpf } from "kernel-helpers";')
        self.assertEqual(self.run_cell(PROGRAM).reply["status"], "ok")
        self.run_cell("await listened.attach();")
        cells = {}
        for name in ("one", "two"):
            cells[name] = self.send(f"const {name} = listened.events('asks').subscribe((batch) => console.log('{name}', batch.table.numRows() > 0));\n{name}")
            ran = self.finish(cells[name])
            self.assertEqual(ran.reply["status"], "ok", ran.messages)
            self.assertRegex(ran.result, r"^Subscribed: it goes on until its stream ends")
        ran = self.run_cell(ASK)
        self.assertNotIn("stream", [message["msg_type"] for message in ran.messages])
        for name, parent in cells.items():
            self.assertRegex(self.wait_for_stray("stream", parent)["text"], rf"^({name} true\n)+$")
        self.run_cell("one.unsubscribe(); two.unsubscribe();")
        self.assertEqual(self.run_cell("one").result, "This subscription has ended.")
        self.run_cell("listened.close();")


if __name__ == "__main__":
    main()
