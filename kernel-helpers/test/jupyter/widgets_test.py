"""Widgets as JupyterLab's widget manager meets them, and as they move a running program."""

from harness import KernelTestCase, main, time

VIEW = "application/vnd.jupyter.widget-view+json"

COUNTER = """%%bpf counter --attach
#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";
enum mode { OFF, COUNT, TRACE };
int step = 1;
double scale = 0.5;
float ratio = 0.5;
unsigned char small = 7;
bool on = true;
enum mode mode = COUNT;
char label[8] = "a";
unsigned long long calls = 0;
SEC("tp/syscalls/sys_enter_getppid")
int on_getppid(void *ctx)
{
	if (on && mode != OFF)
		__sync_fetch_and_add(&calls, step);
	return 0;
}
"""


class Widgets(KernelTestCase):
    def setUp(self):
        super().setUp()
        if self.run_cell("typeof counter").reply["status"] == "ok":
            return
        for code in ('import { widgets, display } from "kernel-helpers";', COUNTER):
            ran = self.run_cell(code)
            self.assertEqual(ran.reply["status"], "ok", ran.messages)

    def of(self, kind, messages):
        return [m["content"] for m in messages if m["msg_type"] == kind]

    def show(self, code):
        """Runs a cell that ends with a widget; its model's id and state, and all that the cell sent."""
        ran = self.run_cell(code)
        self.assertEqual(ran.reply["status"], "ok", ran.messages)
        identity = ran.of("execute_result")[0]["data"][VIEW]["model_id"]
        opened = {m["comm_id"]: m["data"]["state"] for m in ran.of("comm_open")}
        return identity, opened, ran

    def tell(self, identity, data):
        """What the page says to a widget; the messages it caused."""
        message = self.kc.session.msg("comm_msg", {"comm_id": identity, "data": data})
        self.kc.shell_channel.send(message)
        return self.messages(message["header"]["msg_id"])

    def move(self, identity, **state):
        return self.tell(identity, {"method": "update", "state": state, "buffer_paths": []})

    def value(self, expression):
        return self.run_cell(expression).result

    def updates(self, identity, messages):
        found = [m["data"] for m in self.of("comm_msg", messages) if m["comm_id"] == identity]
        return {k: v for one in found if one["method"] == "update" for k, v in one["state"].items()}

    def wait_for_update(self, identity, trait, value, timeout=10):
        """Waits until the page was told a value, whatever caused it."""
        deadline = time.monotonic() + timeout
        messages = self.strays
        while self.updates(identity, messages).get(trait) != value:
            messages.append(self.kc.get_iopub_msg(timeout=max(0.1, deadline - time.monotonic())))

    def test_models_are_those_of_the_widget_manager(self):
        for code, name, view, style in [
            ("new widgets.IntSlider({ min: 2, max: 9, value: 3 })", "IntSlider", "IntSlider", "SliderStyle"),
            ("new widgets.FloatSlider()", "FloatSlider", "FloatSlider", "SliderStyle"),
            ("new widgets.IntText()", "IntText", "IntText", "DescriptionStyle"),
            ("new widgets.BoundedIntText()", "BoundedIntText", "IntText", "DescriptionStyle"),
            ("new widgets.Dropdown({ options: ['a', 'b'] })", "Dropdown", "Dropdown", "DescriptionStyle"),
            ("new widgets.ToggleButton()", "ToggleButton", "ToggleButton", "ToggleButtonStyle"),
            ("new widgets.Checkbox()", "Checkbox", "Checkbox", "CheckboxStyle"),
            ("new widgets.Button()", "Button", "Button", "ButtonStyle"),
            ("new widgets.Label('x')", "Label", "Label", "LabelStyle"),
            ("new widgets.IntProgress()", "IntProgress", "Progress", "ProgressStyle"),
        ]:
            with self.subTest(name):
                identity, opened, ran = self.show(code)
                state = opened[identity]
                self.assertEqual((state["_model_name"], state["_view_name"]), (f"{name}Model", f"{view}View"))
                self.assertEqual((state["_model_module"], state["_model_module_version"]), ("@jupyter-widgets/controls", "2.0.0"))
                layout, drawn = (opened[state[part].removeprefix("IPY_MODEL_")] for part in ("layout", "style"))
                self.assertEqual((layout["_model_name"], layout["_model_module"]), ("LayoutModel", "@jupyter-widgets/base"))
                self.assertEqual(drawn["_model_name"], f"{style}Model")
                [opening] = [m for m in ran.messages if m["msg_type"] == "comm_open" and m["content"]["comm_id"] == identity]
                self.assertEqual((opening["content"]["target_name"], opening["metadata"]), ("jupyter.widget", {"version": "2.1.0"}))

    def test_a_value_goes_both_ways(self):
        identity, opened, _ = self.show("const rows = new widgets.IntSlider({ description: 'rows', min: 1, max: 9 });\nrows")
        self.assertEqual((opened[identity]["value"], opened[identity]["min"], opened[identity]["max"]), (1, 1, 9))
        [echo] = self.of("comm_msg", self.move(identity, value=5))
        self.assertEqual(echo["data"], {"method": "echo_update", "state": {"value": 5}, "buffer_paths": []})
        self.assertEqual(self.value("rows.value"), "5")
        self.strays += self.run_cell("rows.value = 8;").messages
        self.wait_for_update(identity, "value", 8)

    def test_a_wrong_value_is_put_right_in_the_page(self):
        identity, _, _ = self.show("const bounded = new widgets.IntSlider({ max: 10 });\nbounded")
        self.strays += self.move(identity, value=99)
        self.wait_for_update(identity, "value", 10)
        self.move(identity, value="nonsense")
        self.assertEqual(self.value("bounded.value"), "10")
        for wrong in ("bounded.value = 11", "bounded.value = 1.5", "new widgets.IntSlider({ min: 3, max: 3 })"):
            self.assertEqual(self.run_cell(wrong).error["ename"], "ArgumentError", wrong)

    def test_many_values_in_a_row_are_few_messages_and_the_last_one_arrives(self):
        identity, _, _ = self.show("const busy = new widgets.IntProgress({ max: 5000 });\nbusy")
        ran = self.run_cell("for (let i = 1; i <= 5000; i++) busy.value = i;")
        self.strays += ran.messages
        self.wait_for_update(identity, "value", 5000)
        self.assertLess(len([m for m in self.strays if m["msg_type"] == "comm_msg"]), 20)

    def test_a_button_clicks_in_the_cell_that_listens(self):
        identity, _, _ = self.show("const button = new widgets.Button({ description: 'Go' });\nbutton")
        cell = self.send("button.clicks.subscribe(() => console.log('clicked'));")
        self.finish(cell)
        self.strays += self.tell(identity, {"method": "custom", "content": {"event": "click"}})
        self.assertEqual(self.wait_for_stray("stream", cell)["text"], "clicked\n")

    def test_boxes_and_outputs(self):
        identity, opened, _ = self.show(
            "const log = new widgets.Output();\nconst box = new widgets.VBox([new widgets.HBox([new widgets.Label('inside')]), log]);\nbox"
        )
        inner, out = (child.removeprefix("IPY_MODEL_") for child in opened[identity]["children"])
        self.assertEqual((opened[inner]["_model_name"], opened[out]["_model_name"], opened[out]["_model_module"]), ("HBoxModel", "OutputModel", "@jupyter-widgets/output"))
        ran = self.run_cell("log.print('one\\n'); log.print('two\\n'); await log.show([1, 2]);")
        self.strays += ran.messages
        text = {"output_type": "stream", "name": "stdout", "text": "one\ntwo\n"}
        self.wait_for_update(out, "outputs", [text, {"output_type": "display_data", "data": {"text/plain": "[ 1, 2 ]"}, "metadata": {}}])
        self.strays += self.run_cell("log.clear();").messages
        self.wait_for_update(out, "outputs", [])
        self.strays += self.run_cell("log.print('a' + 'b'.repeat(256 * 1024));").messages
        self.wait_for_update(out, "outputs", [{**text, "text": "b" * 256 * 1024}])

    def test_a_page_that_is_loaded_anew_gets_the_states(self):
        identity, _, _ = self.show("const again = new widgets.Checkbox({ description: 'again', value: true });\nagain")
        self.move(identity, value=False)
        opened = self.kc.session.msg("comm_open", {"comm_id": "control-1", "target_name": "jupyter.widget.control", "data": {}})
        self.kc.shell_channel.send(opened)
        self.messages(opened["header"]["msg_id"])
        [answer] = self.of("comm_msg", self.tell("control-1", {"method": "request_states"}))
        self.assertEqual(answer["data"]["method"], "update_states")
        mine = answer["data"]["states"][identity]
        self.assertEqual((mine["model_name"], mine["model_module"], mine["model_module_version"]), ("CheckboxModel", "@jupyter-widgets/controls", "2.0.0"))
        self.assertIs(mine["state"]["value"], False)
        [whole] = self.of("comm_msg", self.tell(identity, {"method": "request_state"}))
        self.assertEqual((whole["data"]["method"], whole["data"]["state"]["description"]), ("update", "again"))
        self.assertEqual(self.updates(identity, self.tell(identity, {"method": "unknown"})), {})

    def test_the_last_state_stays_visible_without_a_manager(self):
        ran = self.run_cell("const kept = new widgets.IntSlider({ description: 'kept <b>', value: 3 });\nkept")
        self.assertEqual(ran.result, "kept <b>: 3 (0 to 100)")
        [shown] = ran.of("display_data")
        self.assertIn("kept &lt;b&gt;</span><b>3</b>", shown["data"]["text/html"])
        ran = self.run_cell("kept.value = 64;\nawait new Promise((resolve) => setTimeout(resolve, 200));")
        newest = ran.of("update_display_data")[-1]
        self.assertEqual(newest["transient"], shown["transient"])
        self.assertIn("<b>64</b>", newest["data"]["text/html"])

    def test_a_slider_moves_the_running_program(self):
        identity, opened, _ = self.show("const slider = widgets.bind(counter.globals, 'step', { min: 1, max: 500 });\nslider")
        self.assertEqual((opened[identity]["description"], opened[identity]["value"]), ("step", 1))
        self.move(identity, value=400)
        self.assertEqual(self.value("counter.globals.step"), "400")
        counted = "const before = counter.globals.calls; process.ppid; require('child_process').execFileSync('perl', ['-e', 'getppid']); const by = counter.globals.calls - before;"
        self.run_cell(counted)
        self.assertEqual(self.value("by > 0 && by % 400"), "0")
        self.run_cell("slider.value = 20;")
        self.assertEqual(self.value("counter.globals.step"), "20")
        self.strays += self.run_cell("counter.globals.step = 33;").messages  # changed elsewhere: the slider follows
        self.wait_for_update(identity, "value", 33)

    def test_what_a_float_cannot_hold_is_no_change(self):
        identity, _, _ = self.show("const ratio = widgets.bind(counter.globals, 'ratio', { min: 0, max: 1 });\nratio.changes.subscribe((value) => console.log(value));\nratio")
        self.strays += self.move(identity, value=0.1)
        ran = self.run_cell("await new Promise((resolve) => setTimeout(resolve, 600));\n[ratio.value, counter.globals.ratio].join()")
        self.assertEqual(ran.result, "0.1,0.10000000149011612")
        printed = [m["content"]["text"] for m in self.strays + ran.messages if m["msg_type"] == "stream"]
        self.assertEqual(printed, ["0.1\n"])

    def test_each_type_has_its_widget(self):
        for code, model in [
            ("widgets.bind(counter.globals, 'scale', { min: 0, max: 1 })", "FloatSliderModel"),
            ("widgets.bind(counter.globals, 'on')", "ToggleButtonModel"),
            ("widgets.bind(counter.globals, 'mode')", "DropdownModel"),
            ("widgets.bind(counter.globals, 'label', { options: ['a', 'b'] })", "DropdownModel"),
        ]:
            identity, opened, _ = self.show(f"const bound = {code};\nbound")
            self.assertEqual(opened[identity]["_model_name"], model)
            if "mode" in code:
                self.assertEqual((opened[identity]["_options_labels"], opened[identity]["index"]), (["OFF", "COUNT", "TRACE"], 1))
                self.move(identity, index=2)
                self.assertEqual(self.value("counter.globals.mode"), "TRACE")
            if "'on'" in code:
                self.move(identity, value=False)
                self.assertEqual(self.value("counter.globals.on"), "false")

    def test_only_what_fits_compiles_and_binds(self):
        for wrong in (
            "widgets.bind(counter.globals, 'stepp', { min: 1, max: 5 })",
            "widgets.bind(counter.globals, 'on', { min: 1, max: 5 })",
            "widgets.bind(counter.globals, 'step')",
            "widgets.bind(counter.globals, 'mode', { min: 1, max: 5 })",
        ):
            self.assertEqual(self.run_cell(wrong).error["ename"], "TypeScriptError", wrong)
        for wrong in ("'small', { min: 0, max: 300 }", "'small', { min: 10, max: 20 }", "'step', { min: 0.5, max: 9 }"):
            self.assertEqual(self.run_cell(f"widgets.bind(counter.globals, {wrong})").error["ename"], "ArgumentError", wrong)
        self.assertEqual(self.run_cell("widgets.bind(counter.globals, 'label')").error["ename"], "ArgumentError")

    def test_a_closed_object_disables_the_widget_and_says_why(self):
        self.assertEqual(self.run_cell(COUNTER.replace("counter", "gone")).reply["status"], "ok")
        identity, _, ran = self.show("const orphan = widgets.bind(gone.globals, 'step', { min: 1, max: 500 });\norphan")
        self.strays += self.run_cell("gone.close();").messages
        self.wait_for_update(identity, "disabled", True)
        tooltip = self.updates(identity, self.strays)["tooltip"]
        self.assertIn("gone.globals is closed", tooltip)
        self.strays += self.move(identity, value=9)
        self.wait_for_update(identity, "value", 1)  # it does not move any more
        self.assertEqual(self.value("orphan.value"), "1")

    def test_an_interrupt_of_its_cell_does_not_end_it(self):
        cell = self.send("const lasting = widgets.bind(counter.globals, 'step', { min: 1, max: 500 });\nawait display(lasting);\nconsole.log('under way');\nawait new Promise(() => {});")
        self.wait_for_text(cell, "under way")
        self.km.interrupt_kernel()
        self.finish(cell, timeout=10)
        identity = self.value("(lasting as any).model.id")
        self.move(identity, value=77)
        self.assertEqual(self.value("counter.globals.step"), "77")


if __name__ == "__main__":
    main()
