"""Comms: conversations between cells and the page, opened from either end."""

from harness import KernelTestCase, main

ECHO = """
comms()!.onOpen("echo", (comm, data, buffers) => {
  console.log("opened", JSON.stringify(data), buffers.map((one) => [...one].join()).join(";"));
  comm.onMessage((data, buffers) => comm.send({ heard: data }, { buffers: buffers.map((one) => one.slice().reverse()), metadata: { by: "cell" } }));
  comm.onClose((data) => console.log("closed", JSON.stringify(data), comm.closed));
});
"""


class Comms(KernelTestCase):
    def setUp(self):
        super().setUp()
        self.run_cell('import { comms } from "kernel-helpers";')

    def tell(self, kind, content, buffers=None):
        """Sends a comm message as a page does, and returns its id."""
        message = self.kc.session.msg(kind, content)
        self.kc.session.send(self.kc.shell_channel.socket, message, buffers=buffers)
        return message["header"]["msg_id"]

    def of(self, kind, messages):
        return [m for m in messages if m["msg_type"] == kind]

    def comms(self, **target):
        asked = self.kc.session.msg("comm_info_request", target)
        self.kc.shell_channel.send(asked)
        return self.reply(asked["header"]["msg_id"])["content"]["comms"]

    def test_the_page_opens_talks_and_closes(self):
        cell = self.run_cell(ECHO)
        self.assertEqual(cell.reply["status"], "ok", cell.messages)
        parent = cell.messages[0]["parent_header"]["msg_id"]
        self.messages(self.tell("comm_open", {"comm_id": "e1", "target_name": "echo", "data": {"n": 1}}, [b"\x01\x02", b"\x03"]))
        # What a handler prints belongs to the cell that set it.
        self.assertEqual(self.wait_for_stray("stream", parent)["text"], 'opened {"n":1} 1,2;3\n')
        self.assertEqual(self.comms()["e1"], {"target_name": "echo"})
        self.assertEqual(self.comms(target_name="echo")["e1"], {"target_name": "echo"})
        self.assertEqual(self.comms(target_name="other"), {})

        # What it sends is a consequence of the message, and comes before the message's idle.
        [answer] = self.of("comm_msg", self.messages(self.tell("comm_msg", {"comm_id": "e1", "data": "hi"}, [b"\x00\xff\x10"])))
        self.assertEqual(answer["content"], {"comm_id": "e1", "data": {"heard": "hi"}})
        self.assertEqual(answer["metadata"], {"by": "cell"})
        self.assertEqual([bytes(one) for one in answer["buffers"]], [b"\x10\xff\x00"])

        closing = self.messages(self.tell("comm_close", {"comm_id": "e1", "data": {"why": "done"}}))
        self.assertEqual(self.of("comm_close", closing), [])
        self.assertEqual(self.wait_for_stray("stream", parent)["text"], 'closed {"why":"done"} true\n')
        self.assertNotIn("e1", self.comms())

    def test_a_cell_opens_talks_and_closes(self):
        ran = self.run_cell(
            'const mine = comms()!.open("page", { a: 1 }, { metadata: { version: "1" }, buffers: [new Uint16Array([258]).subarray(0, 1)] });\n'
            "mine.onMessage((data: any) => mine.send(data.n + 1));\nmine.id"
        )
        self.assertEqual(ran.reply["status"], "ok", ran.messages)
        [opened] = self.of("comm_open", ran.messages)
        identity = ran.result.strip("'")
        self.assertEqual(opened["content"], {"comm_id": identity, "target_name": "page", "data": {"a": 1}})
        self.assertEqual((opened["metadata"], bytes(opened["buffers"][0])), ({"version": "1"}, b"\x02\x01"))
        [answer] = self.of("comm_msg", self.messages(self.tell("comm_msg", {"comm_id": identity, "data": {"n": 41}})))
        self.assertEqual(answer["content"]["data"], 42)
        [closed] = self.of("comm_close", self.run_cell("mine.close({ bye: true }); mine.close(); mine.send('unheard');").messages)
        self.assertEqual(closed["content"], {"comm_id": identity, "data": {"bye": True}})
        self.assertNotIn(identity, self.comms())

    def test_a_page_is_answered_while_a_cell_awaits(self):
        self.run_cell(ECHO)
        self.messages(self.tell("comm_open", {"comm_id": "e2", "target_name": "echo", "data": {}}))
        cell = self.send("await new Promise((resolve) => setTimeout(resolve, 1500)); 'over'")
        [answer] = self.of("comm_msg", self.messages(self.tell("comm_msg", {"comm_id": "e2", "data": 7})))
        self.assertEqual(answer["content"]["data"], {"heard": 7})
        statuses = [m["content"]["execution_state"] for m in self.strays if m["msg_type"] == "status"]
        self.assertNotIn("idle", statuses, "the cell still ran")
        self.assertEqual(self.finish(cell).result, "over")

    def test_an_error_of_a_handler_is_shown_below_its_cell(self):
        cell = self.send('comms()!.onOpen("bad", () => {\n  throw new RangeError("on purpose");\n});')
        self.finish(cell)
        self.messages(self.tell("comm_open", {"comm_id": "b1", "target_name": "bad", "data": {}}))
        error = self.wait_for_stray("error", cell)
        self.assertEqual((error["ename"], error["evalue"]), ("RangeError", "on purpose"))
        self.assertIn("> 2 |   throw new RangeError", "\n".join(error["traceback"]))
        self.assert_alive()

    def test_a_handler_that_never_returns_can_be_interrupted(self):
        cell = self.send('comms()!.onOpen("busy", () => { console.log("spinning"); for (;;); });')
        self.finish(cell)
        busy = self.tell("comm_open", {"comm_id": "b2", "target_name": "busy", "data": {}})
        self.wait_for_text(cell, "spinning")
        self.km.interrupt_kernel()
        self.messages(busy, timeout=10)  # up to its idle
        self.assert_alive()


if __name__ == "__main__":
    main()
