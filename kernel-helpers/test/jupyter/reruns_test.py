"""A cell that is run again: its probes take the place of those that its earlier run attached."""


from harness import KernelTestCase, main

class Reruns(KernelTestCase):
    def setUp(self):
        super().setUp()
        ran = self.run_cell(
            'import { bpf, probe, op } from "kernel-helpers"; import { readdirSync, readFileSync } from "node:fs";\n'
            "const links = () => readdirSync('/proc/self/fdinfo').filter((fd) => { try { return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').includes('link_id'); } catch { return false; } }).length;"
        )
        self.assertEqual(ran.reply["status"], "ok", ran.messages)
        self.links = int(self.run_cell("links()").result)

    def send_as(self, cell_id, code):
        """Sends a cell as a front end does that says which one it is."""
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": True, "stop_on_error": True}
        message = self.kc.session.msg("execute_request", content, metadata={"cellId": cell_id})
        self.kc.shell_channel.send(message)
        return message["header"]["msg_id"]

    def run_as(self, cell_id, code):
        ran = self.finish(self.send_as(cell_id, code))
        self.assertEqual(ran.reply["status"], "ok", ran.messages)
        return ran

    def assert_links(self, more):
        self.assertEqual(int(self.run_cell("links()").result), self.links + more)

    def test_a_rerun_replaces_what_its_cell_attached(self):
        self.run_as("one", 'const first = await probe("tp/syscalls/sys_enter_getppid").count().attach();')
        self.run_as("two", 'const other = await probe("tp/syscalls/sys_enter_getppid").count().attach();')
        self.assert_links(2)
        # The question has changed, the cell and its hook have not.
        self.run_as("one", 'const second = await probe("tp/syscalls/sys_enter_getppid").groupby("comm").count().attach();')
        self.assert_links(2)
        self.assertEqual(self.run_cell("[first.running, second.running, other.running].join()").result, "false,true,true")
        self.run_as("one", 'const exits = await probe("tp/syscalls/sys_exit_getppid").count().attach();')
        self.assertEqual(self.run_cell("[second.running, exits.running].join()").result, "false,true", "another hook")
        self.assert_links(2)
        self.run_as("one", "1 + 1")
        self.assertEqual(self.run_cell("[exits.running, other.running].join()").result, "false,true", "no hook any more")
        self.run_as("three", "await first.attach();")
        self.assertEqual(self.run_cell("first.running").result, "true", "what was replaced can be attached again")
        self.run_cell("for (const one of [first, second, other, exits]) one.close();")
        self.assert_links(0)

    def test_what_a_rerun_attaches_again_stays(self):
        self.run_cell('const kept = probe("tp/syscalls/sys_enter_getppid").count();')
        self.run_as("again", "await kept.attach();")
        self.run_as("again", "await kept.attach();")
        self.assertEqual(self.run_cell("kept.running").result, "true")
        self.assert_links(1)
        self.run_cell("kept.close();")

    def test_a_rerun_that_fails_leaves_what_ran(self):
        self.run_as("fails", 'const before = await probe("tp/syscalls/sys_enter_getppid").count().attach();')
        failed = self.send_as("fails", 'await probe("tp/syscalls/sys_enter_getpidd").count().attach();')
        self.assertEqual(self.finish(failed).reply["status"], "error")
        self.assertEqual(self.run_cell("before.running").result, "true")
        self.run_cell("before.close();")

    def test_one_run_of_a_cell_may_attach_several(self):
        code = 'const pair = await Promise.all([1, 2].map(() => probe("tp/syscalls/sys_enter_getppid").count().attach()));'
        self.run_as("pair", code)
        self.assert_links(2)
        self.run_as("pair", code)
        self.assert_links(2)
        self.run_cell("for (const one of pair) one.close();")

    def test_streams_too_and_where_the_front_end_names_no_cells(self):
        code = 'const stream = probe("tp/syscalls/sys_enter_getppid").select("comm"); const heard = stream.events().subscribe({ complete: () => console.log("over") });\nwhile (!stream.running) await new Promise((resolve) => setTimeout(resolve, 5));\nawait new Promise((resolve) => setTimeout(resolve, 100));'
        first = self.send(code)
        self.assertEqual(self.finish(first).reply["status"], "ok")
        self.assert_links(1)
        again = self.run_cell(code)
        self.assertEqual(again.reply["status"], "ok", again.messages)
        self.assertIn("over", self.wait_for_stray("stream", first)["text"])
        self.assert_links(1)
        self.run_cell("heard.unsubscribe();")
        self.assert_links(0)


if __name__ == "__main__":
    main()
