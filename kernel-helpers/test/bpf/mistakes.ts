/** Mistakes that people make who know C, bcc or the kernel: a program with each, and what is said of it. */

const VMLINUX = '#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\n';
const LICENSE = 'char LICENSE[] SEC("license") = "GPL";\n';
const STARTS = `struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, u64);
	__type(value, u64);
} starts SEC(".maps");
`;
const PAIRS = `struct pair { u32 pid; u64 fd; };
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct pair);
	__type(value, u64);
} pairs SEC(".maps");
`;
const RING = `struct event { u64 ns; u32 pid; char comm[16]; };
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } rb SEC(".maps");
`;
const ID = "\tu64 id = bpf_get_current_pid_tgid();";
const LOOKUP = `${ID}\n\tu64 *t = bpf_map_lookup_elem(&starts, &id);`;
const RESERVE = "\tstruct event *e = bpf_ringbuf_reserve(&rb, sizeof(*e), 0);\n\tif (!e)\n\t\treturn 0;";
const PACKET =
  "\tvoid *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end;\n\tstruct ethhdr *eth = data;\n\tstruct iphdr *ip = (void *)(eth + 1);";

interface Parts {
  body: string;
  above?: string;
  head?: string;
  license?: string;
  section?: string;
  declared?: string;
  end?: string;
}

function program({
  body,
  above = STARTS,
  head = VMLINUX,
  license = LICENSE,
  section = 'SEC("tp/syscalls/sys_enter_write")',
  declared = "int enter(struct trace_event_raw_sys_enter *ctx)",
  end = "\treturn 0;\n}\n",
}: Parts): string {
  return `${head}${license}${above}${section}\n${declared}\n{\n${body}\n${end}`;
}

const packet = (body: string, more: Partial<Parts> = {}) =>
  program({ body, above: "", section: 'SEC("tc")', declared: "int filter(struct __sk_buff *skb)", ...more });

/** What is wrong; the C; what is said; what to do; and what stands at the caret and behind it. */
export type Mistake = [what: string, source: string, says: RegExp, advice: RegExp, under: string];

/** Told before it is loaded. */
export const seenInTheText: Mistake[] = [
  [
    "bcc: a map by macro",
    program({ body: ID, above: "BPF_HASH(starts, u64, u64);\n" }),
    /BPF_HASH is a macro of bcc's/,
    /BPF_MAP_TYPE_HASH\).*__type\(key, u64\); __type\(value, u64\); } starts SEC\("\.maps"\);/,
    "BPF_HASH(",
  ],
  [
    "bcc: events by macro",
    program({ body: ID, above: "BPF_PERF_OUTPUT(events);\n" }),
    /BPF_PERF_OUTPUT is a macro of bcc's/,
    /BPF_MAP_TYPE_RINGBUF\).* } events SEC\("\.maps"\);/,
    "BPF_PERF_OUTPUT(",
  ],
  [
    "bcc: methods of a map",
    program({ body: `${ID}\n\tu64 *t = starts.lookup(&id);` }),
    /starts\.lookup\(\) is bcc's way to write it/,
    /bpf_map_lookup_elem\(&starts, &key\)/,
    "starts.lookup",
  ],
  [
    "bcc: perf_submit",
    program({ body: `${ID}\n\trb.perf_submit(ctx, &id, sizeof(id));`, above: RING }),
    /rb\.perf_submit\(\) is bcc's way/,
    /bpf_ringbuf_output\(&rb, /,
    "rb.perf_submit",
  ],
  [
    "bcc: a probe by macro",
    `${VMLINUX}${LICENSE}TRACEPOINT_PROBE(syscalls, sys_exit_write)\n{\n\treturn 0;\n}\n`,
    /TRACEPOINT_PROBE is a macro of bcc's/,
    /SEC\("tp\/syscalls\/sys_exit_write"\) int sys_exit_write\(struct trace_event_raw_sys_exit \*ctx\)/,
    "TRACEPOINT_PROBE",
  ],
  [
    "bcc: bpf_trace_printk without the size",
    program({ body: `${ID}\n\tbpf_trace_printk("pid %d", id >> 32);` }),
    /told the size of its format/,
    /bpf_printk\("pid %d", id >> 32\)/,
    "bpf_trace_printk",
  ],
  [
    "bcc: bpf_trace_printk with four values",
    program({ body: '\tchar format[] = "%d %d %d %d";\n\tbpf_trace_printk(format, sizeof(format), 1, 2, 3, 4);' }),
    /at most 3 values/,
    /bpf_printk\("…", 1, 2, 3, 4\)/,
    "bpf_trace_printk",
  ],
  [
    "bcc: args",
    program({ body: '\tbpf_printk("%d", args->fd);' }),
    /undeclared identifier 'args'/,
    /ctx->args\[0\]/,
    "args->fd",
  ],
  [
    "bcc: its headers",
    program({ body: ID, head: "#include <uapi/linux/ptrace.h>\n#include <linux/sched.h>\n" }),
    /There is no header uapi\/linux\/ptrace\.h/,
    /"vmlinux\.h".*<bpf\/bpf_helpers\.h>/,
    "<uapi/",
  ],
  [
    "a macro of a header that is not included",
    program({ body: '\tbpf_printk("%d", PT_REGS_PARM1(ctx));' }),
    /no function PT_REGS_PARM1/,
    /<bpf\/bpf_tracing\.h>.*ctx->args\[0\]/,
    "PT_REGS_PARM1",
  ],
  [
    "a header without its bracket",
    program({ body: ID, head: '#include "vmlinux.h"\n#include <bpf/bpf_helpers.h\n' }),
    /in quotes or in angle brackets/,
    /#include <bpf\/bpf_helpers\.h>/,
    "bpf/bpf_helpers.h",
  ],
  [
    "a header without quotes",
    program({ body: ID, head: "#include vmlinux.h\n#include <bpf/bpf_helpers.h>\n" }),
    /in quotes or in angle brackets/,
    /#include "vmlinux\.h"/,
    "vmlinux.h",
  ],
  [
    "SEC() without quotes",
    program({ body: ID, section: "SEC(tp/syscalls/sys_enter_write)" }),
    /SEC\(\) takes text in quotes/,
    /SEC\("tp\/syscalls\/sys_enter_write"\)/,
    "tp/syscalls",
  ],
  [
    "a semicolon behind SEC()",
    program({ body: ID, section: 'SEC("tp/syscalls/sys_enter_write");' }),
    /belongs to nothing/,
    /Remove the semicolon/,
    ";",
  ],
  [
    "another hook's context",
    packet("\tif (skb->len > 5)\n\t\treturn 2;", { section: 'SEC("xdp")' }),
    /warning: SEC\("xdp"\) hands over a struct xdp_md, and filter reads it as a struct __sk_buff/,
    /struct xdp_md \*skb/,
    "__sk_buff *skb",
  ],
  [
    "the context of the call's other end",
    program({ body: "\tif (ctx->args[0] == 5)\n\t\treturn 0;", section: 'SEC("tp/syscalls/sys_exit_write")' }),
    /warning: SEC\("tp\/syscalls\/sys_exit_write"\) hands over a struct trace_event_raw_sys_exit/,
    /struct trace_event_raw_sys_exit \*ctx/,
    "trace_event_raw_sys_enter",
  ],
  [
    "a program that returns nothing",
    program({
      body: '\tbpf_printk("x");',
      declared: "void enter(struct trace_event_raw_sys_enter *ctx)",
      end: "}\n",
    }),
    /warning: The program enter returns nothing/,
    /int enter/,
    "void enter",
  ],
  [
    "a verdict of another hook",
    packet("\treturn TC_ACT_OK;", {
      above: "#define TC_ACT_OK 0\n",
      section: 'SEC("xdp")',
      declared: "int filter(struct xdp_md *ctx)",
      end: "}\n",
    }),
    /warning: TC_ACT_OK is not a verdict of SEC\("xdp"\)/,
    /XDP_PASS/,
    "TC_ACT_OK;",
  ],
  [
    "two programs of one name",
    `${program({ body: ID })}SEC("tp/syscalls/sys_exit_write")\nint enter(struct trace_event_raw_sys_exit *ctx)\n{\n\treturn 0;\n}\n`,
    /There are two functions enter: the other one is in line 11\./,
    /another name/,
    "enter(struct trace_event_raw_sys_exit",
  ],
  [
    "a static map",
    program({ body: LOOKUP, above: `static ${STARTS}` }),
    /The map starts is static/,
    /Remove static/,
    "static struct",
  ],
  [
    "a map's attribute",
    program({ body: LOOKUP, above: STARTS.replace("max_entries", "max_entry") }),
    /A map has no max_entry/,
    /Did you mean max_entries\?/,
    "max_entry",
  ],
  [
    "a map's type as text",
    program({ body: LOOKUP, above: STARTS.replace("BPF_MAP_TYPE_HASH", '"hash"') }),
    /type of a map is a number/,
    /BPF_MAP_TYPE_HASH/,
    '"hash"',
  ],
  [
    "bytes between the fields of a key",
    program({
      body: "\tstruct pair pair;\n\tu64 one = 1;\n\tpair.pid = 1;\n\tpair.fd = ctx->args[0];\n\tbpf_map_update_elem(&pairs, &pair, &one, BPF_ANY);",
      above: PAIRS,
    }),
    /warning: struct pair has 4 bytes before fd that no field names/,
    /struct pair pair = \{\};/,
    "pair;",
  ],
  [
    "a struct where its address is needed",
    program({
      body: "\tstruct pair pair = {};\n\tu64 one = 1;\n\tbpf_map_update_elem(&pairs, pair, &one, BPF_ANY);",
      above: PAIRS,
    }),
    /The address is needed here, and pair is the struct itself/,
    /Write &pair/,
    "pair, &one",
  ],
  [
    "a key without a value",
    program({ body: "\tu64 id;\n\tbpf_map_delete_elem(&starts, &id);" }),
    /warning: id has no value here/,
    /where it is declared/,
    "&id);",
  ],
  [
    "the address of a number",
    program({ body: `${ID}\n\tbpf_map_update_elem(&starts, &id, &1, BPF_ANY);` }),
    /1 is no variable, so it has no address/,
    /u64 value = 1;/,
    "&1",
  ],
  [
    "text behind a global pointer",
    program({ body: '\tbpf_printk("%s", who);', above: 'const char *who = "student";\n' }),
    /warning: who stays NULL/,
    /const char who\[\]/,
    "who =",
  ],
  [
    "an entry of an array is deleted",
    program({
      body: "\tu32 key = 0;\n\tbpf_map_delete_elem(&starts, &key);",
      above: STARTS.replace("HASH", "ARRAY").replace("key, u64", "key, u32"),
    }),
    /warning: starts is an array, whose entries cannot be deleted/,
    /Set the entry to 0/,
    "bpf_map_delete_elem",
  ],
  [
    "%s of the process's memory",
    program({ body: '\tbpf_printk("%d %s", 1, (char *)ctx->args[1]);' }),
    /warning: %s prints nothing here/,
    /bpf_probe_read_user_str/,
    "(char *)ctx",
  ],
  [
    "= for ==",
    program({ body: `${ID}\n\tif (id = 5)\n\t\treturn 0;` }),
    /warning: This assigns a value where one is compared/,
    /==/,
    "= 5",
  ],
  [
    "compared with an address",
    program({ body: `${ID}\n\tif (id != &my_id)\n\t\treturn 0;`, above: "u64 my_id;\n" }),
    /warning: This compares with the address of my_id/,
    /Write my_id/,
    "!= &my_id",
  ],
  [
    "an array is assigned to",
    program({ body: `${RESERVE}\n\te->comm = "dd";\n\tbpf_ringbuf_submit(e, 0);`, above: RING }),
    /C cannot assign to an array/,
    /__builtin_memcpy\(e->comm, "dd", sizeof\("dd"\)\)/,
    '= "dd"',
  ],
  [
    "one bracket too many",
    program({ body: `${ID}\n\tif (id > 5))\n\t\treturn 0;` }),
    /extraneous '\)'/,
    /Remove it/,
    ")\n",
  ],
  [
    "no semicolon behind a struct",
    program({ body: ID, above: "struct event {\n\tu64 ns;\n}\n" }),
    /A semicolon is missing/,
    /^/,
    "}\n",
  ],
  [
    "no semicolon behind a map",
    program({ body: ID, above: STARTS.replace('(".maps");', '(".maps")') }),
    /A semicolon is missing/,
    /^/,
    ")\n",
  ],
  [
    "an address in 32 bits",
    packet("\tvoid *data = (void *)skb->data;\n\tif (!data)\n\t\treturn 2;"),
    /warning: skb->data is an address in a field of 32 bits/,
    /\(void \*\)\(long\)skb->data/,
    "(void *)skb",
  ],
  [
    "an argument that no call has",
    program({ body: '\tbpf_printk("%lu", ctx->args[7]);' }),
    /warning: ctx->args has 6 elements, and 7 is not one of them/,
    /ctx->args\[5\]/,
    "ctx->args[7]",
  ],
  [
    "an argument by its name",
    program({ body: '\tbpf_printk("%d", ctx->fd);' }),
    /no member named 'fd'/,
    /ctx->args\[0\] is the first/,
    "fd)",
  ],
  [
    "what a call returns, at its beginning",
    program({ body: '\tbpf_printk("%d", ctx->ret);' }),
    /no member named 'ret'/,
    /sys_exit_/,
    "ret)",
  ],
  [
    "a variable that is not declared",
    program({ body: '\tbpf_printk("%d", pid);' }),
    /undeclared identifier 'pid'/,
    /u32 pid = bpf_get_current_pid_tgid\(\) >> 32;/,
    "pid)",
  ],
  [
    "let",
    program({ body: '\tlet id = bpf_get_current_pid_tgid();\n\tbpf_printk("%d", id);' }),
    /undeclared identifier 'let'$/m,
    /u64 id = …/,
    "let id",
  ],
  [
    "null",
    program({ body: `${LOOKUP}\n\tif (t == null)\n\t\treturn 0;` }),
    /undeclared identifier 'null'$/m,
    /NULL/,
    "null)",
  ],
  [
    "TypeScript below the C",
    `${program({ body: ID })}await s.attach();\n`,
    /This line is TypeScript/,
    /a cell of its own/,
    "await s",
  ],
  [
    "an atomic operation on a byte",
    program({ body: "\t__sync_fetch_and_add(&count, 1);", above: "u8 count;\n" }),
    /32 or 64 bits/,
    /u32 or a u64/,
    "__sync_fetch_and_add",
  ],
];

/** Told when the kernel refuses to load or to attach it. */
export const refusedByTheKernel: Mistake[] = [
  [
    "a lookup that found nothing, on a path that goes on",
    program({
      body: `${LOOKUP}\n\tu64 zero = 0;\n\tif (t)\n\t\t*t += 1;\n\telse\n\t\tbpf_map_update_elem(&starts, &id, &zero, BPF_ANY);\n\t__sync_fetch_and_add(t, 1);`,
    }),
    /t is NULL on the path that leads here: bpf_map_lookup_elem in line 14 found nothing/,
    /another lookup.*if \(!t\) return 0;/,
    "t, 1",
  ],
  [
    "a pointer in a record",
    program({
      body: `${RESERVE}\n\tbpf_get_current_comm(e->comm, 16);\n\tbpf_ringbuf_submit(e, 0);`,
      above: RING.replace("char comm[16]", "char *comm"),
    }),
    /e->comm is a pointer without memory behind it, and bpf_get_current_comm writes there/,
    /char comm\[16\];/,
    "e->comm, 16",
  ],
  [
    "the size of a pointer",
    program({
      body: `${RESERVE.replace("*e)", "e)")}\n\te->pid = bpf_get_prandom_u32();\n\tbpf_ringbuf_submit(e, 0);`,
      above: RING,
    }),
    /The record e has 8 bytes: sizeof\(e\) in line 9 is the size of the pointer/,
    /sizeof\(\*e\)/,
    "e->pid",
  ],
  [
    "an index that may be anything",
    program({ body: "\tu32 fd = ctx->args[0];\n\tcounts[fd]++;", above: "u64 counts[64];\n" }),
    /The index fd of counts is unbounded/,
    /if \(fd >= 64\) return 0;/,
    "counts[fd]",
  ],
  [
    "an index behind a global array",
    program({ body: "\tcounts[64]++;", above: "u64 counts[64];\n" }),
    /counts reaches outside the global variables/,
    /counted from 0/,
    "counts[64]",
  ],
  [
    "the check of a packet's end the wrong way round",
    packet(`${PACKET}\n\tif ((void *)(ip + 1) < data_end)\n\t\treturn 0;\n\tif (ip->protocol == 1)\n\t\treturn 2;`),
    /the check in line 10 is the wrong way round/,
    /if \(\(void \*\)\(ip \+ 1\) > data_end\) return 0;/,
    "ip->protocol",
  ],
  [
    "no check of a packet's end",
    packet(`${PACKET}\n\tif (ip->protocol == 1 && data_end)\n\t\treturn 2;`),
    /ip may point past the packet's end here: nothing has checked that the packet is long enough/,
    /\(ip \+ 1\) > data_end/,
    "ip->protocol",
  ],
  [
    "the check of a packet's end for the header before",
    packet(`${PACKET}\n\tif ((void *)(eth + 1) > data_end)\n\t\treturn 0;\n\tif (ip->protocol == 1)\n\t\treturn 2;`),
    /the check in line 10 covers \(eth \+ 1\) only, and not ip behind it/,
    /\(ip \+ 1\) > data_end/,
    "ip->protocol",
  ],
  [
    "the check of a packet's end up to the header",
    packet(`${PACKET}\n\tif ((void *)ip > data_end)\n\t\treturn 0;\n\tif (ip->protocol == 1)\n\t\treturn 2;`),
    /the check in line 10 covers what lies before ip/,
    /\(ip \+ 1\) > data_end/,
    "ip->protocol",
  ],
  [
    "a licence whose section is misspelt",
    program({ body: '\tbpf_printk("x");', license: LICENSE.replace('"license"', '"licence"') }),
    /SEC\("licence"\) is not where the licence is looked for/,
    /SEC\("license"\)/,
    "bpf_printk",
  ],
  [
    "an element that an array of the kernel's has not",
    program({ body: '\tbpf_printk("%lu", ctx->args[7]);' }),
    /program enter reads \[7\] of an array in struct trace_event_raw_sys_enter, which has fewer elements/,
    /counted from 0/,
    "[7]",
  ],
  [
    "a map of no entries",
    program({ body: LOOKUP, above: STARTS.replace("64", "0") }),
    /The map starts is to hold 0 entries/,
    /__uint\(max_entries, 1024\)/,
    "starts SEC",
  ],
  [
    "an array's key of 8 bytes",
    program({ body: "\tu64 key = 0;\n\tbpf_map_lookup_elem(&starts, &key);", above: STARTS.replace("HASH", "ARRAY") }),
    /the key of the map starts \(array\) has 8 bytes/,
    /__type\(key, u32\)/,
    "starts SEC",
  ],
  [
    "a hook that begins with a slash, in upper case",
    program({ body: ID, section: 'SEC("/TP/syscalls/sys_enter_write")' }),
    /is not a known kind of hook/,
    /Did you mean SEC\("tp\/syscalls\/sys_enter_write"\)\?/,
    '"/TP/',
  ],
  [
    "a misspelt tracepoint",
    program({ body: ID, section: 'SEC("tp/syscalls/sys_enter_wirte")' }),
    /There is no tracepoint syscalls\/sys_enter_wirte/,
    /sys_enter_write/,
    '"tp/syscalls/sys_enter_wirte"',
  ],
  [
    "a system call without its end",
    program({ body: ID, section: 'SEC("tp/syscalls/sys_write")' }),
    /There is no tracepoint syscalls\/sys_write/,
    /sys_enter_write, where the call begins, or sys_exit_write/,
    '"tp/',
  ],
  [
    "a tracepoint without its category",
    program({ body: ID, section: 'SEC("tp/sys_enter_write")' }),
    /names no tracepoint/,
    /SEC\("tp\/syscalls\/sys_enter_write"\)/,
    '"tp/',
  ],
  [
    "one system call's raw tracepoint",
    program({ body: ID, section: 'SEC("raw_tp/sys_enter_write")', declared: "int enter(void *ctx)" }),
    /There is no tracepoint sys_enter_write/,
    /sys_enter only.*SEC\("tp\/syscalls\/sys_enter_write"\)/,
    '"raw_tp/',
  ],
];
