"""The protocol: the queue, signatures, prompts, comms, shutdown."""

import json
import signal
import subprocess

import zmq
from jupyter_client.manager import KernelManager

from harness import KernelTestCase, OwnKernelTestCase, TIMEOUT, main, os, time

SPIN = "for (;;);"


class QueueTests(KernelTestCase):
    def test_what_waits_behind_a_failure_is_aborted_and_nothing_later(self):
        cells = [self.send("const until = Date.now() + 1000; while (Date.now() < until); throw new Error('first')"), self.send("2"), self.send("3")]
        statuses = [self.finish(cell).reply["status"] for cell in cells]
        self.assertEqual(statuses, ["error", "aborted", "aborted"])
        self.assert_alive()

    def test_however_much_waits_behind_a_failure_is_aborted(self):
        failing = self.send("const until = Date.now() + 1500; while (Date.now() < until); throw new Error('first')")
        waiting = [self.send("2") for _ in range(1000)]
        self.assertEqual(self.reply(failing)["content"]["status"], "error")
        self.assertEqual({self.reply(cell)["content"]["status"] for cell in waiting}, {"aborted"})
        self.messages(waiting[-1])
        self.assert_alive()

    def test_what_is_sent_right_after_a_failure_runs(self):
        for _ in range(10):
            failing = self.send("throw new Error('first')")
            self.reply(failing)
            self.assertEqual(self.run_cell("1 + 1").reply["status"], "ok")

    def test_stop_on_error_false_goes_on(self):
        cells = [self.send("throw new Error('first')", stop_on_error=False), self.send("2")]
        self.assertEqual([self.finish(cell).reply["status"] for cell in cells], ["error", "ok"])

    def test_many_requests_are_answered_in_order(self):
        cells = [self.send(f"{n}") for n in range(300)]
        self.assertEqual([self.finish(cell).result for cell in cells], [str(n) for n in range(300)])


class WireTests(KernelTestCase):
    def test_a_forged_message_is_ignored(self):
        right = self.kc.session.key
        self.kc.session.key = b"wrong"
        forged = self.send("console.log('forged'); globalThis.forged = true;")
        self.kc.session.key = right
        self.assertEqual(self.run_cell("typeof (globalThis as any).forged").result, "undefined")
        self.assertNotIn(forged, [m["parent_header"].get("msg_id") for m in self.strays])

    def test_a_subscriber_that_waits_is_told_that_the_kernel_starts(self):
        for _ in range(10):  # it may get through too late once
            manager = KernelManager(kernel_name="bpflab")
            manager.start_kernel(cwd=self.directory)
            with zmq.Context() as context, context.socket(zmq.SUB) as iopub:
                iopub.setsockopt(zmq.RECONNECT_IVL, 1)
                iopub.subscribe(b"")
                iopub.connect(f"tcp://{manager.ip}:{manager.iopub_port}")
                heard = iopub.poll(10_000) and iopub.recv_multipart()
            manager.shutdown_kernel(now=True)
            manager.cleanup_resources()
            if heard:
                break
        self.assertEqual((heard[0], json.loads(heard[-1])), (b"status", {"execution_state": "starting"}))

    def test_heartbeat_beats_while_a_cell_is_busy(self):
        cell = self.send("console.log('under way'); const until = Date.now() + 2500; while (Date.now() < until);")
        self.wait_for_text(cell, "under way")
        self.kc.hb_channel.unpause()
        time.sleep(2)
        self.assertTrue(self.kc.hb_channel.is_beating())
        self.finish(cell)

    def test_completion_answers_while_a_cell_awaits(self):
        cell = self.send("console.log('under way'); await new Promise((resolve) => setTimeout(resolve, 1500));\n'end'")
        self.wait_for_text(cell, "under way")
        asked = self.kc.complete("Math.hypo")
        self.assertEqual(self.reply(asked, timeout=1.2)["content"]["matches"], ["hypot"])
        self.assertEqual(self.finish(cell).result, "end")

    def test_inspect_gives_more_on_demand(self):
        self.run_cell("/** Adds.\n * @example add(1, 2) */\nfunction add(a: number, b: number) { return a + b; }")
        short, long = (self.reply(self.kc.inspect("add", detail_level=level))["content"]["data"]["text/plain"] for level in (0, 1))
        self.assertIn("function add(a: number, b: number): number", short)
        self.assertIn("Adds.", short)
        self.assertNotIn("@example", short)
        self.assertIn("@example add(1, 2)", long)
        self.assertFalse(self.reply(self.kc.inspect("   "))["content"]["found"])

    def test_a_comm_that_nobody_knows_is_closed(self):
        self.assertEqual(self.reply(self.kc.comm_info())["content"], {"status": "ok", "comms": {}})
        opened = self.kc.session.msg("comm_open", {"comm_id": "c1", "target_name": "nobody", "data": {}})
        self.kc.shell_channel.send(opened)
        closes = [m for m in self.messages(opened["header"]["msg_id"]) if m["msg_type"] == "comm_close"]
        self.assertEqual([m["content"]["comm_id"] for m in closes], ["c1"])

    def test_prompt_asks_the_front_end(self):
        cell = self.send('prompt("Your name?")')
        asked = self.kc.get_stdin_msg(timeout=TIMEOUT)
        self.assertEqual(asked["content"], {"prompt": "Your name?", "password": False})
        self.kc.input("Ada")
        self.assertEqual(self.finish(cell).result, "Ada")

    def test_prompt_is_null_where_nobody_can_be_asked(self):
        self.assertEqual(self.run_cell("String(prompt('x'))", allow_stdin=False).result, "null")

    def asked(self, code, *answers):
        """Runs a cell that asks, and answers it; what was asked, and what became of the cell."""
        cell = self.send(code)
        prompts = []
        for answer in answers:
            prompts.append(self.kc.get_stdin_msg(timeout=TIMEOUT)["content"]["prompt"])
            self.kc.input(answer)
        return prompts, self.finish(cell)

    def test_confirm_and_alert_ask_too(self):
        prompts, ran = self.asked("alert('look'); [confirm('sure?'), confirm('really?')].join()", "", "y", "n")
        self.assertEqual((prompts, ran.result), (["look [Enter] ", "sure? [y/N] ", "really? [y/N] "], "true,false"))

    def test_stdin_is_read_line_by_line(self):
        code = 'import * as readline from "node:readline/promises";\nconst lines = readline.createInterface({ input: process.stdin, output: process.stdout });\nconst name = await lines.question("Name? ");\nconst age = await lines.question("Age? ");\nlines.close();\nname + age'
        _, ran = self.asked(code, "Ada", "36")
        self.assertEqual((ran.text("stdout"), ran.result), ("Name? Age? ", "Ada36"))
        _, ran = self.asked("await new Promise<string>((resolve) => process.stdin.once('data', (data) => resolve(String(data))))", "again")
        self.assertEqual(ran.result, "again\n")

    def test_completion_in_strings_takes_the_place_of_what_was_typed(self):
        self.run_cell("function run(x: 'fancy' | 'fast') { return x; }")
        for code, matches, start in (
            ("run('fa", ["fancy", "fast"], 5),
            ("run(`fan", ["fancy"], 5),
            ("import x from 'node:fs/pro", ["promises"], 23),
            ("`${Math.hyp", ["hypot"], 8),
        ):
            reply = self.reply(self.kc.complete(code))["content"]
            self.assertEqual((reply["matches"], reply["cursor_start"], reply["cursor_end"]), (matches, start, len(code)), code)

    def test_lines_of_ipython_get_a_sentence(self):
        self.assertIn('console.log(execSync("ls -la", { encoding: "utf8" }));', self.run_cell("let a = 1\n!ls -la").error["evalue"])
        self.assertIn("console.time", self.run_cell("%timeit f()").error["evalue"])
        self.assertEqual(self.run_cell("const over = false;\n!over").result, "true")

    def test_a_prompt_can_be_interrupted(self):
        cell = self.send('prompt("Never answered")')
        self.kc.get_stdin_msg(timeout=TIMEOUT)
        self.km.interrupt_kernel()
        self.assertEqual(self.finish(cell, timeout=10).reply["ename"], "KeyboardInterrupt")
        self.assert_alive()


class ShutdownTests(OwnKernelTestCase):
    def assert_exits(self, code):
        """The kernel ends by itself, its exit hooks run, and it does not crash on the way."""
        mark = os.path.join(self.directory, "exit-hook")
        process = self.km.provisioner.process
        self.run_cell(f'process.on("exit", () => require("fs").writeFileSync({mark!r}, ""));\n1')
        cell = self.send(f"console.log('under way');\n{code}")
        self.wait_for_text(cell, "under way")
        self.kc.shutdown()
        self.kc.get_control_msg(timeout=TIMEOUT)
        process.wait(timeout=5)
        self.assertEqual(process.returncode, 0)
        self.assertTrue(os.path.exists(mark))
        os.remove(mark)
        self.stop()
        self.start()

    def test_with_a_live_timer_and_a_worker(self):
        self.assert_exits('setInterval(() => {}, 10);\nnew (require("worker_threads").Worker)("setInterval(() => {}, 10)", { eval: true });')

    def test_with_an_attached_program_and_a_child(self):
        code = 'import { bpf } from "kernel-helpers";\nimport { spawn } from "node:child_process";\nconst ringbuf = await bpf.load("ringbuf");\nawait ringbuf.attach();\n'
        ran = self.run_cell(code + 'const child = spawn("sleep", ["600"]);\n[ringbuf.programs.handle_exit.id, child.pid].join()')
        program, child = ran.result.split(",")
        self.assertEqual(self.program(program), 0)
        self.assert_exits("ringbuf.events('rb').subscribe();\nawait new Promise(() => {});")
        self.assertNotEqual(self.program(program), 0, "the program is gone")
        self.assertFalse(self.lives(child))

    def lives(self, pid):
        try:
            with open(f"/proc/{pid}/stat") as file:
                return file.read().split()[2] != "Z"  # ended, and nobody has asked how
        except FileNotFoundError:
            return False

    def program(self, identity):
        """bpftool's exit code when it looks for a program."""
        return subprocess.run(["/usr/sbin/bpftool", "prog", "show", "id", identity], capture_output=True).returncode

    def test_with_a_busy_loop(self):
        self.assert_exits(SPIN)

    def test_with_a_child_that_is_waited_for(self):
        marked = f"600.{os.getpid()}"
        self.assert_exits(f'require("child_process").execFileSync("sleep", ["{marked}"]);')
        self.assertEqual(subprocess.run(["pgrep", "-f", f"^sleep {marked}$"], capture_output=True, text=True).stdout, "")

    def test_with_a_flood_of_output(self):
        self.assert_exits("for (;;) console.log('x'.repeat(1000));")

    def test_a_restart_is_confirmed(self):
        self.kc.shutdown(restart=True)
        self.assertEqual(self.kc.get_control_msg(timeout=TIMEOUT)["content"], {"status": "ok", "restart": True})
        self.stop()
        self.start()

    def test_an_exit_that_hangs_is_forced(self):
        process = self.km.provisioner.process
        self.run_cell("process.on('exit', () => { for (;;); });")
        self.kc.shutdown()
        process.wait(timeout=20)
        self.assertEqual(process.returncode, -signal.SIGKILL)
        self.stop()
        self.start()

    def test_with_a_pending_cell(self):
        self.assert_exits("await new Promise(() => {});")


if __name__ == "__main__":
    main()
