"""Cells: results, errors, output, displays, and where packages come from."""

from harness import KernelTestCase, main, os, time

SLEEP = "const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));\n"


class ResultTests(KernelTestCase):
    def test_shorthand_properties_of_earlier_cells(self):
        self.run_cell("let rows = 3, other = 4;")
        self.assertEqual(self.run_cell("const g = () => ({ rows, other: { other } }); JSON.stringify(g())").result, '{"rows":3,"other":{"other":4}}')
        self.assertEqual(self.run_cell("({ rows, other = 9 } = { rows: 7 } as any); [rows, other].join()").result, "7,9")
        self.assertEqual(self.run_cell("{ const rows = 1; console.log(JSON.stringify({ rows })); }").text("stdout"), '{"rows":1}\n')

    def test_variables_and_types_last_into_later_cells(self):
        self.run_cell("interface Point { x: number }\nconst point: Point = { x: 1 };")
        self.assertEqual(self.run_cell("point.x + 1").result, "2")
        self.assertIn("'y' does not exist", self.run_cell("point.y").error["evalue"])

    def test_a_cell_may_redeclare(self):
        self.run_cell("const again = 1;")
        self.run_cell('const again = "text";')
        self.assertEqual(self.run_cell("again.length").result, "4")

    def test_every_form_of_top_level_await(self):
        self.assertEqual(self.run_cell("await (3)").result, "3")
        self.assertEqual(self.run_cell("let sum = 0;\nfor await (const n of [1, 2]) sum += n;\nsum").result, "3")
        self.assertEqual(self.run_cell("const [a, b] = await Promise.all([1, 2]); a + b").result, "3")

    def test_undefined_shows_nothing(self):
        self.assertEqual(self.run_cell("undefined").of("execute_result"), [])

    def test_a_promise_prints_as_itself(self):
        self.assertEqual(self.run_cell("const settled = Promise.resolve({ in: Promise.resolve(1) }); console.log(settled); settled").result, "Promise { { in: Promise { 1 } } }")
        self.assertEqual(self.run_cell("new Promise(() => {})").result, "Promise { <pending> }")

    def test_silent_shows_nothing_and_counts_nothing(self):
        before = self.run_cell("1").reply["execution_count"]
        silent = self.run_cell('console.log("x"); 5', silent=True)
        self.assertEqual(silent.reply["status"], "ok")
        self.assertEqual([m["msg_type"] for m in silent.messages], ["status", "status"])
        self.assertEqual(self.run_cell("1").reply["execution_count"], before + 1)

    def test_store_history_false_does_not_count(self):
        before = self.run_cell("1").reply["execution_count"]
        self.run_cell("2", store_history=False)
        self.assertEqual(self.run_cell("1").reply["execution_count"], before + 1)

    def test_user_expressions(self):
        reply = self.run_cell("const base = 20;", user_expressions={"good": "base * 2 + 2", "bad": "missing"}).reply
        self.assertEqual(reply["user_expressions"]["good"]["data"]["text/plain"], "42")
        self.assertEqual(reply["user_expressions"]["bad"]["ename"], "TypeScriptError")

    def test_a_user_expression_that_cannot_be_shown_is_an_error(self):
        reply = self.run_cell("1", user_expressions={"bad": '({ [Symbol.for("Jupyter.display")]() { throw new Error("cannot draw"); } })'}).reply
        self.assertEqual((reply["status"], reply["user_expressions"]["bad"]["evalue"]), ("ok", "cannot draw"))

    def test_an_unknown_magic_is_an_error(self):
        self.assertIn("%%nosuch", self.run_cell("%%nosuch x\n1").error["evalue"])


class ErrorTests(KernelTestCase):
    def test_a_traceback_marks_the_line_that_threw(self):
        ran = self.run_cell("interface Gone { a: number }\nfunction fail(): never {\n  throw new RangeError('boom');\n}\n\nfail();")
        self.assertEqual((ran.error["ename"], ran.error["evalue"]), ("RangeError", "boom"))
        self.assertIn("> 3 |   throw new RangeError('boom');", ran.traceback)
        self.assertIn("at fail (cell [%d]:3:9)" % ran.reply["execution_count"], ran.traceback)
        self.assertIn(":6:1", ran.traceback)
        for inner in ("tslab", "node:", "/dist/"):
            self.assertNotIn(inner, ran.traceback)
        self.assertEqual(ran.reply["ename"], "RangeError")

    def test_a_line_after_an_await_is_found(self):
        ran = self.run_cell("const one = 1;\nawait (null);\n\n  throw new Error('later');")
        self.assertIn(">4|throw", ran.traceback.replace(" ", ""))

    def test_a_function_of_an_earlier_cell_is_found_there(self):
        first = self.run_cell("function early() {\n  (null as any).x;\n}").reply["execution_count"]
        ran = self.run_cell("\n\n\n\nearly()")
        self.assertIn("Cell [%d], line 2" % first, ran.traceback)

    def test_an_error_of_bpflab_is_short(self):
        ran = self.run_cell("// why\nprocess.exit(3);")
        self.assertEqual(ran.error["ename"], "ProcessExitError")
        self.assertIn("> 2 | process.exit(3);", ran.traceback)
        self.assertNotIn("    at ", ran.traceback)
        self.assert_alive()

    def test_type_errors_show_each_place(self):
        ran = self.run_cell("let n: number = 'text';\nn.nosuch;")
        self.assertEqual(ran.error["ename"], "TypeScriptError")
        self.assertIn("1:5 - TS2322", ran.traceback)
        self.assertIn("2:3 - TS2339", ran.traceback)
        self.assertIn("> 2 | n.nosuch;\n    |   ^^^^^^", ran.traceback)

    def test_type_errors_beside_an_await_keep_their_columns(self):
        self.assertIn("1:7 - TS2304", self.run_cell("await nosuch;").traceback)

    def test_a_module_cell_with_type_errors_fails(self):
        self.assertIn("TS2322", self.run_cell("/** @module wrong */\nexport const n: number = 'text';").traceback)

    def test_what_a_failing_cell_defined_before_it_failed_is_there(self):
        self.run_cell("let untouched: number;")
        self.run_cell("import { sep } from 'node:path';\nconst got = 1;\nfunction helper() { return 2; }\ninterface Kept { a: number }\nthrow new Error('here');\nconst later = 3;")
        self.assertEqual(self.run_cell("const kept: Kept = { a: 3 };\ngot + helper() + kept.a + sep.length").result, "7")
        self.assertIn("TS2304", self.run_cell("later").traceback)
        self.assertEqual(self.run_cell("untouched = 5;\nuntouched").result, "5")

    def test_what_a_stopped_cell_defined_is_there(self):
        ran = self.run_cell("const loaded = 7;\nsetTimeout(() => { throw new Error('stop'); }, 20);\nawait new Promise(() => {});")
        self.assertEqual(ran.error["evalue"], "stop")
        self.assertEqual(self.run_cell("loaded").result, "7")
        self.assertEqual(self.reply(self.kc.complete("loade"))["content"]["matches"], ["loaded"])

    def test_a_failing_cell_run_again_works(self):
        self.run_cell("const again = 1;\nif (!(globalThis as any).second) throw new Error('first time');")
        self.run_cell("(globalThis as any).second = true;")
        self.assertEqual(self.run_cell("const again = 2;\nagain").result, "2")

    def test_messages_speak_of_the_cells_own_variables(self):
        self.run_cell("const thing: any = {};")
        self.assertEqual(self.run_cell("thing.nosuch()").error["evalue"], "thing.nosuch is not a function")

    def test_an_error_of_a_library_marks_the_await_in_the_cell(self):
        ran = self.run_cell('import { readFile } from "node:fs/promises";\n\nawait readFile("/nosuchfile");')
        self.assertIn('> 3 | await readFile("/nosuchfile");', ran.traceback)

    def test_a_rejection_inside_a_function_marks_the_innermost_line(self):
        ran = self.run_cell("async function inner() {\n  await null;\n  throw new Error('deep');\n}\nawait inner();")
        self.assertIn("> 3 |   throw new Error('deep');", ran.traceback)
        self.assertIn(":5:", ran.traceback)

    def test_what_is_thrown_need_not_be_an_error(self):
        self.assertEqual(self.run_cell("throw 'just text'").error["evalue"], "just text")
        self.assertEqual(self.run_cell("throw { a: 1 }").error["evalue"], "{ a: 1 }")
        self.assertEqual(self.run_cell("await Promise.reject()").error["evalue"], "undefined")

    def test_a_cause_is_shown(self):
        self.assertIn("Caused by:\nTypeError: inner", self.run_cell("throw new Error('outer', { cause: new TypeError('inner') })").traceback)
        self.assertIn("One of them:\nTypeError: inner", self.run_cell("throw new AggregateError([new TypeError('inner')], 'outer')").traceback)
        self.assertIn("Caused by:\nError: circle", self.run_cell("const circle = new Error('circle'); circle.cause = circle; throw circle;").traceback)

    def test_a_failing_display_fails_the_cell(self):
        ran = self.run_cell('({ [Symbol.for("Jupyter.display")]() { throw new Error("cannot draw"); } })')
        self.assertEqual(ran.error["evalue"], "cannot draw")


class UncaughtTests(KernelTestCase):
    def test_a_timer_of_the_running_cell_fails_it(self):
        ran = self.run_cell(SLEEP + "setTimeout(() => {\n  throw new Error('in timer');\n}, 20);\nawait sleep(5000);")
        self.assertEqual(ran.reply["status"], "error")
        self.assertIn("> 3 |   throw new Error('in timer');", ran.traceback)
        self.assert_alive()

    def test_a_timer_of_an_earlier_cell_is_reported_there(self):
        cell = self.send("setTimeout(() => { throw new Error('too late'); }, 150);\n1")
        self.assertEqual(self.finish(cell).reply["status"], "ok")
        other = self.run_cell(SLEEP + "await sleep(400);\n7")
        self.assertEqual((other.reply["status"], other.result), ("ok", "7"))
        self.assertEqual(self.wait_for_stray("error", cell)["evalue"], "too late")
        self.assert_alive()

    def test_where_nobody_watches_it_fails_the_cell_that_runs_or_the_next(self):
        for code in (SLEEP + "await sleep(5000);", "1"):
            cell = self.send("const before = 1;\nsetTimeout(() => { throw new Error('too late'); }, 150);\n1", allow_stdin=False)
            self.assertEqual(self.finish(cell).reply["status"], "ok")
            time.sleep(0.3 if code == "1" else 0)
            ran = self.run_cell(code, allow_stdin=False)
            self.assertEqual((ran.reply["status"], ran.error["evalue"]), ("error", "too late"))
            self.assertIn("> 2 | setTimeout(() => { throw new Error('too late'); }, 150);", ran.traceback)
            self.wait_for_stray("error", cell)
            self.assertEqual(self.run_cell("2", allow_stdin=False).reply["status"], "ok")

    def test_a_rejection_that_nobody_handles_fails_the_cell(self):
        ran = self.run_cell("Promise.reject(new Error('nobody'));\n5")
        self.assertEqual((ran.reply["status"], ran.error["evalue"]), ("error", "nobody"))
        self.assert_alive()

    def test_whatever_is_thrown_the_kernel_lives(self):
        trap = "new Proxy({}, { get() { throw new Error('trap'); }, getPrototypeOf() { throw new Error('trap'); } })"
        for value in (trap, "Object.assign(new Error('x'), { get stack() { throw 1; } })", "Object.create(null)", "{ toString() { throw 1; } }", "Symbol('x')", "null"):
            for code in (f"throw {value};", f"setTimeout(() => {{ throw {value}; }}, 5);\n{SLEEP}await sleep(500);", f"Promise.reject({value});\n{SLEEP}await sleep(500);"):
                self.assertEqual(self.run_cell(code).reply["status"], "error", code)
        self.assert_alive()

    def test_process_exit_in_a_timer_is_reported(self):
        cell = self.send("setTimeout(() => process.exit(1), 50); 1")
        self.finish(cell)
        self.assertEqual(self.wait_for_stray("error", cell)["ename"], "ProcessExitError")
        self.assert_alive()


class OutputTests(KernelTestCase):
    def test_twenty_thousand_lines_all_arrive_in_order(self):
        ran = self.run_cell("for (let i = 0; i < 20000; i++) console.log(i);")
        self.assertEqual(ran.text("stdout"), "".join(f"{i}\n" for i in range(20000)))
        self.assertLess(len(ran.of("stream")), 2000)

    def test_streams_keep_their_order(self):
        ran = self.run_cell("console.log('a'); console.error('b'); process.stdout.write('c'); process.stderr.write('d');\nnull")
        self.assertEqual([(c["name"], c["text"]) for c in ran.of("stream")], [("stdout", "a\n"), ("stderr", "b\n"), ("stdout", "c"), ("stderr", "d")])

    def test_output_appears_while_the_cell_is_busy(self):
        cell = self.send("console.log('before'); const end = Date.now() + 1500; while (Date.now() < end);\n'after'")
        self.wait_for_text(cell, "before")
        asked = self.kc.kernel_info()
        self.assertEqual(self.reply(asked, timeout=1)["content"]["status"], "ok")
        self.assertEqual(self.finish(cell).result, "after")

    def test_bytes_split_inside_a_character_are_joined(self):
        self.assertEqual(self.run_cell("const smile = Buffer.from('😀'); process.stdout.write(smile.subarray(0, 2)); process.stdout.write(smile.subarray(2));\nnull").text("stdout"), "😀")

    def test_late_output_belongs_to_its_cell(self):
        cell = self.send("setTimeout(() => console.log('late'), 150);\n1")
        self.finish(cell)
        other = self.run_cell(SLEEP + "await sleep(400); console.log('mine');")
        self.assertEqual(other.text("stdout"), "mine\n")
        self.assertEqual(self.wait_for_stray("stream", cell)["text"], "late\n")

    def test_what_children_inherit_is_shown_below_their_cell(self):
        self.run_cell('import { execFileSync, execSync, fork, spawn, spawnSync } from "node:child_process";')
        for code, out, err in (
            ("const ended = spawnSync('sh', ['-c', 'echo one; echo two >&2'], { stdio: 'inherit' }); ended.stdout", "one\n", "two\n"),
            ("execSync('echo three', { stdio: ['ignore', 'inherit', 'pipe'] })", "three\n", ""),
            ("execFileSync('sh', ['-c', 'seq 300000 | tail -n 1'], { stdio: 'inherit', encoding: 'utf8' })", "300000\n", ""),
            ("try { execSync('echo four >&2; exit 3', { stdio: 'inherit' }); } catch (error) { console.log((error as any).status); }", "3\n", "four\n"),
            ("await new Promise((resolve) => spawn('sh', ['-c', 'echo five; echo six >&2'], { stdio: 'inherit' }).on('close', resolve))", "five\n", "six\n"),
            ("const child = spawn('echo', ['seven'], { stdio: ['ignore', 1, 'ignore'] }); await new Promise((resolve) => child.on('close', resolve)); child.stdout", "seven\n", ""),
            ("require('fs').writeFileSync('forked.cjs', 'console.log(process.argv[2])'); await new Promise((resolve) => fork('./forked.cjs', ['eight']).on('close', resolve))", "eight\n", ""),
        ):
            with self.subTest(code):
                ran = self.run_cell(code)
                self.assertEqual((ran.reply["status"], ran.text("stdout"), ran.text("stderr")), ("ok", out, err))
        first = self.send("const late = spawn('sh', ['-c', 'sleep 0.3; echo late'], { stdio: 'inherit' });")
        self.finish(first)
        self.assertEqual(self.run_cell("await new Promise((resolve) => late.on('close', resolve)); 'closed'").text("stdout"), "")
        self.assertEqual(self.wait_for_stray("stream", first)["text"], "late\n")

    def test_what_nodes_test_runner_says_is_shown_below_the_cell_that_tests(self):
        self.run_cell('import { test, describe, it } from "node:test";')
        self.assertRegex(self.run_cell("await test('first', () => {});").text("stdout"), r"(?m)^ok \d+ - first")
        ran = self.run_cell("await test('second', () => { throw new Error('on purpose'); });\nawait test('third', () => {});")
        for part in (r"not ok \d+ - second", "on purpose", r"ok \d+ - third"):
            self.assertRegex(ran.text("stdout"), part)
        self.assertEqual(self.strays, [])
        # What nobody catches fails its cell as before.
        self.assertEqual(self.run_cell("setTimeout(() => { throw new Error('uncaught'); }, 5);\nawait new Promise(() => {});").error["evalue"], "uncaught")
        self.assertEqual(self.run_cell("Promise.reject(new Error('unhandled'));").error["evalue"], "unhandled")

    def test_clear_output(self):
        self.assertEqual(self.run_cell("console.clear()").of("clear_output"), [{"wait": False}])


class DisplayTests(KernelTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.run_cell(cls("run_display_import"), 'import { display } from "kernel-helpers";')

    def run_display_import(self):
        """The name that setUpClass borrows a test's methods under."""

    def test_display_and_update(self):
        ran = self.run_cell('const shown = await display("first");\nshown.update("second");')
        (first,) = ran.of("display_data")
        (second,) = ran.of("update_display_data")
        self.assertEqual(first["data"], {"text/plain": "first"})
        self.assertEqual(second["data"], {"text/plain": "second"})
        self.assertEqual(first["transient"]["display_id"], second["transient"]["display_id"])
        self.assertEqual(ran.of("execute_result"), [])

    def test_a_display_that_is_not_awaited_arrives_before_the_cell_ends(self):
        slow = '{ [Symbol.for("Jupyter.display")]: async () => { await new Promise((r) => setTimeout(r, 100)); return { "text/plain": "slow" }; } }'
        ran = self.run_cell(f"display({slow});\nlet done = 1;")
        self.assertEqual(ran.of("display_data")[0]["data"], {"text/plain": "slow"})

    def test_the_newest_of_many_updates_arrives(self):
        ran = self.run_cell('const counter = await display("0");\nfor (let i = 1; i <= 5000; i++) counter.update(String(i));')
        updates = ran.of("update_display_data")
        self.assertEqual(updates[-1]["data"], {"text/plain": "5000"})
        self.assertLess(len(updates), 1000)

    def test_an_update_goes_to_the_cell_that_runs(self):
        self.run_cell('const live = await display("old");')
        ran = self.run_cell('live.update("new");')
        self.assertEqual(ran.of("update_display_data")[0]["data"], {"text/plain": "new"})

    def test_big_integers_and_bytes_can_be_shown(self):
        code = 'await display({ [Symbol.for("Jupyter.display")]: () => ({ "application/json": { n: 2n ** 63n, m: 5n }, "image/png": new Uint8Array([1, 2]) }) })'
        data = self.run_cell(code).of("display_data")[0]["data"]
        self.assertEqual(data, {"application/json": {"n": "9223372036854775808", "m": 5}, "image/png": "AQI="})


class PackageTests(KernelTestCase):
    """The kernel's directory is a fresh one outside the repository, without any packages."""

    def test_kernel_helpers_is_there_with_its_types(self):
        self.assertEqual(self.run_cell('import { display as show } from "kernel-helpers"; typeof show').result, "function")
        self.assertIn("TS2305", self.run_cell('import { nosuchexport } from "kernel-helpers"; nosuchexport').traceback)

    def test_arquero_and_rxjs_work_across_cells(self):
        self.run_cell('import * as aq from "arquero";\nimport { of, toArray, lastValueFrom } from "rxjs";\nconst table = aq.table({ n: [1, 2, 3] });')
        self.assertEqual(self.run_cell("table.numRows()").result, "3")
        self.assertEqual(self.run_cell("await lastValueFrom(of(1, 2).pipe(toArray()))").result, "[ 1, 2 ]")
        self.assertIn("TS2339", self.run_cell("table.nosuch()").traceback)

    def test_types_of_kernel_helpers_last_into_later_cells(self):
        self.run_cell('import { aq, charts } from "kernel-helpers";\nconst chart = charts.histogram(aq.table({ n: [1, 2, 3] }), { x: "n" });')
        self.assertIn("TS2339", self.run_cell("chart.nosuch").traceback)

    def make_package(self, name, code):
        package = os.path.join(self.directory, "node_modules", name)
        os.makedirs(package)
        for file_name, text in {
            "package.json": f'{{ "name": "{name}", "type": "module", "main": "index.js", "types": "index.d.ts" }}',
            "index.js": code,
            "index.d.ts": "export declare const ready: number;",
        }.items():
            with open(os.path.join(package, file_name), "w") as file:
                file.write(text)

    def test_a_package_with_a_top_level_await_can_be_imported(self):
        self.make_package("awaiting", "export const ready = await Promise.resolve(7);")
        self.assertEqual(self.run_cell('import { ready } from "awaiting"; ready').result, "7")

    def test_an_interrupt_while_a_package_loads_waits_for_it(self):
        self.make_package("slow", "console.log('loading'); const until = Date.now() + 600; while (Date.now() < until); export const ready = 7;")
        cell = self.send('import { ready } from "slow";\nfor (;;);')
        self.wait_for_text(cell, "loading")
        self.km.interrupt_kernel()
        self.assertEqual(self.finish(cell).reply["ename"], "KeyboardInterrupt")
        self.assertEqual(self.run_cell('import { ready } from "slow"; ready').result, "7")

    def test_a_module_of_the_notebooks_directory_can_be_imported(self):
        for name, text in {"local": 'import { one } from "./inner";\nexport const two: number = one + 1;', "inner": "export const one: number = 1;"}.items():
            with open(os.path.join(self.directory, f"{name}.ts"), "w") as file:
                file.write(text)
        self.assertEqual(self.run_cell('import { two } from "./local"; two').result, "2")
        self.run_cell("/** @module cell */\nexport const three: number = 3;")
        self.assertEqual(self.run_cell('import { three } from "./cell"; three').result, "3")

    def test_a_missing_package_is_named(self):
        self.assertIn("nosuchpackage", self.run_cell('import x from "nosuchpackage"; x').error["evalue"])

    def test_types_of_other_packages_last_into_later_cells(self):
        # This directory has no node_modules: rxjs is the one that the kernel came with.
        self.run_cell('import { timer } from "rxjs";')
        self.run_cell("const ticks = timer(1);")
        error = self.run_cell("const wrong: string = ticks;").error
        self.assertEqual((error["ename"], error["evalue"]), ("TypeScriptError", "Type 'Observable<0>' is not assignable to type 'string'."))

    def test_an_object_that_a_chain_of_awaits_made_keeps_its_type(self):
        self.run_cell('import { bpf } from "kernel-helpers";')
        ran = self.run_cell('const chained = await (await bpf.load("ringbuf")).attach(); chained.attached')
        self.assertEqual(ran.result, "true")
        self.assertIn("watched_pidd", self.run_cell("chained.globals.watched_pidd").error["evalue"])
        self.run_cell("chained.close();")

    def test_types_of_node_are_there(self):
        self.assertEqual(self.run_cell('import { basename } from "node:path"; basename("/a/b")').result, "b")


if __name__ == "__main__":
    main()
