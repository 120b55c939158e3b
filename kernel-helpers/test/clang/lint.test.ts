/** What is said of a program before it is loaded. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, describe, test } from "node:test";
import { bpf, CompileError } from "../../dist/api/index.js";

const head = `#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
`;
const map = `struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, u64); __type(value, u64[2]); } starts SEC(".maps");\n`;
const sized = `struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __uint(key_size, 8); __uint(value_size, 8); } sized SEC(".maps");\n`;
const program = (body: string, before = "") =>
  `${head}${before}SEC("tp/syscalls/sys_enter_write")\nint enter(struct trace_event_raw_sys_enter *ctx)\n{\n${body}\n\treturn 0;\n}\n`;

/** What is told, errors and warnings alike, as `severity line: message` with what stands under the caret, and the advice. */
async function told(source: string): Promise<{ text: string; under: string; advice: string }[]> {
  const diagnostics = await bpf.compile(source, { name: "linted", place: "cell 4" }).then(
    ({ warnings }) => warnings,
    (error: unknown) => {
      assert.ok(error instanceof CompileError, String(error));
      for (const { line, severity } of error.diagnostics)
        if (severity === "error") assert.ok(error.message.includes(`cell 4, line ${line}: `), error.message);
      return error.diagnostics.filter(({ severity }) => severity === "error");
    },
  );
  return diagnostics.map(({ severity, line, column, message, advice = "" }) => ({
    text: `${severity} ${line}: ${message}`,
    under: source.split("\n")[line - 1]!.slice(column - 1),
    advice,
  }));
}

interface Case {
  source: string;
  /** Each message, what the caret stands under, and a part of the advice. */
  says: [message: string, under: string, advice: string][];
}

const cases: Record<string, Case> = {
  "a key variable that is too small": {
    source: program("\tint pid = 1;\n\tbpf_map_lookup_elem(&starts, &pid);", map),
    says: [["error 9: The key of the map starts has 8 bytes, and &pid points to 4.", "&pid);", "Give pid the type"]],
  },
  "a value variable that is too small, in a call over several lines": {
    source: program("\tu64 key = 1, now = 2;\n\tbpf_map_update_elem(&starts, &key,\n\t\t&now, BPF_ANY);", map),
    says: [
      [
        "error 10: The value of the map starts has 16 bytes, and &now points to 8.",
        "&now, BPF_ANY);",
        "would read 8 bytes past its end",
      ],
    ],
  },
  "a key of a map that names sizes": {
    source: program("\tu32 key = 1;\n\tbpf_map_delete_elem(&sized, &key);", sized),
    says: [["error 9: The key of the map sized has 8 bytes, and &key points to 4.", "&key);", "Give key the type"]],
  },
  "a number where the address of a key or a value is needed": {
    source: program("\tu64 id = 1;\n\tbpf_map_update_elem(&starts, id, bpf_ktime_get_ns(), BPF_ANY);", map),
    says: [
      ["error 9: bpf_map_update_elem takes the address of the key, and id is a number.", "id, bpf", "Write &id."],
      [
        "error 9: bpf_map_update_elem takes the address of the value, and bpf_ktime_get_ns() is a number.",
        "bpf_ktime_get_ns(), BPF_ANY);",
        "Keep it in a variable, such as value",
      ],
    ],
  },
  "a map whose value's type is not defined": {
    source: program("", map.replace("u64[2]", "struct nothing_such")),
    says: [
      [
        "error 4: struct nothing_such is not defined, so that nobody knows how large this part of the map is.",
        "struct nothing_such); }",
        "Define it above the map",
      ],
    ],
  },
  "a number of a map that is declared as a type": {
    source: program("", map.replace("__uint(max_entries", "__type(max_entries")),
    says: [
      [
        "error 4: max_entries of a map is a number, and __type takes a type.",
        "__type(max_",
        "Write __uint(max_entries, 64);",
      ],
    ],
  },
  "a program with the parameters of what it traces": {
    source: `${head}SEC("tp_btf/sched_switch")\nint on(bool preempt, struct task_struct *prev)\n{\n\treturn prev->pid;\n}\n`,
    says: [
      [
        "error 5: A program gets one parameter, its context, and on has 2.",
        "on(bool",
        "Write int BPF_PROG(on, bool preempt, struct task_struct *prev) and include <bpf/bpf_tracing.h>",
      ],
    ],
  },
  "a variable that is larger, or points into something else": {
    source: program(
      "\tu64 keys[2] = {};\n\tbpf_map_delete_elem(&starts, keys);\n\tbpf_map_delete_elem(&starts, (u32 *)keys);",
      map,
    ),
    says: [
      [
        "warning 9: The key of the map starts has 8 bytes, and keys points to 16.",
        "keys);",
        "Only its first 8 bytes are used",
      ],
      [
        "warning 10: The key of the map starts has 8 bytes, and (u32 *)keys points to 4.",
        "(u32 *)keys);",
        "Compare its type",
      ],
    ],
  },
  "a function without SEC()": {
    source: `${program("")}int leave(struct trace_event_raw_sys_exit *ctx)\n{\n\treturn 0;\n}\n`,
    says: [
      [
        "warning 10: The function leave has no SEC(), so it is attached to nothing and never runs.",
        "leave(struct trace_event_raw_sys_exit *ctx)",
        'SEC("tp/syscalls/sys_exit_write")',
      ],
    ],
  },
  "a floating-point number in a format": {
    source: program('\tbpf_printk("took %f s", 1);'),
    says: [
      [
        "error 7: bpf_printk prints nothing here: the kernel does not support %f in a format.",
        '%f s", 1);',
        "BPF has no floating-point numbers",
      ],
    ],
  },
  "conversions that the kernel does not know": {
    source: program('\tbpf_printk("%.3f %-5d %zu %s %pI4 %%", ctx->id);'),
    says: [
      ["error 7: bpf_printk prints nothing here: the kernel does not support %.3f in a format.", "%.3f", "an integer"],
      ["error 7: bpf_printk prints nothing here: the kernel does not support %zu in a format.", "%zu", "%llu"],
      ["error 7: The format has more conversions than there are values.", "d %zu", "Add the value"],
    ],
  },
  "%s of nothing": {
    source: program('\tbpf_printk("name %s");'),
    says: [["error 7: The format has more conversions than there are values.", 's");', "Add the value"]],
  },
  "%s of a number": {
    source: program('\tu32 pid = 1;\n\tbpf_printk("name %s", pid);'),
    says: [
      ["error 8: %s prints text, and this is a number ('u32' (aka 'unsigned int')).", "pid);", "%llu for 64 bits"],
    ],
  },
  "a value without a conversion": {
    source: program('\tbpf_printk("name %d", 1, 2);'),
    says: [["warning 7: The format has no conversion for this value, so it is not printed.", "2);", "Add one"]],
  },
  "64 bits in a conversion for 32": {
    source: program('\tbpf_printk("%d %lu %llu %u", bpf_ktime_get_ns(), bpf_ktime_get_ns(), ctx->args[0], 1);'),
    says: [
      [
        "warning 7: This conversion prints 32 bits, and the value has 64 ('__u64' (aka 'unsigned long long')).",
        "bpf_ktime_get_ns(), bpf",
        "%llu",
      ],
    ],
  },
  "a format that is a variable": {
    source: program('\tchar text[] = "hello";\n\tbpf_printk(text);'),
    says: [
      ["error 8: The first argument of bpf_printk is its format: text in quotes.", "text);", 'bpf_printk("%s", text);'],
    ],
  },
  "a header of the C library": {
    source: `#include <stdio.h>\n${program('\tprintf("hello");')}`,
    says: [["error 1: stdio.h belongs to the C library, which a BPF program does not have.", "stdio.h>", "bpf_printk"]],
  },
  "the kernel's headers beside vmlinux.h": {
    source: program("").replace('"vmlinux.h"\n', '"vmlinux.h"\n#include <linux/if_ether.h>\n'),
    says: [
      [
        "error 2: linux/if_ether.h and vmlinux.h declare the same types, so one program cannot include both.",
        "linux/if_ether.h>",
        "Remove the line",
      ],
    ],
  },
  "no vmlinux.h": {
    source: program("").replace('#include "vmlinux.h"\n', ""),
    says: [
      [
        "error 1: bpf_helpers.h needs the kernel's types, and nothing above declares them.",
        "#include <bpf/bpf_helpers.h>",
        '#include "vmlinux.h" above it.',
      ],
    ],
  },
  "no bpf_helpers.h": {
    source: program("").replace("#include <bpf/bpf_helpers.h>\n", ""),
    says: [["error 2: SEC() is not known here.", 'SEC("license") = "GPL";', "#include <bpf/bpf_helpers.h> above"]],
  },
  printf: {
    source: program('\tprintf("hello");'),
    says: [
      [
        "error 7: There is no function printf in a BPF program.",
        'printf("hello");',
        "Write bpf_printk(…): its lines appear in bpf.tracePipe().",
      ],
    ],
  },
  "a misspelt helper": {
    source: program("\tbpf_get_current_pid_tgi();"),
    says: [
      [
        "error 7: There is no function bpf_get_current_pid_tgi in a BPF program.",
        "bpf_get_current_pid_tgi();",
        "bpf_get_current_pid_tgid",
      ],
    ],
  },
  "a function of the kernel that is not declared": {
    source: program("\tdo_unlinkat();"),
    says: [
      [
        "error 7: do_unlinkat is a function of this kernel, and not declared here.",
        "do_unlinkat();",
        "If it is a kfunc",
      ],
    ],
  },
  "a struct that is not there": {
    source: program("\treturn ctx->args[0];").replace("raw_sys_enter", "raw_sysenter"),
    says: [
      [
        "error 5: There is no struct trace_event_raw_sysenter: neither this program nor vmlinux.h defines it.",
        "trace_event_raw_sysenter *ctx)",
        "The nearest name is trace_event_raw_sys_enter.",
      ],
    ],
  },
  "a struct that vmlinux.h has": {
    source: program("", "struct key { u32 pid; };\n"),
    says: [
      ["error 4: vmlinux.h already has a key (line ", "key { u32 pid; };", "Give yours another name, such as my_key"],
    ],
  },
  "a field that is not there": {
    source: program("\treturn ctx->arg[0];"),
    says: [
      [
        "error 7: no member named 'arg' in 'struct trace_event_raw_sys_enter'",
        "arg[0];",
        "struct trace_event_raw_sys_enter has ent, id, args and __data.",
      ],
    ],
  },
  "a macro of the kernel's": {
    source: program("\treturn ctx->id == ETH_P_IP;"),
    says: [["error 7: use of undeclared identifier 'ETH_P_IP'", "ETH_P_IP;", "#define ETH_P_IP 0x0800"]],
  },
  htons: {
    source: program("\treturn htons(1);"),
    says: [["error 7: There is no function htons in a BPF program.", "htons(1);", "<bpf/bpf_endian.h>"]],
  },
  'SEC("maps")': {
    source: program("", map.replace('".maps"', '"maps"')),
    says: [
      [
        'error 4: SEC("maps") defines a map in the style from before libbpf 1.0, which no longer loads it.',
        'SEC("maps");',
        'SEC(".maps")',
      ],
    ],
  },
  "a map without its section": {
    source: program("\tu64 key = 1;\n\tbpf_map_lookup_elem(&starts, &key);", map.replace(' SEC(".maps")', "")),
    says: [
      [
        "error 4: starts is meant to be a map, but it is not in the section .maps, so it is an ordinary variable.",
        "starts;",
        'Write: } starts SEC(".maps");',
      ],
    ],
  },
  "a signed division": {
    source: program("\tint by = ctx->args[0];\n\tint all = ctx->id;\n\treturn all / by;"),
    says: [["error 9: BPF divides unsigned numbers only (before instruction set v4).", "/ by;", "Make both unsigned"]],
  },
};

describe("before it is loaded", () => {
  after(() => bpf.closeAll());

  for (const [what, { source, says }] of Object.entries(cases)) {
    test(what, async () => {
      const found = await told(source);
      assert.equal(found.length, says.length, JSON.stringify(found, null, 1));
      for (const [message, under, advice] of says) {
        const one = found.find(({ text }) => text.startsWith(message));
        assert.ok(one, `${message}\nis not among\n${found.map(({ text }) => text).join("\n")}`);
        assert.ok(one.under.startsWith(under), `the caret stands under ${one.under}`);
        assert.ok(one.advice.includes(advice), one.advice);
      }
    });
  }

  test("a map that does not say its size", async () => {
    const compiled = await bpf.compile(program("", map.replace("__uint(max_entries, 64); ", "")), {
      name: "linted",
      place: "cell 4",
    });
    await assert.rejects(bpf.load(compiled), {
      name: "ArgumentError",
      message: `cell 4, line 4: The map starts does not say how many entries it holds.\n4 | ${map.replace("__uint(max_entries, 64); ", "").trim()}\n  | ${" ".repeat(map.indexOf("starts") - "__uint(max_entries, 64); ".length)}^\nAdd it to its definition: __uint(max_entries, 1024); or load it with maxEntries: { starts: 1024 }.`,
    });
    assert.equal((await bpf.load(compiled, { maxEntries: { starts: 10 } })).maps["starts"]!.maxEntries, 10);
  });

  test("nothing is said of what is right", async () => {
    const right = [
      program(
        "\tu64 key = 1;\n\tu64 value[2] = {};\n\tvoid *any = &key;\n\tbpf_map_update_elem(&starts, &key, value, BPF_ANY);\n\tbpf_map_delete_elem(&starts, any);",
        map,
      ),
      program(
        '\tbpf_printk("%d %u %x %ld %llu %p %s %c %5d %-8u %pI4 %%", 1, 2, 3, 4L, 5ULL, ctx, "a", 65, 1, 2, ctx);',
      ),
      program("", '/* int leave(void) { printf("%f"); } */\nint helper(int a) { return a; }\n').replace(
        "\treturn 0;",
        "\treturn helper(1);",
      ),
      program(
        "",
        "#define LEAVE(x) int x(void) { return 0; }\nstruct pair { int a; int b; };\nenum kind { ONE, TWO };\nstatic struct pair pairs[] = { { 1, 2 } };\n",
      ).replace("\treturn 0;", "\treturn pairs[0].a;"),
    ];
    for (const source of right) assert.deepEqual(await told(source), []);
  });

  test("macros of the program's own are its own", async () => {
    const source = `${head}#define __section(name) __attribute__((section(name), used))
#define bpf_printk(level, format, ...) ({ static const char text[] = format; bpf_trace_printk(text, sizeof(text), ##__VA_ARGS__); })
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, u64); __type(value, u64); } counts __section(".maps");
__section("raw_tp/sched_switch") int enter(void *ctx) { u64 key = 1; bpf_printk(3, "%d", 1); return bpf_map_lookup_elem(&counts, &key) != 0; }
`;
    assert.deepEqual(await told(source.replace("#define bpf_printk", "#undef bpf_printk\n#define bpf_printk")), []);
  });

  test("two programs for one event, by hooks of two kinds", async () => {
    const on = (section: string, name: string) => `SEC("${section}") int ${name}(void *ctx) { return 0; }\n`;
    const [found, ...others] = await told(
      `${head}${on("tp_btf/sched_switch", "typed")}${on("raw_tp/sched_switch", "raw")}${on("raw_tp/sched_switch", "more")}`,
    );
    assert.equal(
      found!.text,
      "warning 5: typed (tp_btf/sched_switch) and raw (raw_tp/sched_switch) run at the same event: what both count is counted twice.",
    );
    assert.match(found!.advice, /--alternatives typed,raw of %%bpf, or alternatives: \[\["typed", "raw"\]\]/);
    assert.deepEqual(
      others.map(({ text }) => text.slice(0, 10)),
      ["warning 6:"],
    );
    for (const alone of [
      `${on("raw_tp/sched_switch", "one")}${on("raw_tp/sched_switch", "two")}`, // both are meant
      `${on("?tp_btf/sched_switch", "one")}${on("raw_tp/sched_switch", "two")}`, // one is left out
      `${on("raw_tp/sched_switch", "one")}${on("tp_btf/sched_wakeup", "two")}`,
    ])
      assert.deepEqual(await told(`${head}${alone}`), []);
  });

  test("the shipped programs have nothing to be said of them", async () => {
    const files = readdirSync(new URL("../../../bpf/", import.meta.url)).filter((file) => file.endsWith(".bpf.c"));
    for (const name of files.map((file) => file.replace(".bpf.c", "")))
      assert.deepEqual((await bpf.compile((await bpf.source(name as "ringbuf")).text, { name })).warnings, [], name);
  });
});
