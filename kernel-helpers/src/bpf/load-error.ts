import { release } from "node:os";
import { dirname } from "node:path";
import { lacking, type Capability } from "../base/capabilities.js";
import { LoadError, MissingFeatureError } from "../base/errors.js";
import { listNames, nearestNames } from "../base/names.js";
import { sectionAdvice } from "./link/section-names.js";
import { native, type NativeError, type ObjectHandle, type ProgramDescription } from "../base/native.js";
import { helperSince, mapTypeSince, programTypeSince } from "./features.js";
import { ofOneSystemCall } from "./link/raw-tracepoint.js";
import { allTracepoints } from "./link/tracefs.js";
import { isKernelFunction, kernelFunctions } from "./kernel-functions.js";

/**
 * Why an object was not loaded, from what libbpf printed, in terms of what the user wrote.
 *
 * @param what the sentence's beginning, such as `The kernel does not load mine`
 * @param object the opened object, as far as it could be opened
 */
export function loadError(what: string, error: NativeError, object?: ObjectHandle): LoadError | MissingFeatureError {
  const lines = error.log
    .split("\n")
    .map((row) => row.replace(/^libbpf: /, "").trim())
    .filter((row) => row && !row.endsWith("Retrying without BTF.")); // what libbpf goes on after is no reason
  const known = explain(lines, object);
  if (known?.feature)
    return new MissingFeatureError(known.feature, `${what}: ${known.reason}.`, {
      ...(known.since ? { since: known.since } : {}),
      ...(known.hint ? { hint: known.hint } : {}),
      cause: error,
    });
  const facts = { errno: error.errno, log: error.log, cause: error };
  if (known) return new LoadError(`${what}: ${known.reason}.`, { ...facts, hint: known.hint });
  const told =
    lines.find((row) => /fail|unsupported|invalid|unknown|can't|cannot|missing|not found/i.test(row)) ?? lines[0];
  return new LoadError(`${what}: ${(told || error.message).replace(/[.\n]$/, "")}.`, facts);
}

/** What to do about a reason of the verifier's that is the kernel's age; undefined for others. */
export function verifierAdvice(reason: string): string | undefined {
  const relocation = /failed to resolve CO-RE relocation .*?(?:struct|union|enum) (\w+?)(?:___\w+)?[.:]+([\w.]+)/.exec(
    reason,
  );
  if (relocation)
    return `This kernel (${release()}) has no ${relocation[2]} in ${relocation[1]}: check with bpf_core_field_exists() before reading it.`;
  if (/BPF_(STX|XADD) uses reserved fields/.test(reason))
    return `Atomic operations that return a value, and compare-and-exchange, came with Linux 5.12, and this kernel is ${release()}. Do without the value, or keep one for each CPU.`;
  const [, name = "this helper", id] = /(?:unknown|invalid) func (\w+)?#(\d+)/.exec(reason) ?? [];
  const since = id === undefined ? undefined : helperSince(Number(id));
  return (
    since &&
    `${name} came with Linux ${since}, and this kernel is ${release()}; or this type of program may not call it.`
  );
}

interface Explanation {
  reason: string;
  hint: string;
  /** Set when the kernel lacks it. */
  feature?: string;
  since?: string | undefined;
}

function explain(lines: string[], object: ObjectHandle | undefined): Explanation | undefined {
  const programs = object ? native.bpf_object__programs(object) : [];
  for (const line of lines)
    for (const [pattern, explanation] of explanations) {
      const match = pattern.exec(line);
      const found = match && explanation(match.slice(1), { programs, object, lines });
      if (found) return found;
    }
  return undefined;
}

interface Context {
  programs: ProgramDescription[];
  /** Undefined when it could not be opened. */
  object: ObjectHandle | undefined;
  lines: string[];
}

const leaveOut = (name: string) => `To load the others without it: programs: { ${name}: false }, or SEC("?…").`;

/** What programs that are bound when they are loaded are about, with an example; of all others it is a function. */
const targetOf: Record<string, [what: string, example: string]> = {
  tp_btf: ["tracepoint", "sched_switch"],
  lsm: ["security hook", "file_open"],
  lsm_cgroup: ["security hook", "socket_bind"],
  iter: ["iterator", "task"],
};

const explanations: [RegExp, (found: string[], context: Context) => Explanation | undefined][] = [
  [
    /^prog '(.+)': missing BPF prog type, check ELF section name '(.*)'/,
    ([name, section]) =>
      section === ".text"
        ? {
            reason: `the function ${name} has no SEC(), so it is not part of any program`,
            hint: `Write its hook above it, such as SEC("tp/syscalls/sys_enter_openat"); a part that others call is loaded with them: bpf.link([…], { name }).`,
          }
        : {
            reason: `SEC("${section}") of program ${name} is not a known kind of hook`,
            hint: sectionAdvice(section!),
          },
  ],
  [
    /^prog '(.+)': failed to find kernel BTF type ID of '(.+)': -3/,
    ([name, target], { programs }) => {
      const { section } = programs.find((one) => one.name === name)!;
      const [kind] = section.split("/") as [string];
      if (kind.startsWith("tp_btf"))
        return {
          reason: `program ${name}: SEC("${section}") names no tracepoint of this kernel`,
          hint:
            ofOneSystemCall(target!, "tp_btf") ??
            `The nearest names are ${nearestNames(target!, allTracepoints())}. ${leaveOut(name!)}`,
        };
      if (kind.startsWith("lsm"))
        return {
          reason: `program ${name}: SEC("${section}") names no security hook of this kernel`,
          hint: `Those it has are the functions bpf_lsm_… in /proc/kallsyms. ${leaveOut(name!)}`,
        };
      if (kind.startsWith("iter"))
        return {
          reason: `program ${name}: this kernel (${release()}) has no iterator ${target}`,
          hint: leaveOut(name!),
        };
      return {
        reason: `program ${name}: SEC("${section}") names no function in this kernel's BTF`,
        hint: `${isKernelFunction(target!) ? "The kernel has it, but without type information: a kprobe can attach to it." : `The nearest names are ${nearestNames(target!, kernelFunctions())}.`} ${leaveOut(name!)}`,
      };
    },
  ],
  [
    /^prog '(.+)': no BTF-based attach target is specified/,
    ([name], { programs }) => {
      const { section } = programs.find((one) => one.name === name)!;
      const what = targetOf[section.split(/[./]/)[0]!] ?? ["function", "do_unlinkat"];
      return {
        reason: `SEC("${section}") of program ${name} does not say which ${what[0]}`,
        hint: `Write SEC("${section}/${what[1]}"), or load it with targets: { ${name}: "${what[1]}" }.${section.startsWith("f") ? ` A BPF program's function is named by targets: { ${name}: { program } }.` : ""} ${leaveOut(name!)}`,
      };
    },
  ],
  [
    /^prog '(.+)': attach program FD is not set/,
    ([name], { programs }) => ({
      reason: `SEC("${programs.find((one) => one.name === name)!.section}") of program ${name} names a function of another BPF program, and does not say which program`,
      hint: `Load it with targets: { ${name}: { program: other.programs.NAME, function: "…" } }. ${leaveOut(name!)}`,
    }),
  ],
  [
    /^sec '(.+)': program '(.+)' is static and not supported/,
    ([section, name]) => ({
      reason: `the program ${name} of SEC("${section}") is static`,
      hint: "Leave static out: a program is a function that can be seen from outside.",
    }),
  ],
  [
    /^prog '(.+)': relo #\d+: parsing \[\d+\] (?:struct|union) (\w+) \+ [\d:]*?(\d+) failed: -22/,
    ([name, struct, index]) => ({
      reason: `program ${name} reads [${index}] of an array in struct ${struct}, which has fewer elements`,
      hint: "Elements are counted from 0: an array of 6 ends with [5].",
    }),
  ],
  [
    /^struct_ops init_kern: struct (\w+) is not found in kernel BTF/,
    ([operations]) => ({
      feature: operations!,
      reason: `this kernel (${release()}) has no operations ${operations} that BPF programs could implement`,
      hint: "A module may bring them: modprobe it first. Otherwise they are those of another kernel.",
    }),
  ],
  [
    /^extern \(func ksym\) '(.+)': func_proto .* incompatible with kernel/,
    ([symbol]) => ({
      reason: `${symbol} is declared otherwise than this kernel (${release()}) has it`,
      hint: `bpftool btf dump file /sys/kernel/btf/vmlinux format raw | grep -A9 "'${symbol}'" shows what the kernel has.`,
    }),
  ],
  [
    /^extern \((func|var) ksym\) '(.+)': not found in kernel/,
    ([kind, symbol]) => ({
      feature: symbol!,
      reason: `this kernel (${release()}) has no ${kind === "func" ? "kfunc" : "variable"} ${symbol}`,
      hint: "Declare it __weak and the program loads without it; test bpf_ksym_exists() before calling it.",
    }),
  ],
  [
    /^extern \((?:kcfg|var ksym|func ksym)\) '(.+)'|^extern '(.+)' \(/,
    (found) => {
      const symbol = found.find(Boolean)!;
      return {
        reason: `this kernel does not provide the extern ${symbol}`,
        hint: "Declare it __weak, and it is 0 where the kernel lacks it.",
      };
    },
  ],
  [
    /^failed to find BTF for extern '(.+)'/,
    ([symbol]) =>
      /^mem(cpy|set|move|cmp)$|^str\w+$/.test(symbol!)
        ? {
            reason: `the compiler has made a call of ${symbol}, and BPF has no library to call`,
            hint: `Give it a size that is small and known when the program is compiled, or write a loop.`,
          }
        : {
            reason: `the extern ${symbol} has no type`,
            hint: `Declare it with its type and __ksym or __kconfig: extern void ${symbol}(void) __ksym.`,
          },
  ],
  [
    /^specified path (.+) is not on BPF FS/,
    ([path]) => ({
      reason: `a map is to be pinned (LIBBPF_PIN_BY_NAME) at ${path}, which is not on a bpffs`,
      hint: `Mount one: mount -t bpf bpf ${dirname(path!)}; or leave __uint(pinning, …) out: then the map goes with its object.`,
    }),
  ],
  [
    /^couldn't reuse pinned map at '(.+)': parameter mismatch/,
    ([path]) => ({
      reason: `the map that is pinned at ${path} is of another type, or has keys, values or a size other than this program's (LIBBPF_PIN_BY_NAME)`,
      hint: `Remove it, with all it holds: rm ${path}; or give this program's map another name.`,
    }),
  ],
  [
    /^Error in bpf_create_map_xattr\((.+)\):|^map '(.+)': failed to create: /,
    (found, { object }) => {
      const name = found.find(Boolean)!;
      const map = object && native.bpf_object__maps(object).find((one) => one.name === name);
      return map && explainMap(map);
    },
  ],
  [
    /^prog '(.+)': BPF program load failed: Operation not permitted/,
    ([name], { programs, lines }) => {
      const program = programs.find((one) => one.name === name)!;
      if (lines.some((row) => row.includes("BEGIN PROG LOAD LOG"))) return undefined; // the verifier's reason is better
      const missing = lacking(...capabilitiesOf(program.typeName));
      if (missing.length > 0)
        return {
          reason: `loading program ${name}, of SEC("${program.section}"), needs ${listNames(missing)}, and this process, of user ${process.geteuid?.()}, does not have it`,
          hint: "Start JupyterLab or the program as root, for example with sudo.",
        };
      return {
        reason: `the kernel refuses programs of SEC("${program.section}") (program ${name}: operation not permitted)`,
        hint: `This machine's policy forbids it, even for root. Use a tracepoint (tp/, raw_tp/, tp_btf/) or a kprobe. ${leaveOut(name!)}`,
      };
    },
  ],
  [
    /^prog '(.+)': BPF program load failed: Invalid argument/,
    ([name], { programs }) => {
      const program = programs.find((one) => one.name === name)!;
      if (native.libbpf_probe_bpf_prog_type(program.type)) return undefined;
      return {
        feature: `programs of type ${program.typeName}`,
        since: programTypeSince(program.typeName),
        reason: `this kernel (${release()}) has no programs of type ${program.typeName}, which SEC("${program.section}") of ${name} is${brought(programTypeSince(program.typeName))}`,
        hint: leaveOut(name!),
      };
    },
  ],
];

/** What the kernel asks for beside CAP_BPF: bpf_prog_load() in kernel/bpf/syscall.c. */
function capabilitiesOf(type: string): Capability[] {
  if (/^(kprobe|tracepoint|perf_event|raw_tracepoint|raw_tracepoint_writable|tracing|lsm|ext)$/.test(type))
    return ["CAP_BPF", "CAP_PERFMON"];
  return type === "socket_filter" || type === "cgroup_skb" ? ["CAP_BPF"] : ["CAP_BPF", "CAP_NET_ADMIN"];
}

function brought(since: string | undefined): string {
  return since ? ` (they came with Linux ${since})` : "";
}

const insteadOf: Record<string, string> = {
  ringbuf: "A perf event array (BPF_MAP_TYPE_PERF_EVENT_ARRAY with bpf_perf_event_output) carries records too.",
  task_storage: "A hash map keyed by thread does the same; THREAD_STORAGE of bpflab.h takes what the kernel has.",
  inode_storage: "A hash map keyed by device and inode does the same.",
  cgrp_storage: "A hash map keyed by bpf_get_current_cgroup_id() does the same.",
};

function explainMap(map: ReturnType<typeof native.bpf_object__maps>[number]): Explanation | undefined {
  const { name, typeName, maxEntries, keySize, valueSize } = map;
  if (typeName.includes("ringbuf") && (maxEntries < 4096 || (maxEntries & (maxEntries - 1)) !== 0))
    return {
      reason: `max_entries of the ring buffer ${name} is ${maxEntries}`,
      hint: "It is the ring's size in bytes: a power of two of at least one page, 4096.",
    };
  if (!native.libbpf_probe_bpf_map_type(map.type)) {
    const since = mapTypeSince(typeName);
    return {
      feature: `maps of type ${typeName}`,
      since,
      reason: `this kernel (${release()}) has no maps of type ${typeName}, which ${name} is${brought(since)}`,
      hint: insteadOf[typeName] ?? "Use a map of another type.",
    };
  }
  if (/array/.test(typeName) && keySize !== 0 && keySize !== 4)
    return {
      reason: `the key of the map ${name} (${typeName}) has ${keySize} bytes`,
      hint: `The key of an array is its index, of 4 bytes: __type(key, u32).`,
    };
  if (/_of_maps$/.test(typeName) && keySize > 0)
    return {
      reason: `the map ${name} (${typeName}) does not say what its inner maps are`,
      hint: `Write __array(values, struct …) into it, in place of its value: of inner maps' type, such as struct inner { __uint(type, BPF_MAP_TYPE_HASH); … }.`,
    };
  if (/ringbuf|arena/.test(typeName)) return undefined;
  const missing = [keySize === 0 && "key", valueSize === 0 && "value"].filter((one) => one !== false);
  const isKeyless = /queue|^stack$|bloom/.test(typeName);
  if (missing.length > 0 && !(isKeyless && valueSize > 0))
    return {
      reason: `the map ${name} (${typeName}) has no ${listNames(missing)}`,
      hint: `Write ${missing.map((one) => `__type(${one}, …)`).join(" and ")} into it.`,
    };
  return undefined;
}
