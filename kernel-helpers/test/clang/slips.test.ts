/** What is said of slips in C: what was probably meant, under the word that it is about. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bpf, CompileError } from "../../dist/api/index.js";

const map = `struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, u64);
	__type(value, u64);
} starts SEC(".maps");
`;
const program = (body: string) => `#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
${map}
SEC("tp/syscalls/sys_enter_write")
int enter(struct trace_event_raw_sys_enter *ctx)
{
	u64 id = bpf_get_current_pid_tgid();
${body}
	return id == 1;
}
`;

/** What is wrong, the message, the advice, and what the caret stands under in the program's text. */
const slips: [what: string, source: string, says: RegExp, advice: RegExp, under: string][] = [
  [
    "a semicolon before bpf_printk",
    program('\tid++\n\tbpf_printk("%llu", id);'),
    /^A semicolon is missing at the end of this line\.$/,
    /^$/,
    "+\n\tbpf_printk",
  ],
  ["a brace that is not closed", program("\tif (id) {"), /^expected '}'/, /^The \{ of line 13 is not closed\.$/, "\n"],
  [
    "a quotation mark",
    program("").replace('sys_enter_write")', "sys_enter_write)"),
    /unterminated function-like macro/,
    /^A quotation mark or a bracket is opened in this line, and not closed\.$/,
    "SEC(",
  ],
  [
    "a map itself",
    program("\tbpf_map_delete_elem(starts, &id);"),
    /^A map is handed over by its address, and starts is the map itself\.$/,
    /^Write &starts\.$/,
    "starts, &id",
  ],
  [
    "a type as a number",
    program("").replace("__type(key, u64)", "__uint(key, u64)"),
    /expected expression/,
    /Write __type\(key, u64\);$/,
    "u64);",
  ],
  [
    "a lookup that is followed at once",
    program("\tid = *bpf_map_lookup_elem(&starts, &id);"),
    /^bpf_map_lookup_elem does not say what the value's type is, and may find nothing\.$/,
    /^Keep what it returns: u64 \*found = /,
    "= *bpf_map",
  ],
  [
    "a lookup into a number",
    program("\tu64 t = bpf_map_lookup_elem(&starts, &id);\n\tid += t;"),
    /^bpf_map_lookup_elem returns the address of the value, and t is a number\.$/,
    /^Declare it as a pointer, u64 \*t = /,
    "t = bpf",
  ],
  [
    "a helper that is not called",
    program("\tid = bpf_get_current_pid_tgid >> 32;"),
    /^bpf_get_current_pid_tgid is not called here\.$/,
    /^Write its brackets: bpf_get_current_pid_tgid\(\)\.$/,
    ">> 32",
  ],
  [
    "a call with too few arguments",
    program("\tbpf_map_update_elem(&starts, &id, &id);"),
    /^too few arguments/,
    /^It is bpf_map_update_elem\(void \*map, const void \*key, const void \*value, __u64 flags\)\.$/,
    ");",
  ],
  [
    "text compared by ==",
    program('\tchar comm[16];\n\tbpf_get_current_comm(comm, 16);\n\tif (comm == "dd")\n\t\treturn 0;'),
    /^This compares the addresses of two texts/,
    /^Write bpf_strncmp\(comm, sizeof\(comm\), "dd"\) == 0\.$/,
    '== "dd"',
  ],
  [
    "no return",
    program("").replace("\treturn id == 1;\n", ""),
    /^non-void function/,
    /^Every path needs a return/,
    "}",
  ],
  [
    "an address in 32 bits",
    program("").replace(
      "int enter(struct trace_event_raw_sys_enter *ctx)\n{",
      "int enter(struct __sk_buff *skb)\n{\n\tstruct ethhdr *eth = skb->data;\n\tif (eth) return 0;",
    ),
    /^incompatible integer to pointer/,
    /Write \(void \*\)\(long\)skb->data\.$/,
    "eth = skb",
  ],
  [
    "a floating-point number",
    program('\tdouble ms = id / 1e6;\n\tbpf_printk("%d", (int)ms);'),
    /^This computes with floating-point numbers/,
    /^Compute with integers/,
    "double ms",
  ],
  [
    "a header's name",
    program("").replace("bpf_helpers.h", "bpf_helper.h"),
    /^There is no header bpf\/bpf_helper\.h\.$/,
    /^The nearest is <bpf\/bpf_helpers\.h>\.$/,
    "<bpf/bpf_helper.h>",
  ],
  [
    "a map's type",
    program("").replace("TYPE_HASH", "TYPE_HASHMAP"),
    /undeclared identifier/,
    /BPF_MAP_TYPE_HASH\b/,
    "BPF_MAP_TYPE_HASHMAP",
  ],
  [
    "two maps of one name",
    program("").replace(map, map + map),
    /^redefinition of 'starts'.*'struct of line 10' vs 'struct of line 4'$/,
    /^It is already declared in line 9\. Remove one of the two, or give it another name\.$/,
    "starts SEC",
  ],
  [
    "a text and a number",
    program('  return "a" * 5;\n'),
    /^invalid operands to binary expression \('char\[2\]' and 'int'\)$/,
    /^A text is an array of characters in C, and no number: compare texts with bpf_strncmp\.$/,
    "*",
  ],
];

describe("a slip in C is called what it is", () => {
  for (const [what, source, says, advice, under] of slips)
    test(what, async () => {
      const diagnostics = await bpf.compile(source, { name: "slip", place: "cell 4" }).then(
        ({ warnings }) => warnings,
        (error: unknown) => {
          assert.ok(error instanceof CompileError, String(error));
          assert.doesNotMatch(error.message, /slip\.bpf\.c/, "a file that nobody has");
          return error.diagnostics;
        },
      );
      const found = diagnostics.find(({ message }) => says.test(message));
      assert.ok(found, JSON.stringify(diagnostics));
      assert.match(found.advice ?? "", advice);
      const rows = source.split("\n");
      const rest = [rows[found.line - 1]!.slice(found.column - 1), ...rows.slice(found.line)].join("\n");
      assert.ok(rest.startsWith(under), `${found.excerpt}`);
    });
});
