"""Mistakes in cells about a BPF program: each error says what to write instead."""

from harness import KernelTestCase, main

PROGRAM = """%%bpf s
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
u32 my_pid = 0;
struct event { u64 ns; u32 pid; };
struct event *rb_record;
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } rb SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, u64); __type(value, u64); } starts SEC(".maps");
SEC("tp/syscalls/sys_enter_getppid")
int enter(void *ctx)
{
	u64 id = my_pid;

	bpf_map_delete_elem(&starts, &id);
	return 0;
}
"""

# A cell, and the hint below the error's first line.
CELLS = {
    'collect(s.events("rb"), { seconds: 1 }).numRows()': "write await before the call",
    's.events("ring")': "It can only be rb.",
    'await exercise.check("hashmaps", s)': "Did you mean hashmap?",
    "s.maps.map.table()": "There are starts and rb.",
    "s.my_pid = 5": "my_pid is one of its globals: s.globals.my_pid.",
    "s.starts.table()": "starts is one of its maps: s.maps.starts.",
    "function act(e: Record<string, unknown>) {}\ns.events('rb').subscribe((batch) => { for (const e of batch.table) act(e); })": "for (const event of batch.table.objects())",
    "s.events('rb').subscribe((batch) => { for (const e of batch) console.log(e); })": "batch.table has them: for (const event of batch.table.objects())",
    "s.events('rb').subscribe((event) => console.log(event.pid))": "A batch holds many events.",
    "s.events('rb').subscribe((batch) => batch.table.map((e) => e))": "table.objects() lists its rows",
    "s.events('rb', (e) => console.log(e))": "s.events('rb').subscribe(",
    "bpf.tracePipe((line) => console.log(line))": "bpf.tracePipe().subscribe(",
    "for await (const batch of s.events('rb')) console.log(batch)": "s.events('rb').subscribe(",
    "await collect(s.maps.starts, { seconds: 1 })": ".poll({ everyMs: 1000 }) is a stream of its tables",
    "await bpf.load('ringbuff')": "The nearest is ringbuf.",
    "await setTimeout(100)": "await new Promise((resolve) => setTimeout(resolve, 100));",
    "await sleep(1)": "await new Promise(",
    "print(s)": "console.log(…)",
    "process.hrtime.bigint() - 5": "write 5n for 5",
    "s.globals.my_pid = 5n": "leave out the n",
}


class Mistakes(KernelTestCase):
    def test_a_type_error_says_what_to_write_instead(self):
        self.assertEqual(self.run_cell('import { bpf, collect, exercise } from "kernel-helpers";').reply["status"], "ok")
        self.assertEqual(self.run_cell(PROGRAM).reply["status"], "ok")
        for cell, hint in CELLS.items():
            with self.subTest(cell):
                error = self.run_cell(cell).error
                self.assertEqual(error["ename"], "TypeScriptError")
                self.assertIn(hint, error["evalue"])

    def test_a_table_is_printed_as_one(self):
        self.run_cell('import { bpf } from "kernel-helpers";')
        self.run_cell(PROGRAM)
        printed = self.run_cell("s.maps.starts.set(7, 8); console.log(s.maps.starts.table())").text("stdout")
        self.assertEqual(printed, "key  value\n  7      8\n1 row × 2 columns\n")

    def test_a_rerun_says_of_other_globals_only_where_there_are_some(self):
        self.run_cell('import { bpf } from "kernel-helpers";')
        self.run_cell(PROGRAM)
        self.run_cell("s.globals.my_pid = 77;")
        again = self.run_cell(PROGRAM.replace("return 0", "return 1"))
        self.assertEqual(again.text("stdout"), "Kept from before: my_pid of s.\n")

    def test_a_cell_without_a_program_says_so(self):
        self.assertIn("neither a program", self.run_cell('%%bpf s\n#include "vmlinux.h"\n').text("stdout"))

    def test_what_the_compiler_said_is_a_click_away(self):
        ran = self.run_cell(PROGRAM.replace("u64 id = my_pid", "u64 id = nothing_such"))
        self.assertRegex(ran.error["evalue"], r"cell \d+, line 13: use of undeclared identifier 'nothing_such'\n13 \| .*\n +\| \t +\^")
        self.assertIn("clang&#39;s whole output", ran.of("display_data")[0]["data"]["text/html"])


if __name__ == "__main__":
    main()
