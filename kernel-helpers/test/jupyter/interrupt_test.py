"""Interrupts: whatever a cell does, it ends, and with it all that it had started; what it attached stays."""

import signal
import subprocess

from harness import OwnKernelTestCase, main, os, time

SPIN = "for (;;);"


class InterruptTests(OwnKernelTestCase):
    def interrupted(self, code, under_way):
        """Runs a cell that never ends, interrupts it once it is under way, and returns what became of it."""
        cell = self.send(f"console.log('begins');\n{code}")
        self.wait_for_text(cell, under_way)
        time.sleep(0.05)
        self.km.interrupt_kernel()
        ran = self.finish(cell, timeout=10)
        self.assert_alive()
        return ran

    def assert_interrupted(self, code, under_way="begins"):
        ran = self.interrupted(code, under_way)
        self.assertEqual((ran.reply["status"], ran.reply["ename"]), ("error", "KeyboardInterrupt"))
        self.assertEqual(ran.error["ename"], "KeyboardInterrupt")

    def test_a_busy_loop(self):
        self.assert_interrupted(SPIN)

    def test_a_busy_loop_after_an_await(self):
        self.assert_interrupted(f"await null;\n{SPIN}")

    def test_a_loop_of_awaits_that_gives_no_turn(self):
        self.assert_interrupted("for (;;) await null;")

    def test_a_loop_that_catches_everything(self):
        self.assert_interrupted("for (;;) { try { await null; for (;;); } catch {} finally { for (;;); } }")

    def test_a_promise_that_never_settles(self):
        self.assert_interrupted("await new Promise(() => {});")

    def test_a_busy_timer(self):
        self.assert_interrupted(f"setTimeout(() => {{ {SPIN} }}, 1);\nawait new Promise(() => {{}});")

    def test_a_busy_tick(self):
        self.assert_interrupted(f"process.nextTick(() => {{ {SPIN} }});\nawait new Promise(() => {{}});")

    def test_a_busy_immediate_among_others(self):
        self.assert_interrupted(f"setImmediate(() => {{}});\nsetImmediate(() => {{ {SPIN} }});\nsetImmediate(() => {{}});\nawait new Promise(() => {{}});")
        self.assertEqual(self.run_cell("await new Promise<number>((resolve) => setImmediate(resolve, 7))").result, "7")

    def test_immediates_are_those_of_node(self):
        ran = self.run_cell(
            """const seen: unknown[] = [];
setImmediate((...given: unknown[]) => seen.push(given), 1, "two");
clearImmediate(setImmediate(() => seen.push("cleared")));
setImmediate(() => clearImmediate(later));
const later = setImmediate(() => seen.push("cleared by the one before"));
await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
let complaint = ""; try { setImmediate("text" as any); } catch (error: any) { complaint = error.code; }
JSON.stringify([seen, complaint])"""
        )
        self.assertEqual(ran.result, '[[[1,"two"]],"ERR_INVALID_ARG_TYPE"]')

    def test_a_flood_of_output(self):
        self.assert_interrupted("for (;;) console.log('x'.repeat(80));")

    def test_a_loop_of_system_calls(self):
        self.assert_interrupted('const fs = require("fs"); for (;;) fs.statSync("/");')

    def test_a_child_that_is_waited_for(self):
        self.run_cell('import { execFileSync, execSync, spawn, spawnSync } from "node:child_process";\nconst other = spawn("sleep", ["1000"]);')
        for call in (
            'execFileSync("ping", ["-q", "127.0.0.1"])',
            'execSync("trap \'\' INT; sleep 1000; true")',
            'spawnSync("sh", ["-c", "sleep 1000 | cat; true"])',
            'for (;;) { try { execFileSync("sleep", ["1000"]); } catch {} }',
        ):
            with self.subTest(call):
                self.assert_interrupted(call)
        # What an earlier cell had started is not taken for it.
        self.assertEqual(self.run_cell("[other.exitCode, other.signalCode].join()").result, ",")
        self.assertEqual(self.run_cell('execFileSync("echo", ["ok"], { encoding: "utf8" })').result, "ok\n")
        self.run_cell("other.kill();")

    def test_a_display_that_never_ends(self):
        self.assert_interrupted('({ [Symbol.for("Jupyter.display")]() { for (;;); } })')
        self.assert_interrupted('({ [Symbol.for("Jupyter.display")]: () => new Promise(() => {}) })')

    def test_an_error_whose_own_code_never_ends(self):
        self.assert_interrupted("throw { get message() { for (;;); } };")
        self.assert_interrupted("const endless = new Error(); Object.defineProperty(endless, 'stack', { get() { for (;;); } }); throw endless;")

    def test_a_loop_that_begins_after_the_interrupt(self):
        self.assert_interrupted(f"await new Promise((resolve) => setTimeout(resolve, 100));\n{SPIN}")

    def test_code_that_was_interrupted_does_not_go_on(self):
        self.assert_interrupted("globalThis.beats = 0; for (;;) { await new Promise((resolve) => setTimeout(resolve, 5)); (globalThis as any).beats++; }")
        first = self.run_cell("(globalThis as any).beats").result
        time.sleep(0.2)
        self.assertEqual(self.run_cell("(globalThis as any).beats").result, first)

    def test_a_stream_that_was_subscribed_is_unsubscribed(self):
        self.assert_interrupted(
            'import { interval } from "rxjs";\n(globalThis as any).ticks = 0;\ninterval(5).subscribe(() => (globalThis as any).ticks++);\nawait new Promise(() => {});'
        )
        first = self.run_cell("(globalThis as any).ticks").result
        time.sleep(0.2)
        self.assertEqual(self.run_cell("(globalThis as any).ticks").result, first)

    def test_whatever_the_cell_had_started_ends(self):
        beat = "() => (globalThis as any).beats++"
        for start in (
            f'import {{ setInterval as every }} from "node:timers";\nevery({beat}, 5);',
            f'import {{ setTimeout as sleep }} from "node:timers/promises";\nconst again = (): unknown => sleep(5).then({beat}).then(again);\nagain();',
            f'import {{ promisify }} from "node:util";\nconst sleep = promisify(setTimeout);\nconst again = (): unknown => sleep(5).then({beat}).then(again);\nagain();',
            f'const loop = async () => {{ for (;;) {{ await new Promise((resolve) => setTimeout(resolve, 5)); ({beat})(); }} }};\nloop();',
            'import { spawn } from "node:child_process";\nspawn("sh", ["-c", "while sleep 0.01; do echo beat; done"]).stdout.on("data", ' + beat + ");",
            'import { Worker } from "node:worker_threads";\nnew Worker("setInterval(() => require(\'worker_threads\').parentPort.postMessage(0), 5)", { eval: true }).on("message", ' + beat + ");",
        ):
            with self.subTest(start):
                self.run_cell("(globalThis as any).beats = 0;")
                self.assert_interrupted(f"{start}\nwhile ((globalThis as any).beats === 0) await new Promise((resolve) => setTimeout(resolve, 5));\nconsole.log('beats', true);\nawait new Promise(() => {{}});", "beats true")
                first = self.run_cell("(globalThis as any).beats").result
                time.sleep(0.2)
                self.assertEqual(self.run_cell("(globalThis as any).beats").result, first)

    def test_a_collect_returns_what_it_has_and_the_program_stays_attached(self):
        ran = self.run_cell('import { bpf, collect } from "kernel-helpers";\nconst ringbuf = await bpf.load("ringbuf");\nawait ringbuf.attach();')
        self.assertEqual(ran.reply["status"], "ok", ran.messages)
        code = "setInterval(() => (globalThis as any).beats++, 5);\nconst writes = await collect(ringbuf.events('rb'));\nwrites.numRows()"
        self.run_cell("(globalThis as any).beats = 0;")
        cell = self.send(f"console.log('under way');\n{code}")
        self.wait_for_text(cell, "under way")
        time.sleep(0.3)  # the collection has begun
        # Not by this process: bpflab does not trace the kernel's parent.
        subprocess.run(["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=1000"], check=True, stderr=subprocess.DEVNULL)
        self.km.interrupt_kernel()
        ran = self.finish(cell, timeout=10)
        self.assertEqual(ran.reply["status"], "ok")
        self.assertGreaterEqual(int(ran.result.replace(",", "")), 1000)
        beats = self.run_cell("(globalThis as any).beats").result
        time.sleep(0.1)
        self.assertEqual(self.run_cell("[ringbuf.attached, (globalThis as any).beats].join()").result, f"true,{beats}")
        self.run_cell("ringbuf.close();")

    def test_what_an_interrupted_cell_has_attached_stays(self):
        self.run_cell('import { bpf } from "kernel-helpers";')
        for end in ("await new Promise(() => {});", SPIN):
            self.assert_interrupted(f"const stats = await bpf.load('stats');\nawait stats.attach();\nconsole.log('attached');\n{end}", "attached")
            self.assertEqual(self.run_cell("stats.attached && stats.maps.stats_map.entries().length >= 0").result, "true")
        self.run_cell("stats.close();")

    def test_a_second_stop_while_the_first_is_pending(self):
        self.run_cell('import { pbkdf2Sync } from "node:crypto";')
        native = 'pbkdf2Sync("secret", "salt", 500_000, 64, "sha512");'
        for code in (native, f"await null;\n{native}", 'import { aq } from "kernel-helpers";\n' + native + SPIN):
            for pause in (0.005, 0.15):
                with self.subTest(code, pause=pause):
                    cell = self.send(f"console.log('begins');\n{code}\nfor (;;);")
                    self.wait_for_text(cell, "begins")
                    for _ in range(3):
                        self.km.interrupt_kernel()
                        time.sleep(pause)
                    self.assertEqual(self.finish(cell, timeout=20).reply["ename"], "KeyboardInterrupt")
                    time.sleep(0.3)  # those that came later have nothing to end
                    self.assert_alive()

    def test_a_child_that_is_waited_for_beside_others(self):
        self.run_cell('import { execSync, spawn } from "node:child_process";')
        for _ in range(3):
            self.run_cell('var other = spawn("sleep", ["1000"]);')
            self.assert_interrupted('execSync("sleep 1000");\nconst after = 1;')
            self.assertEqual(self.run_cell("[other.exitCode, other.signalCode].join()").result, ",")
            self.run_cell("other.kill();")

    def test_timers_that_are_replaced_by_fakes(self):
        faked = "for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate', 'queueMicrotask'])\n  (globalThis as any)[name] = () => undefined;"
        keep = "(globalThis as any).real = Object.getOwnPropertyDescriptors(globalThis);"
        back = "for (const [name, one] of Object.entries((globalThis as any).real as PropertyDescriptorMap)) if (/Time|Inter|Immed|queue/.test(name)) Object.defineProperty(globalThis, name, one);"
        self.run_cell(keep)
        for code in (SPIN, "await new Promise(() => {});", "for (;;) await null;"):
            self.assert_interrupted(f"{faked}\n{code}")
            self.run_cell(back)
        mocked = 'import { mock } from "node:test";\nmock.timers.enable();\n'
        self.assert_interrupted(f"{mocked}await new Promise(() => {{}});")
        self.run_cell("mock.timers.reset();")

    def test_what_keeps_v8_itself_busy(self):
        for code in (
            r'/^(\w+\s?)*$/.test("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");',
            "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);",
            "const again = (): unknown => Promise.resolve().then(again);\nagain();\nawait new Promise(() => {});",
            "const tick = (): unknown => process.nextTick(tick);\ntick();\nawait new Promise(() => {});",
        ):
            with self.subTest(code):
                self.assert_interrupted(code)

    def test_a_call_that_cannot_be_ended_is_told_and_a_second_stop_restarts(self):
        os.mkfifo(os.path.join(self.directory, "pipe"))
        cell = self.send('import { bpf } from "kernel-helpers";\nconst held = await bpf.load("stats");\nawait held.attach();\nconsole.log("begins");\nrequire("fs").readFileSync("pipe");')
        self.wait_for_text(cell, "begins")
        self.km.interrupt_kernel()
        self.wait_for_text(cell, "Interrupt again to restart the kernel")
        process = self.km.provisioner.process
        self.km.interrupt_kernel()
        self.assertEqual(self.reply(cell, timeout=10)["content"]["ename"], "KeyboardInterrupt")
        process.wait(timeout=10)
        self.stop()
        self.start()
        self.assert_alive()

    def test_a_call_that_cannot_be_ended_ends_by_itself(self):
        path = os.path.join(self.directory, "late-pipe")
        os.mkfifo(path)
        cell = self.send('console.log("begins");\nconsole.log(require("fs").readFileSync("late-pipe", "utf8"));\nfor (;;);')
        self.wait_for_text(cell, "begins")
        self.km.interrupt_kernel()
        self.wait_for_text(cell, "Interrupt again to restart the kernel")
        with open(path, "w") as file:
            file.write("text")
        self.assertEqual(self.finish(cell, timeout=10).reply["ename"], "KeyboardInterrupt")
        self.assert_alive()

    def test_interrupt_while_idle_does_nothing(self):
        self.km.interrupt_kernel()
        self.assert_alive()

    def test_many_in_a_row(self):
        for _ in range(5):
            self.assert_interrupted("for (;;) await null;")
            # Here the kernel's own code is met nearly always, and one cut off there once made every later cell endless.
            self.assert_interrupted("for (;;) console.log('x'.repeat(80));")

    def test_sigint_interrupts_too(self):
        for code in (SPIN, f"await null;\n{SPIN}", "for (;;) await null;", "await new Promise(() => {});"):
            cell = self.send(f"console.log('under way');\n{code}")
            self.wait_for_text(cell, "under way")
            time.sleep(0.05)
            os.kill(self.km.provisioner.pid, signal.SIGINT)
            self.assertEqual(self.finish(cell, timeout=10).reply["ename"], "KeyboardInterrupt", code)
            os.kill(self.km.provisioner.pid, signal.SIGINT)  # idle: nothing happens
            time.sleep(0.2)  # it comes by another way than the next request, and is not to meet that one
            self.assert_alive()


if __name__ == "__main__":
    main()
