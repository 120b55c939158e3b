"""The messaging protocol as python3-jupyter-kernel-test checks it."""

import unittest

import jupyter_kernel_test


class BpflabKernelTests(jupyter_kernel_test.KernelTests):
    kernel_name = "bpflab"
    language_name = "typescript"
    file_extension = ".ts"

    code_hello_world = 'console.log("hello, world")'
    code_stderr = 'console.error("hello, stderr")'
    completion_samples = [
        {"text": "Math.hypo", "matches": ["hypot"]},
        {"text": 'const text = "a"; text.toUpper', "matches": ["toUpperCase"]},
        # Positions are code points: the emoji is one on the wire and two in TypeScript.
        {"text": '"😀".toUpper', "matches": ["toUpperCase"]},
    ]
    complete_code_samples = ["1", "const a = 1;", "function f() { return 1; }", "await fetch('x')", "%%bpf x\nint a;\n"]
    incomplete_code_samples = ["function f() {", "const a = [1,", "`open", "/* open", "f(", "%%bpf x\n", "%%bpf x\nint f(void)\n{"]
    invalid_code_samples = ["const const = 1", "let 1a = 2", ") + 1"]
    code_page_something = "Math.hypot?"
    code_generate_error = 'throw new Error("on purpose")'
    code_execute_result = [
        {"code": "1 + 2", "result": "3"},
        {"code": '"text"', "result": "text"},
        {"code": "[1, 2].map((n) => n * 2)", "result": "[ 2, 4 ]"},
        {"code": "await Promise.resolve(7n)", "result": "7n"},
        {"code": '({ [Symbol.for("Jupyter.display")]: () => ({ "text/html": "<b>x</b>" }) })', "mime": "text/html", "result": "<b>x</b>"},
    ]
    code_display_data = [
        {"code": 'import { display } from "kernel-helpers"; await display("shown")', "mime": "text/plain"},
    ]
    code_history_pattern = "1 ? 2*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "Math.hypot"
    code_clear_output = "console.clear()"


if __name__ == "__main__":
    unittest.main()
