/** What bcc's own dialect of C has, and C for libbpf has not: programs copied from there. */
import type { Diagnostic } from "../diagnostics.js";
import { bare, callArguments, closing, finding } from "./source-text.js";

const maps: Record<string, string> = {
  BPF_HASH: "BPF_MAP_TYPE_HASH",
  BPF_LRU_HASH: "BPF_MAP_TYPE_LRU_HASH",
  BPF_ARRAY: "BPF_MAP_TYPE_ARRAY",
  BPF_HISTOGRAM: "BPF_MAP_TYPE_HASH",
  BPF_PERCPU_HASH: "BPF_MAP_TYPE_PERCPU_HASH",
  BPF_PERCPU_ARRAY: "BPF_MAP_TYPE_PERCPU_ARRAY",
  BPF_TABLE: "BPF_MAP_TYPE_HASH",
  BPF_STACK_TRACE: "BPF_MAP_TYPE_STACK_TRACE",
  BPF_LPM_TRIE: "BPF_MAP_TYPE_LPM_TRIE",
  BPF_QUEUE: "BPF_MAP_TYPE_QUEUE",
  BPF_STACK: "BPF_MAP_TYPE_STACK",
  BPF_PROG_ARRAY: "BPF_MAP_TYPE_PROG_ARRAY",
  BPF_PERF_ARRAY: "BPF_MAP_TYPE_PERF_EVENT_ARRAY",
  BPF_PERF_OUTPUT: "BPF_MAP_TYPE_RINGBUF",
  BPF_RINGBUF_OUTPUT: "BPF_MAP_TYPE_RINGBUF",
};
const withoutKey = /RINGBUF|QUEUE|_STACK$/;

const methods: Record<string, (map: string) => string> = {
  lookup: (map) => `bpf_map_lookup_elem(&${map}, &key), and check that it is not NULL`,
  lookup_or_try_init: (map) =>
    `bpf_map_update_elem(&${map}, &key, &zero, BPF_NOEXIST), then bpf_map_lookup_elem(&${map}, &key)`,
  lookup_or_init: (map) => methods["lookup_or_try_init"]!(map),
  update: (map) => `bpf_map_update_elem(&${map}, &key, &value, BPF_ANY)`,
  insert: (map) => `bpf_map_update_elem(&${map}, &key, &value, BPF_NOEXIST)`,
  delete: (map) => `bpf_map_delete_elem(&${map}, &key)`,
  increment: (map) =>
    `u64 *count = bpf_map_lookup_elem(&${map}, &key); if (count) __sync_fetch_and_add(count, 1); and make the entry with bpf_map_update_elem when there is none`,
  atomic_increment: (map) => methods["increment"]!(map),
  perf_submit: (map) => `bpf_ringbuf_output(&${map}, &record, sizeof(record), 0), with a map of BPF_MAP_TYPE_RINGBUF`,
  ringbuf_output: (map) => `bpf_ringbuf_output(&${map}, &record, sizeof(record), 0)`,
  ringbuf_reserve: (map) => `bpf_ringbuf_reserve(&${map}, sizeof(struct …), 0)`,
  ringbuf_submit: () => "bpf_ringbuf_submit(record, 0)",
  ringbuf_discard: () => "bpf_ringbuf_discard(record, 0)",
  perf_read: (map) => `bpf_perf_event_read_value(&${map}, …)`,
  get_stackid: (map) => `bpf_get_stackid(ctx, &${map}, 0)`,
};

const shapes: [RegExp, (found: RegExpExecArray, text: string) => [message: string, advice: string] | undefined][] = [
  [
    new RegExp(`^[ \\t]*(${Object.keys(maps).join("|")})\\s*\\(\\s*(\\w+)`, "gm"),
    (found, text) => {
      const [, macro = "", first = ""] = found;
      const parts = callArguments(text, text.indexOf("(", found.index)).map(({ start, end }) => text.slice(start, end));
      const name = macro === "BPF_TABLE" ? (parts[3] ?? first) : first;
      const type = maps[macro]!;
      const types = withoutKey.test(type)
        ? ""
        : ` __type(key, ${(macro === "BPF_TABLE" ? undefined : parts[1]) ?? (type.includes("ARRAY") ? "u32" : "u64")}); __type(value, ${parts[2] ?? "u64"});`;
      const entries = type.includes("RINGBUF") ? "256 * 1024" : "1024";
      return [
        `${macro} is a macro of bcc's, which this C does not have.`,
        `Write: struct { __uint(type, ${type}); __uint(max_entries, ${entries});${types} } ${name} SEC(".maps");`,
      ];
    },
  ],
  [
    new RegExp(`\\b([A-Za-z_]\\w*)\\s*\\.\\s*(${Object.keys(methods).join("|")})\\s*\\(`, "g"),
    ([, map = "", method = ""]) => [
      `${map}.${method}() is bcc's way to write it; in this C a map has no methods.`,
      `Write ${methods[method]!(map)}.`,
    ],
  ],
  [
    /^[ \t]*(TRACEPOINT_PROBE|RAW_TRACEPOINT_PROBE|KFUNC_PROBE|KRETFUNC_PROBE|LSM_PROBE)\s*\(\s*(\w+)\s*(?:,\s*(\w+))?/gm,
    ([, macro = "", first = "", second = ""]) => {
      const [section, context] = {
        TRACEPOINT_PROBE: [`tp/${first}/${second}`, contextOf(first, second)],
        RAW_TRACEPOINT_PROBE: [`raw_tp/${first}`, "struct bpf_raw_tracepoint_args *ctx"],
        KFUNC_PROBE: [`fentry/${first}`, "u64 *ctx"],
        KRETFUNC_PROBE: [`fexit/${first}`, "u64 *ctx"],
        LSM_PROBE: [`lsm/${first}`, "u64 *ctx"],
      }[macro]!;
      return [
        `${macro} is a macro of bcc's, which this C does not have.`,
        `Write: SEC("${section}") int ${second || first}(${context})`,
      ];
    },
  ],
];

function contextOf(category: string, name: string): string {
  if (category !== "syscalls") return `struct trace_event_raw_${name} *ctx`;
  return `struct trace_event_raw_sys_${name.startsWith("sys_exit") ? "exit" : "enter"} *ctx`;
}

/** @returns errors; what else is wrong with such a program follows from them */
export function checkBcc(source: string, file: string): Diagnostic[] {
  const text = bare(source);
  const isOwn = (name: string) => new RegExp(`^[ \\t]*#[ \\t]*define[ \\t]+${name}\\b`, "m").test(text);
  const found = shapes.flatMap(([shape, say]) =>
    [...text.matchAll(shape)].flatMap((one) => {
      const [message, advice] = isOwn(one[1]!) ? [] : (say(one as RegExpExecArray, text) ?? []);
      const at = one.index + one[0].search(/\S/);
      return message === undefined ? [] : finding(source, file, at, "error", message, advice);
    }),
  );
  return [...found, ...tracePrintk(source, text, file, isOwn)];
}

const MOST_VALUES = 3;

/** bcc puts the format's size into the call by itself, the helper has to be told; and a helper takes five arguments. */
function tracePrintk(source: string, text: string, file: string, isOwn: (name: string) => boolean): Diagnostic[] {
  if (isOwn("bpf_printk") || isOwn("bpf_trace_printk")) return [];
  return [...text.matchAll(/\bbpf_trace_printk\s*\(/g)].flatMap(({ index }) => {
    const open = text.indexOf("(", index);
    const parts = callArguments(text, open).map(({ start, end }) => source.slice(start, end));
    const isText = parts[0]?.startsWith('"') ?? false;
    const say = (message: string, values: readonly string[]) => {
      const format = isText ? parts[0]! : '"…"';
      return finding(
        source,
        file,
        index,
        "error",
        message,
        `Write bpf_printk(${[format, ...values].join(", ")}): it takes up to 12 values, and makes the call.`,
      );
    };
    if (closing(text, open) >= text.length) return [];
    if (isText && !/^sizeof|^\d+$/.test(parts[1] ?? ""))
      return [say("bpf_trace_printk has to be told the size of its format, as its second argument.", parts.slice(1))];
    if (parts.length > 2 + MOST_VALUES)
      return [say(`bpf_trace_printk takes at most ${MOST_VALUES} values behind its format.`, parts.slice(2))];
    return [];
  });
}
