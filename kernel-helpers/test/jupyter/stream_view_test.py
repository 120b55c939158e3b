"""An Observable as a cell's last expression: a live view with a stop."""

from harness import KernelTestCase, main, time

VIEW = "application/vnd.jupyter.widget-view+json"


class StreamViews(KernelTestCase):
    def setUp(self):
        super().setUp()
        ran = self.run_cell('import { bpf, watch, display } from "kernel-helpers"; import { interval, of, throwError } from "rxjs"; import { map, take } from "rxjs/operators"; (globalThis as any).beats = 0;')
        self.assertEqual(ran.reply["status"], "ok", ran.messages)

    def texts(self, messages):
        return [m["content"]["data"]["text/plain"] for m in messages if m["msg_type"] == "update_display_data"]

    def wait_for_view(self, text, timeout=10):
        """Waits until a view says something."""
        deadline = time.monotonic() + timeout
        while not any(text in one for one in self.texts(self.strays)):
            self.strays.append(self.kc.get_iopub_msg(timeout=max(0.1, deadline - time.monotonic())))

    def start_view(self):
        ran = self.run_cell("interval(5).pipe(map((n) => { (globalThis as any).beats = n; return { n, name: '<b>\\u202e' }; }))")
        self.assertEqual(ran.reply["status"], "ok", ran.messages)
        self.assertIn("live view: it ends with its stream", ran.result)
        return ran

    def assert_over(self):
        beats = self.run_cell("(globalThis as any).beats").result
        time.sleep(0.2)
        self.assertEqual(self.run_cell("(globalThis as any).beats").result, beats)

    def test_a_stream_that_ends_shows_all_it_had(self):
        ran = self.run_cell("of('first', 'second')")
        self.assertEqual(ran.of("execute_result"), [])
        newest = self.texts(ran.messages)[-1]
        self.assertRegex(newest, r"^ended: 2 values, .*\n'first'\n'second'$")

    def test_the_view_lives_on_behind_its_cell_and_its_text_is_harmless(self):
        self.start_view()
        self.wait_for_view("running: ")
        time.sleep(0.6)
        self.run_cell("1")
        [page] = [m["content"]["data"]["text/html"] for m in self.strays if m["msg_type"] == "update_display_data"][-1:]
        self.assertIn("&lt;b&gt;\\u202e", page)
        self.assertNotIn("<b>\u202e", page)
        self.km.interrupt_kernel()
        self.wait_for_view("stopped by an interrupt: ")
        self.assert_over()

    def test_its_button_stops_it_and_goes(self):
        ran = self.start_view()
        [button] = [m["data"][VIEW]["model_id"] for m in ran.of("display_data") if VIEW in m["data"]]
        clicked = self.kc.session.msg("comm_msg", {"comm_id": button, "data": {"method": "custom", "content": {"event": "click"}}})
        self.kc.shell_channel.send(clicked)
        messages = self.messages(clicked["header"]["msg_id"])
        self.assertIn(button, [m["content"]["comm_id"] for m in messages if m["msg_type"] == "comm_close"])
        self.strays += messages
        self.wait_for_view("stopped: ")
        self.assert_over()

    def test_an_interrupt_of_its_cell_ends_it(self):
        cell = self.send("const v = await watch(interval(5)); console.log('under way'); await new Promise(() => {});")
        self.wait_for_text(cell, "under way")
        self.km.interrupt_kernel()
        self.strays += self.finish(cell, timeout=10).messages
        self.wait_for_view("stopped by an interrupt: ")

    def test_stop_ends_it_and_a_failure_is_said(self):
        ran = self.run_cell("const view = await watch(interval(5)); view.stop(); await view.done; view.running")
        self.assertEqual(ran.result, "false")
        ran = self.run_cell("throwError(() => new Error('on purpose'))")
        self.assertEqual(ran.reply["status"], "ok")
        self.assertIn("failed: on purpose: 0 values", self.texts(ran.messages)[-1])

    def test_events_and_tables_of_maps(self):
        self.run_cell("const stats = await bpf.load('stats'); await stats.attach();")
        ran = self.run_cell("stats.maps.stats_map.poll({ everyMs: 50 }).pipe(take(3))")
        self.strays += ran.messages
        self.wait_for_view("ended: 3 tables")
        self.run_cell("const ringbuf = await bpf.load('ringbuf'); await ringbuf.attach(); const seen = await watch(ringbuf.events('rb'));")
        self.run_cell("require('child_process').execFileSync('dd', ['if=/dev/zero', 'of=/dev/null', 'count=500', 'bs=1'], { stdio: 'ignore' }); await new Promise((resolve) => setTimeout(resolve, 700));")
        self.strays += self.run_cell("seen.stop(); ringbuf.close(); stats.close(); 0").messages
        self.wait_for_view("stopped: ")
        newest = self.texts(self.strays)[-1]
        self.assertRegex(newest, r"stopped: [\d,]+ events, [\d.,]+ a second, 0 lost, [\d.]+ s\n")
        self.assertIn("duration", newest)  # its unit is that of the heading, or of each value, by what was measured
        self.assertIn("10 rows", newest)


if __name__ == "__main__":
    main()
