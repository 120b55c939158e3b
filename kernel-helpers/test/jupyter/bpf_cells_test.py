"""Cells in C: %%bpf on the real kernel."""

import time

from harness import KernelTestCase, main

COUNTER = """%%bpf counter{options}
#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";

const volatile int step = 1;
int calls = 0;
struct point {{ int x; char name[8]; }};
struct {{ __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, struct point); }} points SEC(".maps");

SEC("tp/syscalls/sys_enter_getppid")
int on_getppid(void *ctx)
{{
	{body}
	return 0;
}}
"""


def counter(options="", body="__sync_fetch_and_add(&calls, step);"):
    return COUNTER.format(options=options, body=body)


class BpfCells(KernelTestCase):
    def setUp(self):
        super().setUp()
        self.run_cell("process.ppid;")

    def test_a_c_cell_defines_a_typed_handle(self):
        ran = self.run_cell(counter())
        self.assertEqual(ran.reply["status"], "ok", ran.messages)
        shown = ran.of("execute_result")[0]["data"]
        for part in ("on_getppid", "tp/syscalls/sys_enter_getppid", "points", "struct point { s32 x; char[8] name }", "calls"):
            self.assertIn(part, shown["text/plain"])
            self.assertIn(part, shown["text/html"])
        self.assertIn("calls  0", self.run_cell(counter(body="return 0;")).result)
        self.assertIn("not attached  2 instructions", self.run_cell("counter").result, "r0 = 0; exit")
        self.assertEqual(self.run_cell("counter.maps.points.set(1, { x: -7, name: 'a' }); counter.maps.points.get(1)!.x").result, "-7")
        for wrong in ("counter.maps.point", "counter.maps.points.get(1)!.y", "counter.globals.call", "counter.programs.on_getpid"):
            error = self.run_cell(wrong).error
            self.assertEqual(error["ename"], "TypeScriptError", wrong)

    def test_what_earlier_cells_do_with_a_handle_they_do_with_the_newest(self):
        self.run_cell(counter())
        self.run_cell("const callsNow = () => counter.globals.calls;")
        self.assertEqual(self.run_cell(counter(body="calls = 0; return 0;")).reply["status"], "ok")
        self.assertEqual(self.run_cell("callsNow()").result, "0")

    def test_a_failed_rerun_is_told_by_the_check(self):
        self.run_cell('import { exercise } from "kernel-helpers";')
        note = "This is the program as it was before: its newer version, in cell "
        self.run_cell(counter())
        self.assertEqual(self.run_cell(counter(body="nonsense")).error["ename"], "CompileError")
        self.assertIn(note, self.run_cell('await exercise.check("hashmap", counter)').result)
        self.assertEqual(self.run_cell(counter()).reply["status"], "ok")
        self.assertNotIn(note, self.run_cell('await exercise.check("hashmap", counter)').result)

    def test_a_name_of_a_cell_that_failed(self):
        self.run_cell("%%bpf nowhere\nnonsense")
        says = "Cannot find name 'nowhere'. No cell that ran to its end declares it: run the one that does, or mend that one first if it failed."
        self.assertIn(says, self.run_cell("nowhere.attach()").error["evalue"])
        self.assertIn(says.replace("nowhere", "nobody"), self.run_cell("console.log({ nobody })").error["evalue"])

    def test_options_attach_and_set_constants(self):
        self.assertEqual(self.run_cell(counter(" --attach --constant step=10")).reply["status"], "ok")
        self.assertEqual(self.run_cell("counter.attached && counter.globals.calls >= 0").result, "true")
        before = int(self.run_cell("counter.globals.calls").result)
        self.run_cell('import { execFileSync } from "node:child_process"; execFileSync("sh", ["-c", "exec perl -e getppid"]);')
        after = int(self.run_cell("counter.globals.calls").result)
        self.assertGreater(after, before)
        self.assertEqual((after - before) % 10, 0)

    def test_attach_says_where_options_are_written(self):
        for section, example in (("xdp", r'interface: "lo", mode: "generic"'), ("tc", r'interface: "lo", direction: "ingress"')):
            code = f'%%bpf packets --attach\n#include "bpflab.h"\nchar LICENSE[] SEC("license") = "GPL";\nSEC("{section}")\nint on_packet(void *ctx)\n{{\n\treturn 2;\n}}\n'
            says = self.run_cell(code).error["evalue"]
            self.assertIn("on_packet attaches to a network interface, which must be named.", says)
            self.assertIn(example, says)
            self.assertIn("On the first line of a cell it is written --on interface=eth0; or leave --attach out, and write await packets.attach({ … }) in the cell below.", says)

    def test_constants_of_every_type(self):
        code = counter(
            " --constant step=-0x10 --constant scale=-0.25 --constant on=true --constant cookie=0xfffffffffffffffe --constant label=abc --constant digits=\"12\" --constant mode=COUNT",
            body="seen.step = step; seen.scale = scale; seen.on = on; seen.cookie = cookie == 0xfffffffffffffffeULL; seen.a = label[2]; seen.d = digits[1]; seen.mode = mode;",
        )
        constants = "enum mode { OFF, COUNT };\n" + "".join(
            f"const volatile {one};\n" for one in ("double scale = 1", "bool on = false", "__u64 cookie = 0", "char label[8] = {}", "char digits[8] = {}", "enum mode mode = OFF")
        )
        code = code.replace("int calls = 0;", constants + "struct { int step; double scale; bool on; bool cookie; char a; char d; int mode; } seen = {};")
        ran = self.run_cell(code)
        self.assertEqual(ran.reply["status"], "ok", ran.messages)
        self.run_cell("await counter.attach(); require('child_process').execFileSync('perl', ['-e', 'getppid']); const seen = counter.globals.seen;")
        self.assertEqual(
            self.run_cell("[seen.step, seen.scale, seen.on, seen.cookie, seen.a, seen.d, seen.mode].join()").result,
            f"-16,-0.25,true,true,{ord('c')},{ord('2')},1",
        )

    def test_a_rerun_replaces_and_the_types_change_at_once(self):
        self.run_cell(counter(" --attach"))
        self.run_cell("const first = counter;")
        ran = self.run_cell(counter(" --attach").replace("int calls", "int runs").replace("&calls", "&runs"))
        self.assertEqual(ran.reply["status"], "ok", ran.messages)
        self.assertEqual(self.run_cell("[first.closed, counter.attached].join()").result, "true,true")
        self.assertGreaterEqual(int(self.run_cell("counter.globals.runs").result), 0)
        self.assertEqual(self.run_cell("counter.globals.calls").error["ename"], "TypeScriptError")

    def test_an_error_in_c_points_at_the_line_of_the_cell(self):
        self.run_cell(counter())
        ran = self.run_cell(counter(body="calls = 1 +;"))
        error = ran.error
        self.assertEqual(error["ename"], "CompileError")
        self.assertIn(f"cell {ran.reply['execution_count']}, line 13: expected expression", error["evalue"])
        self.assertIn("13 | \tcalls = 1 +;", error["evalue"])
        self.assertEqual(self.run_cell("counter.closed").result, "false", "the handle of before is still there")
        misspelt = self.run_cell(counter(body="bpf_ktime_get();")).error
        self.assertRegex(misspelt["evalue"], r"cell \d+, line 13: There is no function bpf_ktime_get in a BPF program\.")

    def test_a_rejection_points_at_the_line_of_the_cell_and_keeps_the_old_program(self):
        self.run_cell(counter(" --attach"))
        ran = self.run_cell(counter(body="calls = *(volatile int *)(long)bpf_get_prandom_u32();"))
        self.assertEqual(ran.error["ename"], "VerifierError")
        self.assertRegex(ran.error["evalue"], rf"cell {ran.reply['execution_count']}, line 13: .*\n13 \| ")
        self.assertNotIn("processed ", ran.error["evalue"])
        folded = ran.of("display_data")[0]["data"]["text/html"]
        self.assertRegex(folded, r"^<details><summary>The verifier&#39;s whole log \(\d+ lines\)</summary><pre>")
        self.assertIn("processed ", folded)
        self.assertEqual(self.run_cell("counter.attached").result, "true")

    def test_what_a_cell_set_survives_a_rerun_of_the_c_cell(self):
        self.run_cell(counter(" --attach"))
        self.run_cell("counter.globals.calls = 1_000_000;")
        ran = self.run_cell(counter(" --attach", body="calls += step;"))
        self.assertEqual(ran.text("stdout"), "Kept from before: calls of counter.\n")
        self.assertGreaterEqual(int(self.run_cell("counter.globals.calls").result), 1_000_000)
        again = self.run_cell(counter(" --attach", body="calls -= step;"))
        self.assertIn("Kept from before: calls", again.text("stdout"))
        self.run_cell("counter.close();")
        self.assertEqual(self.run_cell(counter(" --attach")).text("stdout"), "", "what was closed is forgotten")

    def test_variables_that_are_no_globals_say_how_they_are_set(self):
        source = counter().replace("int calls = 0;", "int calls = 0;\nstatic int hidden = 1;\nconst int fixed = 2;\nint unused_one = 3;")
        source = source.replace("calls, step", "calls, step + hidden + fixed")
        self.assertEqual(self.run_cell(source).reply["status"], "ok")
        for name, part in [
            ("step", "step is const volatile: it is fixed when the program is loaded. Set it there (%%bpf counter --constant step=VALUE"),
            ("fixed", "fixed is const: the compiler has put its value into the code."),
            ("hidden", "hidden is static: only the C file knows it. Leave static out"),
        ]:
            typed = self.run_cell(f"counter.globals.{name} = 5;").error
            self.assertEqual(typed["ename"], "TypeScriptError")
            self.assertIn(part, typed["evalue"] + "\n".join(typed["traceback"]))
            untyped = self.run_cell(f"(counter as any).globals.{name} = 5;").error
            self.assertEqual(untyped["ename"], "ArgumentError")
            self.assertIn(part, untyped["evalue"])
        wrong = self.run_cell(source.replace("%%bpf counter", "%%bpf counter --constant calls=1")).error
        self.assertIn("calls is an ordinary global: set it at any time with counter.globals.calls = VALUE.", wrong["evalue"])

    def test_c_that_does_not_begin_with_bpf_is_one_sentence(self):
        for code, part in [
            ("// my program\n" + counter(), "%%bpf has to be the cell's first line, and here it is line 2: move the lines above it below it."),
            ("\n\n" + counter(), "here it is line 3"),
            ("/* mine\n */\n" + counter(), "here it is line 3"),
            (counter()[1:], "%bpf is written with two percent signs: %%bpf (line 1)."),
            ("\ufeff" + counter(), "%%bpf has to be the very first characters of the cell"),
            (" " + counter(), "%%bpf has to be the very first characters of the cell"),
            (counter().split("\n", 1)[1], "This cell looks like C, but without %%bpf a cell is TypeScript."),
            ('SEC("tp/syscalls/sys_enter_write")\nint enter(void *ctx)\n{\n\treturn 0;\n}\n', "This cell looks like C"),
        ]:
            error = self.run_cell(code).error
            self.assertEqual(error["ename"], "ArgumentError", code)
            self.assertIn(part, error["evalue"])
            self.assertTrue(error["evalue"].endswith("The first line of a cell in C is: %%bpf NAME"), error["evalue"])
        kept = self.run_cell("const text = `\n#include \"vmlinux.h\"\nSEC(\"tc\")`;\n// #include <x>\ntext.length")
        self.assertEqual(kept.result, "31")

    def test_each_subscriber_prints_below_its_own_cell(self):
        printing = counter(" --attach", body='bpf_printk("ppid");')
        self.run_cell("import { bpf } from 'kernel-helpers';")
        self.run_cell(printing)
        first = self.send("const a = bpf.tracePipe().subscribe(({ message }) => console.log(`first ${message}`));")
        self.finish(first)
        second = self.send("const b = bpf.tracePipe().subscribe(({ message }) => console.log(`second ${message}`));")
        self.finish(second)
        self.run_cell("process.ppid; await new Promise((resolve) => setTimeout(resolve, 200));")
        for parent, text in ((first, "first ppid\n"), (second, "second ppid\n")):
            self.assertIn(text, self.wait_for_stray("stream", parent)["text"])
        self.assertFalse([m for m in self.strays if m["msg_type"] == "stream" and m["parent_header"].get("msg_id") == first and "second" in m["content"]["text"]])
        self.run_cell("a.unsubscribe(); b.unsubscribe(); counter.close();")

    def test_a_wrong_first_line_says_how_it_is_written(self):
        for line in ("%%bpf\n", "%%bpf name --attatch\n", "%%bpf name --constant step\n"):
            error = self.run_cell(line).error
            self.assertEqual(error["ename"], "ArgumentError", line)
            self.assertIn("%%bpf NAME [--attach] [--on key=value] [--no-load] [--constant key=value]", error["evalue"])

    def test_a_name_that_no_cell_could_use_is_refused_before_anything_is_loaded(self):
        for name in ("class", "await", "require", "1x", "a-b"):
            error = self.run_cell(counter(" --attach").replace("counter", name, 1)).error
            self.assertEqual(error["ename"], "ArgumentError", name)
            self.assertIn(name, error["evalue"])

    def test_warnings_are_shown_and_no_load_only_compiles(self):
        ran = self.run_cell(counter(" --no-load", body=f"int unused_{time.time_ns()};"))
        self.assertIn("warning: unused variable", ran.text("stdout"))
        self.assertEqual(ran.text("stderr"), "")
        self.assertEqual(ran.result, "counter compiles. It is not loaded: await bpf.load(counter) does that.")
        self.assertGreater(int(self.run_cell("counter.elf.length").result), 1000)

    def complete(self, code, cursor):
        return self.kc.complete(code, cursor, reply=True, timeout=30)["content"]

    def test_completion_inside_c_knows_kernel_structs_helpers_and_maps(self):
        self.run_cell(counter())
        for typed, found in [
            ("struct task_struct *task = (void *)bpf_get_current_task(); task->start_bo", "start_boottime"),
            ("bpf_ktime_get_n", "bpf_ktime_get_ns"),
            ("bpf_map_lookup_elem(&poin", "points"),
            ("/* 🎈 */ cal", "calls"),
        ]:
            code = counter(body=typed)
            cursor = code.index(typed) + len(typed)
            reply = self.complete(code, cursor)
            self.assertEqual(reply["status"], "ok")
            self.assertIn(found, reply["matches"], typed)
            word = code[reply["cursor_start"] : reply["cursor_end"]]
            self.assertTrue(found.startswith(word) and word, (typed, word))

    def hover(self, code, at, detail=0):
        asked = self.kc.inspect(code, code.rindex(at) + 1, detail_level=detail)
        content = self.reply(asked)["content"]
        return content["data"].get("text/plain", "") if content["found"] else None

    def test_hover_tells_what_a_name_in_c_stands_for(self):
        body = "/* 🎈 */ struct task_struct *task = (void *)bpf_get_current_task(); u64 at = task->start_boottime; bpf_map_lookup_elem(&points, &at); pid_t n = BPF_ANY;"
        code = counter(body=body)
        for at, parts in [
            ("task_struct", ["struct task_struct {", "struct thread_info thread_info;", "more lines"]),
            ("start_boottime", ["u64 start_boottime"]),
            ("bpf_map_lookup_elem", ["Perform a lookup in *map* for an entry associated to *key*.", "(*bpf_map_lookup_elem)(void *map, const void *key)"]),
            ("points", ["__type(value, struct point); } points SEC"]),
            ("at);", ["u64 at"]),
            ("task->", ["struct task_struct * task"]),
            ("pid_t", ["typedef __kernel_pid_t pid_t;"]),
            ("BPF_ANY", ["BPF_ANY = 0", "BPF_NOEXIST = 1"]),
            ("%%bpf", ["--attach"]),
        ]:
            text = self.hover(code, at)
            for part in parts:
                self.assertIn(part, text or "", at)
        whole = self.hover(code, "task_struct", detail=1)
        self.assertGreater(len(whole.split("\n")), 100)
        self.assertTrue(whole.endswith("};"))
        self.assertIsNone(self.hover(counter(body="no_such_name();"), "no_such_name"))

    def test_completion_answers_while_a_cell_awaits(self):
        self.run_cell(counter())
        running = self.send("await new Promise((resolve) => setTimeout(resolve, 3000));")
        code = counter(body="bpf_get_current_com")
        begun = time.monotonic()
        reply = self.complete(code, code.index("current_com") + len("current_com"))
        self.assertIn("bpf_get_current_comm", reply["matches"])
        self.assertLess(time.monotonic() - begun, 2.5, "it waited for the cell")
        self.messages(running)


if __name__ == "__main__":
    main()
