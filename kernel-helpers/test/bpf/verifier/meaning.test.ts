/** What the commonest rejections say in the program's own terms; each from the running kernel's verifier. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { bpf, VerifierError } from "../../../dist/api/index.js";
import { displaySymbol } from "../../../dist/base/display.js";

const head = `#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
char LICENSE[] SEC("license") = "GPL";
struct event { u64 ts; u64 took; u32 pid; u32 fd; char comm[16]; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, u32); __type(value, struct event); } events SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, u32); __type(value, u64[16]); } slots SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } rb SEC(".maps");
const volatile u64 fixed = 0;
`;
const enter = `SEC("tp/syscalls/sys_enter_write")\nint enter(struct trace_event_raw_sys_enter *ctx)\n{\n`;
const packet = `SEC("tc")\nint filter(struct __sk_buff *skb)\n{\n\tvoid *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end;\n`;

/** The first line of a program's body. */
const FIRST = head.split("\n").length + 3;

async function rejection(source: string): Promise<VerifierError> {
  const compiled = await bpf.compile(source, { name: "rejected", place: "cell 4" });
  const error = await bpf.load(compiled).then(
    () => assert.fail("it loaded"),
    (e: unknown) => e,
  );
  assert.ok(error instanceof VerifierError, String(error));
  return error;
}

interface Case {
  body: string[];
  before?: string;
  /** The line of the body, from 1, and the word that the caret stands under. */
  at: [line: number, word: string];
  says: RegExp;
  advises: RegExp;
  reason: RegExp;
  source?: (source: string) => string;
}

const looked = ["\tu32 key = 1;", "\tstruct event *e = bpf_map_lookup_elem(&events, &key);"];
const reserved = ["\tstruct event *e = bpf_ringbuf_reserve(&rb, sizeof(*e), 0);", "\tif (!e)", "\t\treturn 0;"];

const cases: Record<string, Case> = {
  "a lookup whose result is not checked": {
    body: [...looked, "\treturn e->fd;"],
    at: [3, "e->fd"],
    says: /^e, from bpf_map_lookup_elem in line \d+, may be NULL here: a lookup finds nothing when the key is not in the map\.$/,
    advises: /if \(!e\) return 0;/,
    reason: /map_value_or_null/,
  },
  "the second of two pointers in one line": {
    body: [
      ...looked,
      "\tstruct event *f = bpf_map_lookup_elem(&events, &key);",
      "\tif (e && e->pid == f->fd)",
      "\t\treturn 1;",
      "\treturn 0;",
    ],
    at: [4, "f->fd"],
    says: /^f, from bpf_map_lookup_elem/,
    advises: /if \(!f\) return 0;/,
    reason: /map_value_or_null/,
  },
  "a record that is not checked": {
    body: [
      "\tstruct event *e = bpf_ringbuf_reserve(&rb, sizeof(*e), 0);",
      "\te->ts = 1;",
      "\tbpf_ringbuf_submit(e, 0);",
      "\treturn 0;",
    ],
    at: [2, "e->ts"],
    says: /^e, from bpf_ringbuf_reserve in line \d+, may be NULL here: there is no record when the ring buffer is full\.$/,
    advises: /if \(!e\) return 0;/,
    reason: /ringbuf_mem_or_null/,
  },
  "a record that one way does not submit": {
    body: [
      ...reserved,
      "\te->ts = 1;",
      "\tif (ctx->id > 3)",
      "\t\treturn 0;",
      "\tbpf_ringbuf_submit(e, 0);",
      "\treturn 0;",
    ],
    at: [1, "bpf_ringbuf_reserve"],
    says: new RegExp(
      `^The record e that bpf_ringbuf_reserve made in line ${FIRST} is neither submitted nor discarded on the path that leaves in line ${FIRST + 4}\\.$`,
    ),
    advises: /bpf_ringbuf_submit\(e, 0\), or bpf_ringbuf_discard\(e, 0\)/,
    reason: /reference leak/,
  },
  "a record that is submitted twice": {
    body: [...reserved, "\tbpf_ringbuf_submit(e, 0);", "\tbpf_ringbuf_submit(e, 0);", "\treturn 0;"],
    at: [5, "e, 0"],
    says: new RegExp(
      `^The record e was handed over before, in line ${FIRST + 3}: it can be submitted or discarded once\\.$`,
    ),
    advises: /Remove one of the two calls/,
    reason: /expected=ringbuf_mem/,
  },
  "a record that is written after it was submitted": {
    body: [...reserved, "\tbpf_ringbuf_submit(e, 0);", "\te->ts = 1;", "\treturn 0;"],
    at: [5, "e->ts"],
    says: new RegExp(`^The record e was passed to bpf_ringbuf_submit in line ${FIRST + 3}`),
    advises: /before it is submitted/,
    reason: /invalid mem access/,
  },
  "while (1)": {
    body: ["\twhile (1)", "\t\t;", "\treturn 0;"],
    at: [1, "while"],
    says: /^This loop has no end that the verifier can see\.$/,
    advises: /for \(u32 i = 0; i < 64; i\+\+\).*bpf_loop/,
    reason: /^infinite loop detected at insn \d+$/,
  },
  "a loop that ends when memory says so": {
    body: ["\tvolatile int n = 0;", "\tdo {", "\t\tn++;", "\t} while (n != 0);", "\treturn 0;"],
    at: [4, "while"],
    says: /^This loop has no end/,
    advises: /bpf_loop/,
    reason: /^infinite loop detected at insn \d+$/,
  },
  "a packet that may be shorter": {
    before: packet,
    body: [
      "\tstruct ethhdr *eth = data;",
      "\tstruct iphdr *ip = (void *)(eth + 1);",
      "\tif ((void *)(eth + 1) > data_end)",
      "\t\treturn 0;",
      "\treturn ip->protocol == 1 ? 2 : 0;",
    ],
    at: [5, "ip->protocol"],
    says: /^ip may point past the packet's end here/,
    advises: /if \(\(void \*\)\(ip \+ 1\) > data_end\) return 0;/,
    reason: /outside of the packet|invalid access to packet/,
  },
  "a packet that has moved": {
    before: packet,
    body: [
      "\tstruct ethhdr *eth = data;",
      "\tif ((void *)(eth + 1) > data_end)",
      "\t\treturn 0;",
      "\tbpf_skb_pull_data(skb, 100);",
      "\treturn eth->h_proto == bpf_htons(0x800) ? 2 : 0;",
    ],
    at: [5, "eth->h_proto"],
    says: /^bpf_skb_pull_data in line \d+ may move the packet, so that eth no longer points into it\.$/,
    advises: /Read data and data_end again after it/,
    reason: /invalid mem access/,
  },
  "a user's pointer": {
    body: ["\tconst char *text = (const char *)ctx->args[1];", "\treturn text[0] == 'a';"],
    at: [2, "text[0]"],
    says: /^text is a number to the verifier, not a pointer that this program may dereference: a system call's argument is an address in the memory of the process\.$/,
    advises: /bpf_probe_read_user\(&value, sizeof\(value\), text\)/,
    reason: /invalid mem access '(?:scalar|inv)'/,
  },
  "the kernel's pointer": {
    body: ["\tstruct task_struct *task = (void *)bpf_get_current_task();", "\treturn task->pid;"],
    at: [2, "task->pid"],
    says: /^task points into the kernel's memory, which this program may not dereference directly\.$/,
    advises: /BPF_CORE_READ\(task, field\)/,
    reason: /invalid mem access '(?:scalar|inv)'/,
  },
  "an index that may be anything": {
    body: [
      "\tu32 key = 0;",
      "\tu64 *slot = bpf_map_lookup_elem(&slots, &key);",
      "\tif (!slot)",
      "\t\treturn 0;",
      "\tslot[ctx->args[0]]++;",
      "\treturn 0;",
    ],
    at: [5, "slot["],
    says: /^The offset from slot is unbounded/,
    advises: /if \(i >= COUNT\) return 0;/,
    reason: /unbounded/,
  },
  "an index behind the value": {
    body: [
      "\tu32 key = 0;",
      "\tu64 *slot = bpf_map_lookup_elem(&slots, &key);",
      "\tif (!slot)",
      "\t\treturn 0;",
      "\tslot[16]++;",
      "\treturn 0;",
    ],
    at: [5, "slot["],
    says: /^slot reaches outside the value of the map slots, which has 128 bytes\.$/,
    advises: /__type\(value, …\)/,
    reason: /allowed memory range|invalid access to map value/,
  },
  "a key that is too small, behind a cast": {
    body: ["\tu16 key = 1;", "\tvoid *there = &key;", "\tbpf_map_delete_elem(&events, there);", "\treturn 0;"],
    at: [3, "there"],
    says: /^The key of the map has 4 bytes, and there points to fewer\.$/,
    advises: /__type\(key, …\)/,
    reason: /invalid (?:indirect )?read from stack/,
  },
  "a buffer that is too small": {
    body: ["\tchar comm[16];", "\tbpf_get_current_comm(comm, 32);", "\treturn comm[0];"],
    at: [2, "comm, 32"],
    says: /^bpf_get_current_comm writes 32 bytes at comm, where there is less room\.$/,
    advises: /sizeof\(comm\); at most 16 bytes are there/,
    reason: /invalid (?:indirect )?(?:write to|access) stack/,
  },
  "a size that may be anything": {
    body: [
      "\tchar text[64] = {};",
      "\tlong n = ctx->args[2];",
      "\tbpf_probe_read_user(text, n, (void *)ctx->args[1]);",
      "\treturn text[0];",
    ],
    at: [3, "n, (void"],
    says: /^The size n passed to bpf_probe_read_user is unbounded: it may be negative, or larger than the buffer\.$/,
    advises: /if \(n > sizeof\(buffer\)\) return 0;/,
    reason: /min value is negative/,
  },
  "no licence": {
    body: ['\tbpf_printk("hello");', "\treturn 0;"],
    source: (source) => source.replace('char LICENSE[] SEC("license") = "GPL";', ""),
    at: [1, "bpf_printk"],
    says: /^bpf_printk is for programs under the GPL only, and this one names no licence that is\.$/,
    advises: /^Add this line: char LICENSE\[\] SEC\("license"\) = "GPL";$/,
    reason: /GPL/,
  },
  "a licence that is none of the GPL's": {
    body: ['\tbpf_printk("hello");', "\treturn 0;"],
    source: (source) => source.replace('"GPL"', '"MIT"'),
    at: [1, "bpf_printk"],
    says: /GPL only, and the licence of this one, "MIT", is not one that the kernel counts among them\.$/,
    advises: /^Write: char LICENSE\[\] SEC\("license"\) = "GPL";$/,
    reason: /GPL/,
  },
  "a licence without its section": {
    body: ['\tbpf_printk("hello");', "\treturn 0;"],
    source: (source) => source.replace(' SEC("license")', ""),
    at: [1, "bpf_printk"],
    says: /GPL only, and LICENSE is an ordinary variable without SEC\("license"\)\.$/,
    advises: /^Write: char LICENSE\[\] SEC\("license"\) = "GPL";$/,
    reason: /GPL/,
  },
  "a number where a helper takes an address": {
    body: ["\tu64 id = ctx->args[0];", "\treturn bpf_strncmp((const char *)id, 8, fixed_text);"],
    source: (source) =>
      source.replace("const volatile u64 fixed", 'const char fixed_text[] = "12345678"; const volatile u64 fixed'),
    at: [2, "(const char *)id"],
    says: /^bpf_strncmp cannot take \(const char \*\)id as its argument 1: that is a number/,
    advises: /copy what it points to into a local variable/,
    reason: /type=(?:scalar|inv) expected=/,
  },
  "a helper of another kind of program": {
    body: ["\treturn bpf_skb_load_bytes(ctx, 0, 0, 4);"],
    at: [1, "bpf_skb_load_bytes"],
    says: /^A program of this kind cannot call bpf_skb_load_bytes\.$/,
    advises: /SEC\(\)/,
    reason: /cannot use helper|unknown func/,
  },
  "a context that is only read": {
    body: ["\tctx->id = 5;", "\treturn 0;"],
    at: [1, "ctx->id"],
    says: /^A program of this kind may not write this part of its context\.$/,
    advises: /copy its values into local variables/,
    reason: /invalid bpf_context access/,
  },
  "a constant that is written": {
    body: ["\t*(volatile u64 *)&fixed = 1;", "\treturn 0;"],
    at: [1, "= 1"],
    says: /^This writes to a constant/,
    advises: /Remove const/,
    reason: /write into map forbidden/,
  },
  "a record whose size is not constant": {
    body: [
      "\tu64 n = ctx->args[2];",
      "\tstruct event *e = bpf_ringbuf_reserve(&rb, n, 0);",
      "\tif (e)",
      "\t\tbpf_ringbuf_discard(e, 0);",
      "\treturn 0;",
    ],
    at: [2, "n, 0"],
    says: /^bpf_ringbuf_reserve needs a size that is known when the program is compiled, and n is not\.$/,
    advises: /sizeof\(struct …\)/,
    reason: /not a known constant/,
  },
  "a record that was reserved too small": {
    body: [
      "\tstruct event *e = bpf_ringbuf_reserve(&rb, 8, 0);",
      "\tif (!e)",
      "\t\treturn 0;",
      "\te->fd = 1;",
      "\tbpf_ringbuf_submit(e, 0);",
      "\treturn 0;",
    ],
    at: [4, "e->fd"],
    says: /^e reaches outside the reserved record, which has 8 bytes\.$/,
    advises: /bpf_ringbuf_reserve\(&ring, sizeof\(\*e\), 0\)/,
    reason: /allowed memory range|invalid access to memory/,
  },
};

describe("a rejection says what is wrong in the program's terms", () => {
  after(() => bpf.closeAll());

  for (const [
    what,
    { body, before = enter, at, says, advises, reason, source = (text: string) => text },
  ] of Object.entries(cases)) {
    test(what, async () => {
      const error = await rejection(source(`${head}${before}${body.join("\n")}\n}\n`));
      const line = FIRST - 1 + at[0] + (before === packet ? 1 : 0);
      const text = body[at[0] - 1]!;
      const rows = error.message.split("\n");
      const told = /^cell 4, line (\d+): (.*)$/.exec(rows[1]!);
      assert.ok(told, error.message);
      assert.match(told[2]!, says);
      assert.equal(Number(told[1]), line, error.message);
      assert.equal(rows[2], `${line} | ${text}`);
      assert.ok(text.includes(at[1]), "the test names a word that the line has");
      assert.equal(rows[3]!.indexOf("^") - rows[3]!.indexOf("|") - 2, text.indexOf(at[1]), error.message);
      assert.match(error.hint!, advises);
      assert.match(error.reason, reason);
      assert.ok(!error.message.includes("processed "), "the log is not in the message");
    });
  }

  test("a loop that is too long for it, with the end of the log folded and escaped", async () => {
    const body =
      "\tu64 sum = 0;\n\n\tfor (u64 i = 0; i < ctx->args[2]; i++)\n\t\tsum += bpf_ktime_get_ns();\n\treturn sum & 1;";
    const error = await rejection(`${head}${enter}${body}\n}\n`);
    assert.match(error.message, /This loop, or what it multiplies, is too much for the verifier/);
    assert.match(error.message, /\n\d+ \| \tfor \(u64 i/);
    const { "text/html": html, "text/plain": plain } = error[displaySymbol]() as Record<string, string>;
    assert.equal(plain, error.message);
    assert.match(html!, /<details><summary>The end of the verifier&#39;s log \(\d+ lines\)<\/summary><pre>/);
    assert.ok(!/<(?!\/?(?:pre|details|summary)>)/.test(html!), "nothing of the program is markup");
    assert.ok(error.log.length < 2 ** 20 + 100, "of a log of 50 MB the notebook keeps what can be read");
  });

  test("a rejection that is not known stands in the verifier's own words, at its line", async () => {
    const body = "\tu64 address = (u64)ctx;\n\n\taddress *= 2;\n\treturn *(u32 *)address;";
    const error = await rejection(`${head}${enter}${body}\n}\n`);
    assert.match(error.message, /^cell 4, line \d+: /m);
    assert.match(error.reason, /pointer arithmetic/);
  });
});
