"""Much at once: every line, every reply and every `idle` arrives, in order, and a flood does not fill the memory."""

from harness import KernelTestCase, main, time

REQUESTS = 1500
MEGABYTES = 20


class Throughput(KernelTestCase):
    def test_rapid_requests_are_all_answered_in_order(self):
        cells = [self.send("1+1") for _ in range(REQUESTS)]
        for cell in cells:
            # Both sockets as they fill, as front ends do: TCP takes minutes to come back to one that nobody reads.
            for kind in ("status", "execute_input", "execute_result", "status"):
                message = self.kc.get_iopub_msg(timeout=30)
                self.assertEqual((message["parent_header"]["msg_id"], message["msg_type"]), (cell, kind))
            self.assertEqual(message["content"]["execution_state"], "idle")
            reply = self.kc.get_shell_msg(timeout=30)
            self.assertEqual((reply["parent_header"]["msg_id"], reply["content"]["status"]), (cell, "ok"))

    def test_megabytes_of_output_arrive_whole(self):
        for size in (100, 1_000_000, MEGABYTES * 1_000_000):
            ran = self.run_cell(
                f"for (let i = 0; i < {MEGABYTES * 1_000_000 // size}; i++) process.stdout.write(String(i).padEnd({size - 1}, '.') + '\\n');\n'end'"
            )
            self.assertEqual(ran.result, "end")
            lines = ran.text("stdout").splitlines()
            self.assertEqual([int(line.rstrip(".")) for line in lines], list(range(MEGABYTES * 1_000_000 // size)))
            self.assertEqual({len(line) for line in lines}, {size - 1})

    def test_a_flood_is_interrupted_and_kept_within_bounds(self):
        for line in ("'x'.repeat(80)", "'x'.repeat(100_000)"):
            before = self.resident_mb()
            cell = self.send(f"const line = {line};\nfor (;;) console.log(line);")
            time.sleep(1)  # while nobody reads
            grown = self.resident_mb() - before
            self.km.interrupt_kernel()
            self.assertEqual(self.reply(cell, timeout=10)["content"]["ename"], "KeyboardInterrupt")
            self.messages(cell)
            self.assertLess(grown, 400, line)
            self.assert_alive()

    def resident_mb(self):
        with open(f"/proc/{self.km.provisioner.pid}/status") as file:
            return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmRSS:"))


if __name__ == "__main__":
    main()
