/** What clang's messages mean in a BPF program, and what to write instead. */
import { listNames, nearest } from "../base/names.js";
import { noKernelTypes } from "./headers.js";
import type { Diagnostic } from "./diagnostics.js";
import { bare, finding, offsetAt, withoutComments } from "./lint/source-text.js";

/** Names that a program may have meant. */
export interface KnownNames {
  helpers: readonly string[];
  /** Of structs, unions, enums and typedefs. */
  types: readonly string[];
  constants: readonly string[];
  /** What a helper takes, as its header declares it. */
  parameters(helper: string): string | undefined;
  /** Which of libbpf's headers defines a macro or a function, such as `bpf_tracing.h`. */
  headerOf(name: string): string | undefined;
  /** True for a function of the running kernel, which may be a kfunc. */
  isKernelFunction(name: string): boolean;
  /** The fields of a kernel struct; none when there is no such struct. */
  fields(struct: string): readonly string[];
}

/** What a program for the C library calls, and what a BPF program does instead. */
const instead: Record<string, string> = {
  printf: "Write bpf_printk(…): its lines appear in bpf.tracePipe().",
  puts: 'Write bpf_printk("…"): its lines appear in bpf.tracePipe().',
  fprintf: "Write bpf_printk(…): its lines appear in bpf.tracePipe().",
  sprintf: "Write BPF_SNPRINTF(buffer, size, format, …) of bpf_tracing.h.",
  snprintf: "Write BPF_SNPRINTF(buffer, size, format, …) of bpf_tracing.h.",
  malloc: "A BPF program cannot allocate memory: use a local variable, or an entry of a map.",
  calloc: "A BPF program cannot allocate memory: use a local variable, or an entry of a map.",
  free: "A BPF program allocates no memory, so there is nothing to free.",
  memcpy: "Write __builtin_memcpy(to, from, size) with a size that is known when it is compiled.",
  memset: "Write __builtin_memset(to, 0, size) with a size that is known when it is compiled.",
  memmove: "Write __builtin_memmove(to, from, size) with a size that is known when it is compiled.",
  memcmp: "Write __builtin_memcmp(a, b, size), or compare field by field.",
  strcmp: 'Write bpf_strncmp(text, size, "constant"), which returns 0 when they are equal.',
  strncmp: 'Write bpf_strncmp(text, size, "constant"), which returns 0 when they are equal.',
  strcpy: "Write bpf_probe_read_kernel_str(to, sizeof(to), from), or __builtin_memcpy.",
  strlen: "The kernel's helpers that read a string, such as bpf_probe_read_user_str, return its length.",
  htons: "Write bpf_htons(…) and include <bpf/bpf_endian.h>.",
  ntohs: "Write bpf_ntohs(…) and include <bpf/bpf_endian.h>.",
  htonl: "Write bpf_htonl(…) and include <bpf/bpf_endian.h>.",
  ntohl: "Write bpf_ntohl(…) and include <bpf/bpf_endian.h>.",
  bpf_htons: "Include <bpf/bpf_endian.h>.",
  bpf_ntohs: "Include <bpf/bpf_endian.h>.",
  bpf_htonl: "Include <bpf/bpf_endian.h>.",
  bpf_ntohl: "Include <bpf/bpf_endian.h>.",
  BPF_CORE_READ: "Include <bpf/bpf_core_read.h>.",
  BPF_PROG: "Include <bpf/bpf_tracing.h>.",
  BPF_KPROBE: "Include <bpf/bpf_tracing.h>.",
  event_reserve: 'Include "bpflab.h".',
  event_submit: 'Include "bpflab.h".',
  RING_BUFFER: 'Include "bpflab.h".',
  getpid: "Write bpf_get_current_pid_tgid() >> 32.",
  gettid: "Write (u32)bpf_get_current_pid_tgid().",
  getuid: "Write (u32)bpf_get_current_uid_gid().",
  time: "Write bpf_ktime_get_ns(): ns since the machine started.",
  clock_gettime: "Write bpf_ktime_get_ns(): ns since the machine started.",
  gettimeofday: "Write bpf_ktime_get_ns(): ns since the machine started.",
  sleep: "A BPF program cannot wait: it runs to its end at each event.",
  usleep: "A BPF program cannot wait: it runs to its end at each event.",
  rand: "Write bpf_get_prandom_u32().",
  exit: "Return from the program instead.",
  abort: "Return from the program instead.",
  assert: "Test it with if, and return.",
  uint64: "Write u64.",
  uint32: "Write u32.",
  uint16: "Write u16.",
  uint8: "Write u8.",
  int64: "Write s64.",
  int32: "Write s32.",
  byte: "Write u8.",
  string: "Write char name[16].",
  boolean: "Write bool.",
  null: "Write NULL; or test the pointer itself: if (!pointer).",
  nullptr: "Write NULL; or test the pointer itself: if (!pointer).",
  None: "Write NULL; or test the pointer itself: if (!pointer).",
  True: "Write true.",
  False: "Write false.",
  let: "In C a variable is declared by its type, such as u64 id = …;",
  var: "In C a variable is declared by its type, such as u64 id = …;",
  function: "In C a function is declared by the type of what it returns, such as static int f(int x).",
  args: "What the hook knows stands in the program's parameter, such as ctx->args[0] of a tracepoint of a system call.",
};

/** Macros of the kernel's headers, which BTF and so vmlinux.h do not have. */
const macros: Record<string, string> = {
  ETH_P_IP: "0x0800",
  ETH_P_IPV6: "0x86DD",
  ETH_P_ARP: "0x0806",
  ETH_P_8021Q: "0x8100",
  ETH_P_8021AD: "0x88A8",
  ETH_HLEN: "14",
  ETH_ALEN: "6",
  TC_ACT_UNSPEC: "-1",
  TC_ACT_OK: "0",
  TC_ACT_SHOT: "2",
  TC_ACT_PIPE: "3",
  TC_ACT_STOLEN: "4",
  TC_ACT_REDIRECT: "7",
  ICMP_ECHO: "8",
  ICMP_ECHOREPLY: "0",
  ICMPV6_ECHO_REQUEST: "128",
  ICMPV6_ECHO_REPLY: "129",
  IPPROTO_ICMPV6: "58",
  IP_OFFSET: "0x1FFF",
  IP_MF: "0x2000",
  AF_INET: "2",
  AF_INET6: "10",
  EPERM: "1",
  ENOENT: "2",
  EEXIST: "17",
  E2BIG: "7",
  NSEC_PER_SEC: "1000000000ULL",
  TASK_COMM_LEN: "16",
  PATH_MAX: "4096",
  PAGE_SIZE: "4096",
  UINT_MAX: "0xffffffff",
  O_CREAT: "0100",
  S_IFMT: "00170000",
};

/** The message and the advice for a division of signed numbers. */
export const signedDivision = [
  "BPF divides unsigned numbers only (before instruction set v4).",
  "Make both unsigned, such as (u64)a / (u64)b.",
] as const;

/** The message with what it means here, if that is known. @param notes clang's notes behind it */
export function advised(
  diagnostic: Diagnostic,
  notes: readonly Diagnostic[],
  source: string,
  names: KnownNames,
): Diagnostic {
  const known = adviceFor(diagnostic, notes, source, names);
  if (!known) return diagnostic;
  const { at, ...said } = known;
  if (at === undefined || at < 0) return { ...diagnostic, ...said };
  const { severity, file, message } = { ...diagnostic, ...said };
  return finding(source, file, at, severity as "error" | "warning", message, said.advice);
}

/** `at` is where in the source the message belongs, if not where clang puts it. */
type Advice = { advice?: string; message?: string; at?: number };

function adviceFor(
  { message, line, column }: Diagnostic,
  notes: readonly Diagnostic[],
  source: string,
  names: KnownNames,
): Advice | undefined {
  for (const [shape, make] of rules) {
    const found = shape.exec(message);
    if (found) return make(found[1] ?? "", { message, notes, source, names, second: found[2] ?? "", line, column });
  }
  return undefined;
}

interface Told {
  message: string;
  notes: readonly Diagnostic[];
  source: string;
  names: KnownNames;
  second: string;
  line: number;
  column: number;
}

const rules: [RegExp, (name: string, told: Told) => Advice | undefined][] = [
  [/^too (?:few|many) arguments to function call/, wrongCall],
  [/^redefinition of '(\w+)'/, alreadyDeclared],
  [/^(?:typedef redefinition|redefinition of (?:typedef|enumerator|parameter)?) ?.*'(\w+)'/, alreadyDeclared],
  [/^conflicting types for '(\w+)'/, alreadyDeclared],
  [/^use of '(\w+)' with tag type that does not match/, alreadyDeclared],
  [/^invalid operands to binary expression \('(.+)' and '(.+)'\)/, wrongOperands],
  [
    /^(?:implicitly declaring library function|implicit declaration of function|call to undeclared (?:library )?function) '(\w+)'/,
    unknownFunction,
  ],
  [/incomplete (?:definition of )?type '(?:struct|union) (\w+)'/, unknownStruct],
  [/incomplete type '(?:struct|union) (\w+)'/, unknownStruct],
  [/incomplete type '(?:const )?(\w+)'/, unknownStruct],
  [/^unknown type name '(\w+)'/, unknownType],
  [/^use of undeclared identifier '(\w+)'/, unknownIdentifier],
  [/^no member named '(\w+)' in '(?:struct |union )?(\w+)/, unknownField],
  [
    /^A call to built-in function '(__\w*[sd]f\w*)' is not supported/,
    (_, { source }) => ({
      message: "This computes with floating-point numbers, which BPF does not have.",
      advice: "Compute with integers: ns instead of seconds, per mille instead of fractions.",
      at: bare(source).search(/\b(?:float|double)\b|\b\d+(?:\.\d|e\d)/),
    }),
  ],
  [
    /^A call to built-in function '(\w+)' is not supported/,
    (name) => ({
      advice:
        name === "memcpy" || name === "memset"
          ? "Its size must be small, and known when the program is compiled."
          : "BPF has no instruction for it, and no library to call.",
    }),
  ],
  [
    /unsupport(?:ed)? signed division/i,
    (_, { source, line, column }) => ({
      message: signedDivision[0],
      advice: signedDivision[1],
      at: operatorAt(bare(source), offsetAt(source, line, column)),
    }),
  ],
  [
    /^Unsupported atomic operations/,
    (_, { source }) => ({
      message: "An atomic operation works on numbers of 32 or 64 bits, and this one is smaller.",
      advice: "Make it a u32 or a u64.",
      at: bare(source).search(/\b__(?:sync|atomic)_\w+/),
    }),
  ],
  [
    /BPF stack limit of 512 bytes is exceeded/,
    () => ({
      message: "This function's local variables are larger than the 512 bytes that a BPF program has on its stack.",
      advice:
        "Keep what is large in a BPF_MAP_TYPE_PERCPU_ARRAY with one entry, or write it into the ring buffer's record directly.",
    }),
  ],
  [
    /^defined with too many args|too many args to |stack arguments are not supported/i,
    () => ({
      message: "A call in this function passes more than five arguments.",
      advice: "A BPF function takes at most five arguments: pass a pointer to a struct.",
    }),
  ],
];

/** clang may point to the call that a division is an argument of. */
export function operatorAt(text: string, offset: number): number | undefined {
  const rest = text.slice(offset).split("\n")[0]!;
  const at = /^[/%]/.test(rest) ? -1 : rest.search(/[/%]/);
  return at < 0 ? undefined : offset + at;
}

/** clang points to the bracket that closes the call, or to the first argument that is too much. */
function wrongCall(_: string, { source, names, line, column }: Told): Advice | undefined {
  const text = bare(source);
  let depth = 0;
  for (let i = offsetAt(source, line, column) - 1; i >= 0; i--) {
    if (")]}".includes(text[i]!)) depth++;
    else if ("([{".includes(text[i]!) && --depth < 0) {
      const helper = /\w+\s*$/.exec(text.slice(0, i))?.[0].trim() ?? "";
      const takes = names.parameters(helper);
      return takes === undefined ? undefined : { advice: `It is ${helper}(${takes}).` };
    }
  }
  return undefined;
}

function alreadyDeclared(name: string, { notes, message }: Told): Advice | undefined {
  const before = notes.find(({ message }) => /previous (?:definition|declaration|use) is here/.test(message));
  if (!before) return undefined;
  const header = /[^/]+$/.exec(before.file)?.[0] ?? before.file;
  if (!header.endsWith(".h"))
    return message.startsWith("conflicting types")
      ? {
          message: `There are two functions ${name}: the other one is in line ${before.line}.`,
          advice: "Give one of them another name.",
        }
      : { advice: `It is already declared in line ${before.line}. Remove one of the two, or give it another name.` };
  return {
    message: `${header} already has a ${name} (line ${before.line}).`,
    advice: `Give yours another name, such as my_${name}${header === "vmlinux.h" ? "; or use the kernel's, if that is the one you mean" : ""}.`,
  };
}

function wrongOperands(left: string, { second }: Told): Advice {
  const both = [left, second];
  if (both.some((type) => /^(?:const )?(?:unsigned )?char ?[[*]/.test(type)))
    return { advice: "A text is an array of characters in C, and no number: compare texts with bpf_strncmp." };
  if (both.some((type) => /^(?:const )?(?:struct|union) [^*]*$/.test(type)))
    return { advice: "A struct is no number: use one of its fields, such as value.field." };
  return { advice: "Operators take numbers, or a pointer and a number: give both sides such types." };
}

function unknownFunction(name: string, { names }: Told): Advice {
  const message = `There is no function ${name} in a BPF program.`;
  if (instead[name]) return { message, advice: instead[name] };
  const header = names.headerOf(name);
  if (header)
    return {
      message,
      advice: `Include <bpf/${header}>.${name.startsWith("PT_REGS_") ? " It is for kprobes and uprobes: a tracepoint's arguments are fields of its context, such as ctx->args[0]." : ""}`,
    };
  if (names.isKernelFunction(name)) return kernelFunction(name);
  const near = nearest(name, names.helpers, 3, Math.max(2, Math.floor(name.length / 4)));
  return {
    message,
    advice:
      near.length > 0
        ? nearestAre("helper", near)
        : "It can call the kernel's helpers and kfuncs (bpf_…), of which this kernel has none of this name, and functions of its own.",
  };
}

function kernelFunction(name: string): Advice {
  return {
    message: `${name} is a function of this kernel, and not declared here.`,
    advice: `If it is a kfunc, a program may call it. Declare it as the kernel has it: extern … ${name}(…) __ksym;`,
  };
}

function nearTypes(name: string, { source, names }: Told): string[] {
  const own = [...source.matchAll(/\b(?:struct|union|enum)\s+(\w+)\s*\{/g)].map((found) => found[1]!);
  const known = [...new Set([...own, ...names.types])].filter((one) => one !== name);
  return nearest(name, known, 3, Math.max(1, Math.floor(name.length / 8)));
}

function unknownStruct(name: string, told: Told): Advice {
  const near = nearTypes(name, told);
  return {
    message: `There is no struct ${name}: neither this program nor vmlinux.h defines it.`,
    advice: near.length > 0 ? nearestAre("name", near) : "Define it above, or look for its name in vmlinux.h.",
    at: withoutComments(told.source).search(new RegExp(`(?<=\\b(?:struct|union)\\s+)${name}\\b`)),
  };
}

const nearestAre = (kind: string, names: readonly string[]) =>
  names.length === 1 ? `The nearest ${kind} is ${names[0]}.` : `The nearest ${kind}s are ${listNames(names)}.`;

function unknownType(name: string, told: Told): Advice | undefined {
  if (noKernelTypes(told.source)) return { advice: '#include "vmlinux.h" above: it has the kernel\'s types.' };
  if (instead[name]) return { advice: instead[name] };
  const near = nearTypes(name, told);
  return near.length > 0 ? { advice: nearestAre("name", near) } : undefined;
}

function unknownIdentifier(name: string, told: Told): Advice | undefined {
  if (macros[name])
    return {
      advice: `It is a macro, and vmlinux.h has types and enums only. Define it: #define ${name} ${macros[name]}`,
    };
  const message = told.message.replace(/; did you mean .*$/, "");
  if (instead[name]) return { message, advice: instead[name] };
  if (noKernelTypes(told.source))
    return { advice: '#include "vmlinux.h" above: it has the kernel\'s types and constants.' };
  const header = told.names.headerOf(name);
  if (header) return { message, advice: `Include <bpf/${header}>.` };
  if (/^bpf_\w/.test(name) && told.names.isKernelFunction(name)) return kernelFunction(name);
  if (told.message.includes("did you mean")) return undefined;
  const own = [...new Set(told.source.match(/\b[A-Za-z_]\w{2,}\b/g))].filter((one) => one !== name);
  const near = nearest(
    name,
    [...new Set([...own, ...told.names.constants, ...told.names.helpers])],
    3,
    name.length < 5 ? 1 : Math.max(2, Math.floor(name.length / 6)),
  );
  return {
    advice:
      near.length > 0
        ? nearestAre("name", near)
        : usual[name]
          ? `Declare it above: ${usual[name]}`
          : "Declare it above, with its type.",
  };
}

/** What programs call what the helpers return. */
const usual: Record<string, string> = {
  pid: "u32 pid = bpf_get_current_pid_tgid() >> 32;",
  tgid: "u32 tgid = bpf_get_current_pid_tgid() >> 32;",
  tid: "u32 tid = bpf_get_current_pid_tgid();",
  id: "u64 id = bpf_get_current_pid_tgid();",
  uid: "u32 uid = bpf_get_current_uid_gid();",
  now: "u64 now = bpf_ktime_get_ns();",
  comm: "char comm[16]; bpf_get_current_comm(comm, sizeof(comm));",
};

function unknownField(name: string, { source, names, second }: Told): Advice | undefined {
  const own = new RegExp(`\\b(?:struct|union)\\s+${second}\\s*\\{([^{}]*)\\}`).exec(source)?.[1];
  const fields = own
    ? [...withoutComments(own).matchAll(/(\w+)\s*(?:\[[^\]]*\]\s*)*[;,]/g)].map((found) => found[1]!)
    : names.fields(second);
  if (second === "trace_event_raw_sys_enter" && /^(?:ret|retval|return)$/.test(name))
    return {
      advice:
        'What a call returns is known at its end: SEC("tp/syscalls/sys_exit_…"), with a struct trace_event_raw_sys_exit.',
    };
  if (second === "trace_event_raw_sys_enter" && !/^args?/.test(name))
    return { advice: "The arguments of the call stand in ctx->args, in their order: ctx->args[0] is the first." };
  if (fields.length === 0) return undefined;
  if (fields.length <= 12) return { advice: `struct ${second} has ${listNames(fields)}.` };
  const near = nearest(name, fields, 3);
  return { advice: `The nearest fields of ${second} are ${listNames(near)}.` };
}
