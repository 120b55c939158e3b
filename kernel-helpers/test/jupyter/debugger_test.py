"""The debugger as JupyterLab's panel speaks with it: breakpoints in cells, frames, variables, steps."""

import itertools

from harness import OwnKernelTestCase, TIMEOUT, main, time

FUNCTION = """interface Point { x: number }
function far(point: Point, by: number) {
  const moved = { ...point, x: point.x + by };

  const words = ["a", moved];
  return moved.x + offset;
}"""


class DebuggerTests(OwnKernelTestCase):
    def setUp(self):
        super().setUp()
        self.seq = itertools.count(1)
        self.run_cell("let offset = 100;\nconst home = { x: 1, name: 'home' };")
        self.ask("initialize", clientID="test", pathFormat="path", linesStartAt1=True)
        self.ask("attach")

    def tearDown(self):
        self.ask("disconnect", restart=False)

    def request(self, command, **arguments):
        content = {"type": "request", "seq": next(self.seq), "command": command, "arguments": arguments}
        message = self.kc.session.msg("debug_request", content)
        self.kc.control_channel.send(message)
        while True:
            reply = self.kc.get_control_msg(timeout=TIMEOUT)
            if reply["parent_header"]["msg_id"] == message["header"]["msg_id"]:
                self.assertEqual(reply["msg_type"], "debug_reply")
                return reply["content"]

    def ask(self, command, **arguments):
        reply = self.request(command, **arguments)
        self.assertTrue(reply["success"], reply)
        return reply["body"]

    def event(self, name):
        """The next event of a name; what else comes is kept."""
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            message = self.kc.get_iopub_msg(timeout=TIMEOUT)
            if message["msg_type"] == "debug_event" and message["content"]["event"] == name:
                return message["content"]["body"]
            self.strays.append(message)

    def break_at(self, code, *lines, **condition):
        path = self.ask("dumpCell", code=code)["sourcePath"]
        body = self.ask("setBreakpoints", source={"path": path}, breakpoints=[{"line": line, **condition} for line in lines], sourceModified=False)
        self.assertEqual([one["line"] for one in body["breakpoints"]], list(lines))
        return path

    def frames(self):
        return self.ask("stackTrace", threadId=1)["stackFrames"]

    def variables(self, frame):
        found = {}
        for scope in self.ask("scopes", frameId=frame["id"])["scopes"]:
            for one in self.ask("variables", variablesReference=scope["variablesReference"])["variables"]:
                found.setdefault(one["name"], one)
        return found

    def ended(self, cell):
        """What became of a cell, whose first messages were kept already."""
        found = [m for m in self.strays if m["parent_header"].get("msg_id") == cell]
        while not any(m["msg_type"] == "status" and m["content"]["execution_state"] == "idle" for m in found):
            message = self.kc.get_iopub_msg(timeout=TIMEOUT)
            if message["parent_header"].get("msg_id") == cell:
                found.append(message)
        return self.reply(cell)["content"], [m["content"] for m in found if m["msg_type"] == "execute_result"]

    def test_a_breakpoint_in_a_cell(self):
        path = self.break_at(FUNCTION, 4)
        self.run_cell(FUNCTION)
        code = "const before = 1;\nfar(home, 5)"
        caller = self.ask("dumpCell", code=code)["sourcePath"]
        cell = self.send(code)
        self.assertEqual(self.event("stopped")["reason"], "breakpoint")
        self.assertEqual(self.ask("debugInfo")["stoppedThreads"], [1])
        frames = self.frames()
        # Line 4 is empty: the next one that has code is meant.
        self.assertEqual([(one["name"], one["line"], one["source"]["path"]) for one in frames[:2]], [("far", 5, path), ("cell", 2, caller)])
        self.assertEqual(len(frames), 2)
        variables = self.variables(frames[0])
        self.assertEqual((variables["by"]["value"], variables["by"]["type"]), ("5", "number"))
        self.assertEqual(variables["moved"]["value"], '{ x: 6, name: "home" }')
        self.assertFalse([name for name in variables if name.startswith("__")])
        parts = self.ask("variables", variablesReference=variables["moved"]["variablesReference"])["variables"]
        self.assertEqual([(one["name"], one["value"]) for one in parts], [("x", "6"), ("name", '"home"')])
        for expression, result in (("moved.x + by", "11"), ("offset + (by as number)", "105"), ("home.name", '"home"'), ("offset = 200", "200")):
            self.assertEqual(self.ask("evaluate", expression=expression, frameId=frames[0]["id"], context="repl")["result"], result)
        self.assertFalse(self.request("evaluate", expression="nosuch", frameId=frames[0]["id"])["success"])
        self.ask("next", threadId=1)
        self.event("stopped")
        self.assertEqual(self.frames()[0]["line"], 6)
        self.assertEqual(self.variables(self.frames()[0])["words"]["value"], '["a", Object]')
        self.ask("stepOut", threadId=1)
        self.event("stopped")
        self.assertEqual([(one["line"], one["source"]["path"]) for one in self.frames()], [(2, caller)])
        self.ask("continue", threadId=1)
        reply, results = self.ended(cell)
        self.assertEqual((reply["status"], results[0]["data"]["text/plain"]), ("ok", "206"))
        self.assertEqual(self.run_cell("offset").result, "200")

    def test_a_cell_that_ran_before_a_condition_and_lines_at_the_top(self):
        earlier = "function counted(n: number) {\n  return n * 2;\n}"
        self.run_cell(earlier)
        self.break_at(earlier, 2, condition="n === 3")
        code = "await null;\nlet sum = 0;\nfor (let i = 0; i < 5; i++) sum += counted(i);\nsum"
        path = self.break_at(code, 4)
        cell = self.send(code)
        self.event("stopped")
        self.assertEqual(self.variables(self.frames()[0])["n"]["value"], "3")
        self.ask("continue", threadId=1)
        self.event("stopped")
        top = self.frames()[0]
        self.assertEqual((top["line"], top["source"]["path"]), (4, path))
        self.assertEqual(self.ask("evaluate", expression="sum", frameId=top["id"])["result"], "20")
        self.ask("continue", threadId=1)
        self.assertEqual(self.ended(cell)[1][0]["data"]["text/plain"], "20")

    def test_the_wire_answers_and_an_interrupt_ends_a_cell_that_stands(self):
        code = "const one = 1;\nconst two = 2;"
        self.break_at(code, 2)
        cell = self.send(code)
        self.event("stopped")
        self.kc.kernel_info(reply=True, timeout=5)
        self.km.interrupt_kernel()
        self.assertEqual(self.ended(cell)[0]["ename"], "KeyboardInterrupt")
        self.assert_alive()
        cell = self.send(code)  # it stops there again
        self.event("stopped")
        self.ask("continue", threadId=1)
        self.assertEqual(self.ended(cell)[0]["status"], "ok")

    def test_a_thrown_error_stops_if_that_is_wanted(self):
        self.ask("setExceptionBreakpoints", filters=["all"])
        cell = self.send("const failing = () => {\n  throw new Error('here');\n};\ntry { failing(); } catch {}\n'caught'")
        self.assertEqual(self.event("stopped")["reason"], "exception")
        self.assertEqual(self.frames()[0]["line"], 2)
        self.ask("setExceptionBreakpoints", filters=[])
        self.ask("continue", threadId=1)
        self.assertEqual(self.ended(cell)[0]["status"], "ok")

    def test_variables_of_the_notebook_without_a_stop(self):
        self.run_cell("import { basename } from 'node:path';\nclass Box { side = 2; }\nconst box = new Box();\nconst list = Array.from({ length: 200 }, (_, i) => i);\nlet text = '<b>\"quoted\"</b>';\nlet none: undefined;")
        found = {one["name"]: one for one in self.ask("inspectVariables")["variables"]}
        self.assertEqual(found["offset"]["value"], found["offset"]["value"])
        self.assertEqual((found["box"]["type"], found["box"]["value"]), ("Box", "Box { side: 2 }"))
        self.assertEqual(found["text"]["value"], '"<b>\\"quoted\\"</b>"')
        self.assertTrue(found["list"]["value"].startswith("[0, 1, 2, "))
        self.assertEqual(len(self.ask("variables", variablesReference=found["list"]["variablesReference"])["variables"]), 200)
        self.assertEqual(self.ask("evaluate", expression="box.side + list.length", context="repl")["result"], "202")
        self.assertEqual(self.ask("richInspectVariables", variableName="box")["data"], {"text/plain": "Box { side: 2 }"})

    def test_without_a_session(self):
        self.ask("disconnect")
        self.assertFalse(self.ask("debugInfo")["isStarted"])
        self.assertFalse(self.request("next", threadId=1)["success"])
        self.assertFalse(self.request("no such request")["success"])
        code = "const nowhere = 1;\nnowhere"
        self.ask("initialize")
        self.break_at(code, 1)
        self.ask("disconnect")
        self.assertEqual(self.run_cell(code).result, "1")


if __name__ == "__main__":
    main()
