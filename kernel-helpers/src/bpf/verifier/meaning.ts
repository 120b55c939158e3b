/** What a rejection means in the program's own terms, and what to write instead. */
import { lastCall, registerBefore, type VerifierLog } from "./log.js";
import type { CText, Spot } from "./c-text.js";

/** A rejected program, and where in it the verifier stopped. */
export interface Rejection {
  log: VerifierLog;
  c: CText;
  /** In the C; undefined when nothing says. */
  line: number | undefined;
  column: number | undefined;
}

export interface Meaning {
  message: string;
  advice: string;
  /** Where the caret belongs, if not where the verifier stopped. */
  at?: Spot | undefined;
  /** A second place that matters, and why. */
  also?: { spot: Spot; why: string } | undefined;
}

type Rule = (rejection: Rejection, found: RegExpExecArray) => Meaning | undefined;

/** @returns undefined for what is too rare to be known here: the verifier's own words then stand alone */
export function meaningOf(rejection: Rejection): Meaning | undefined {
  for (const [shape, rule] of rules) {
    const found = shape.exec(rejection.log.reason);
    const meaning = found && rule(rejection, found);
    if (meaning) return meaning;
  }
  return undefined;
}

/** The helper that the last instruction calls. */
function helperOf({ log }: Rejection): string | undefined {
  const name = /call (bpf_\w+)/.exec(log.steps.at(-1)?.code ?? "")?.[1];
  return name && /^bpf_trace_v?printk$/.test(name) ? "bpf_printk" : name; // the macro that programs write
}

/** Which argument of the helper a register is: R1 is the first. */
function argumentOf(rejection: Rejection, register: number) {
  const helper = helperOf(rejection);
  return helper && rejection.line !== undefined ? rejection.c.argument(rejection.line, helper, register) : undefined;
}

const pointerOf = ({ c, line, column }: Rejection) => (line === undefined ? undefined : c.pointer(line, column));

/** The last call of a helper whose name fits: where it stands in the C, and the variable that its result goes into. */
function callOf({ log, c }: Rejection, helper: RegExp) {
  const step = lastCall(log, helper);
  const name = /call (bpf_\w+)/.exec(step?.code ?? "")?.[1];
  if (!step || !name || step.line === undefined) return undefined;
  const spot = c.word(step.line, name);
  return spot && { spot, name, line: step.line, variable: c.assigned(step.line, name) };
}

const bytes = (count: number) => `${count} byte${count === 1 ? "" : "s"}`;

/** `if (!e) return 0;` */
const nullCheck = (variable: string) => `if (!${variable}) return 0;`;

const mayBeNull: Rule = (rejection, [, what = ""]) => {
  const reserves = what.includes("ringbuf") || what === "mem";
  const call = callOf(rejection, reserves ? /ringbuf_reserve/ : /lookup|storage_get|kptr|sk_|task_from/);
  const pointer = pointerOf(rejection);
  const variable = pointer?.text ?? call?.variable ?? "the pointer";
  const from = call ? `, from ${call.name} in line ${call.line},` : "";
  const why = reserves
    ? "there is no record when the ring buffer is full"
    : "a lookup finds nothing when the key is not in the map";
  return {
    message: `${variable}${from} may be NULL here: ${why}.`,
    advice: `Check it before it is used: ${nullCheck(variable)}`,
    at: pointer,
  };
};

const notAPointer: Rule = (rejection, [, register]) => {
  const pointer = pointerOf(rejection);
  const variable = pointer?.text ?? "this";
  const submitted = callOf(rejection, /ringbuf_(?:submit|discard|output)|skb_(?:pull|change|store|adjust|vlan)/);
  const gone = registerBefore(rejection.log, Number(register)) ?? "";
  if (submitted?.name.startsWith("bpf_ringbuf") && /ringbuf_mem/.test(gone) && submitted.name !== "bpf_ringbuf_output")
    return {
      message: `The record ${variable} was handed over by ${submitted.name} in line ${submitted.line}: it is no longer this program's.`,
      advice: "Fill the record before it is submitted.",
      at: pointer,
    };
  if (submitted?.name.startsWith("bpf_skb") && /^pkt/.test(gone))
    return {
      message: `${submitted.name} in line ${submitted.line} may move the packet, so that ${variable} no longer points into it.`,
      advice: "Read data and data_end anew behind it, and check them again.",
      at: pointer,
    };
  const origin = pointer && rejection.line !== undefined ? rejection.c.origin(pointer.text, rejection.line) : undefined;
  if (/^(?:0|NULL)$/.test(origin?.text ?? ""))
    return { message: `${variable} is NULL here.`, advice: "Give it an address before it is followed.", at: pointer };
  const kernels = /bpf_get_current_task|->\w+$/.test(origin?.text ?? "") && !/args|ctx->/.test(origin?.text ?? "");
  const size = `sizeof(value)`;
  return kernels
    ? {
        message: `${variable} points into the kernel's memory, and this program may not follow it directly.`,
        advice: `Copy what is needed: BPF_CORE_READ(${variable}, field) of <bpf/bpf_core_read.h>, or bpf_probe_read_kernel(&value, ${size}, &${variable}->field).`,
        at: pointer,
      }
    : {
        message: `${variable} is a number to the verifier, not an address that this program may follow: a system call's argument is an address in the memory of the process.`,
        advice: `Copy what it points to: bpf_probe_read_user(&value, ${size}, ${variable}), or bpf_probe_read_user_str for text; for the kernel's memory bpf_probe_read_kernel.`,
        at: pointer,
      };
};

const outsidePacket: Rule = (rejection) => {
  const pointer = pointerOf(rejection);
  const variable = pointer?.text ?? "data";
  return {
    message: `${variable} may point behind the packet's end here: nothing has shown that the packet is long enough.`,
    advice: `Check it before: if ((void *)(${variable} + 1) > data_end) return 0; where data_end is (void *)(long)skb->data_end.`,
    at: pointer,
  };
};

const outsideValue: Rule = (rejection) => {
  const pointer = pointerOf(rejection);
  const variable = pointer?.text ?? "This";
  const base =
    /(?:r|\(r)(\d+) [+-]/.exec(rejection.log.steps.at(-1)?.code ?? "")?.[1] ??
    rejection.log.reason.match(/R(\d+)/)?.[1];
  const known = base === undefined ? "" : (registerBefore(rejection.log, Number(base)) ?? "");
  const size =
    /\bvs=(\d+)/.exec(known)?.[1] ??
    /\bsz=(\d+)/.exec(known)?.[1] ??
    /value_size=(\d+)/.exec(rejection.log.reason)?.[1];
  const map = /\bmap=([\w.]+)/.exec(known)?.[1];
  const record = /ringbuf/.test(known);
  const where = record
    ? "the reserved record"
    : map && !map.includes(".")
      ? `the value of the map ${map}`
      : "the value";
  return {
    message: `${variable} reaches outside of ${where}${size ? `, which has ${bytes(Number(size))}` : ""}.`,
    advice: record
      ? `Reserve the whole record: bpf_ringbuf_reserve(&ring, sizeof(*${variable}), 0).`
      : `Compare the type of ${variable} with the map's __type(value, …); an index has to be checked before: if (i >= COUNT) return 0; with an unsigned i.`,
    at: pointer,
  };
};

const unboundedIndex: Rule = (rejection) => {
  const pointer = pointerOf(rejection);
  return {
    message: `The offset from ${pointer?.text ?? "this pointer"} may be anything: nothing has shown that it is inside.`,
    advice:
      "Check the index before it is used: if (i >= COUNT) return 0; and make it unsigned, for a negative one passes i < COUNT.",
    at: pointer,
  };
};

const sizeOfBuffer: Rule = (rejection, [, register]) => {
  const argument = argumentOf(rejection, Number(register));
  return {
    message:
      `The size ${argument?.text ?? ""} that ${helperOf(rejection) ?? "the helper"} gets may be anything, also negative or larger than the buffer.`.replace(
        "  ",
        " ",
      ),
    advice: `Bound it before: if (${argument && /^\w+$/.test(argument.text) ? argument.text : "n"} > sizeof(buffer)) return 0; and make it unsigned (u32).`,
    at: argument,
  };
};

const stackAccess: Rule = (rejection, found) => {
  const [, way, register, offset, size] = found;
  const argument = argumentOf(rejection, Number(register));
  const helper = helperOf(rejection);
  const room = -Number(offset);
  const written = argument?.text ?? "the variable";
  const isMap = helper && /^bpf_map_/.test(helper) && (register === "2" || register === "3");
  const part = register === "2" ? "key" : "value";
  const message = isMap
    ? `The ${part} of the map has ${bytes(Number(size))}, and ${written} points to fewer.`
    : `${helper ?? "This"} ${way === "write to" ? "writes" : "reads"} ${bytes(Number(size))} at ${written}, where there is less room.`;
  return {
    message,
    advice: isMap
      ? `Give it the type that the map's __type(${part}, …) names, and initialize all of it: TYPE x = {};`
      : `Give the buffer's own size: sizeof(${written.replace(/^&/, "")})${room > 0 && room < Number(size) ? `; at most ${bytes(room)} are there` : ""}.`,
    at: argument,
  };
};

const leak: Rule = (rejection) => {
  const { log, c } = rejection;
  const remark = log.remarks.concat(log.reason).find((row) => /alloc_insn=\d+/.test(row)) ?? "";
  const number = Number(/alloc_insn=(\d+)/.exec(remark)?.[1] ?? NaN);
  const at = log.steps.findIndex((step) => step.number === number);
  const made = at >= 0 ? log.steps[at] : lastCall(log, /ringbuf_reserve|sk_lookup|acquire|spin_lock/);
  const helper = /call (bpf_\w+)/.exec(made?.code ?? "")?.[1];
  if (!made || !helper || made.line === undefined) return undefined;
  const spot = c.word(made.line, helper);
  const variable = c.assigned(made.line, helper);
  // The way out: the last branch behind it that stands in the C, and not the NULL check that belongs to the call.
  const branches = log.steps
    .slice(log.steps.indexOf(made) + 1)
    .filter(({ code, line }) => /^\([0-9a-f]{2}\) if /.test(code) && line !== undefined && line !== made.line)
    .filter(({ line }) => !variable || !new RegExp(`!\\s*${variable}\\b|\\b${variable}\\s*==`).test(c.row(line!)));
  const branch = branches.at(-1);
  const column = branch && /\b(?:if|while|for|switch)\b/.exec(c.row(branch.line!))?.index;
  const isRecord = helper.includes("ringbuf");
  const name = isRecord ? "record" : "reference";
  const what = variable ? `The ${name} ${variable}` : `The ${name}`;
  const done = isRecord ? "neither submitted nor discarded" : "not released";
  const way = branch ? `on the way that leaves in line ${branch.line}` : "on the way to the program's end";
  return {
    message: `${what} that ${helper} made in line ${made.line} is ${done} ${way}.`,
    advice: isRecord
      ? `Every way out needs bpf_ringbuf_submit(${variable ?? "record"}, 0), or bpf_ringbuf_discard(${variable ?? "record"}, 0) before it returns.`
      : "Every way out has to release it.",
    at: spot,
    also: branch
      ? {
          spot: { line: branch.line!, column: (column ?? c.row(branch.line!).search(/\S/)) + 1 },
          why: "this way leaves without it",
        }
      : undefined,
  };
};

const endless: Rule = ({ c, line, log }) => {
  const spot = line === undefined ? undefined : c.loop(line);
  const tooLong = log.reason.includes("too large") || log.reason.includes("too complex");
  return {
    message: tooLong
      ? "This loop, or what it multiplies, is more than the verifier follows: it walks every way through the program, up to a million instructions."
      : "This loop has no end that the verifier can see.",
    advice: tooLong
      ? "Give the loop a small constant bound, such as for (u32 i = 0; i < 64 && i < n; i++), or call bpf_loop(count, function, &context, 0), whose body is checked once."
      : "Count to a constant: for (u32 i = 0; i < 64; i++) with a break inside; or call bpf_loop(count, function, &context, 0).",
    at: spot,
  };
};

const expectedType: Rule = (rejection, [, register, type = "", expected = ""]) => {
  const argument = argumentOf(rejection, Number(register));
  const helper = helperOf(rejection) ?? "the helper";
  const written = argument?.text ?? "its argument";
  if (expected.includes("map_ptr"))
    return {
      message: `${helper} takes a map, and ${written} is not one${type === "map_value" ? ": it lacks its section" : ""}.`,
      advice: `A map is declared so: struct { __uint(type, …); … } ${written.replace(/^&\s*/, "")} SEC(".maps");`,
      at: argument,
    };
  if (expected.includes("ringbuf_mem")) {
    const earlier = earlierSubmit(rejection, written);
    return type === "scalar" || /inv/.test(type)
      ? {
          message: `The record ${written} was handed over before${earlier ? `, in line ${earlier.line}` : ""}: it can be submitted or discarded once.`,
          advice: "Take one of the two calls out, or return behind the first.",
          at: argument,
          also: earlier && { spot: earlier, why: "here it was handed over" },
        }
      : {
          message: `${helper} takes a record that bpf_ringbuf_reserve made, and ${written} is none${/null/.test(type) ? " for certain: it may be NULL" : ""}.`,
          advice: /null/.test(type)
            ? `Check it before: ${nullCheck(written)}`
            : "To send what lies elsewhere, write bpf_ringbuf_output(&ring, pointer, size, 0).",
          at: argument,
        };
  }
  if (/null/.test(type))
    return {
      message: `${written} may be NULL, and ${helper} needs an address.`,
      advice: `Check it before: ${nullCheck(written.replace(/^[&*(]+/, ""))}`,
      at: argument,
    };
  return {
    message: `${helper} cannot take ${written} as its argument ${register}: that is ${plain(type)}, and it needs ${plain(expected)}.`,
    advice:
      type === "scalar" || type === "inv"
        ? "A number is no address that the program may use: copy what it points to into a local variable first (bpf_probe_read_user, bpf_probe_read_kernel)."
        : "Hand it the address of a local variable or of a map's value.",
    at: argument,
  };
};

/** The first call that handed over the record, before the last instruction. */
function earlierSubmit({ log, c }: Rejection, variable: string): Spot | undefined {
  for (const { code, line } of log.steps.slice(0, -1)) {
    const helper = /call (bpf_ringbuf_(?:submit|discard))/.exec(code)?.[1];
    if (helper && line !== undefined) return c.argument(line, helper, 1) ?? c.word(line, variable);
  }
  return undefined;
}

const words: Record<string, string> = {
  scalar: "a number",
  inv: "a number",
  fp: "a local variable's address",
  ctx: "the program's context",
  map_ptr: "a map",
  map_value: "the address of a map's value",
  pkt: "an address in a packet",
  mem: "an address",
  rdonly_mem: "memory that is only read",
  pkt_meta: "an address in a packet's metadata",
};
const plain = (types: string) =>
  [...new Set(types.split(/,\s*/).map((type) => words[type.trim()] ?? type.trim()))].join(" or ");

const nearHelper = (rejection: Rejection) => {
  const helper = helperOf(rejection);
  return helper && rejection.line !== undefined ? rejection.c.word(rejection.line, helper) : undefined;
};

const rules: [RegExp, Rule][] = [
  [/invalid mem access '(\w+)_or_null'/, mayBeNull],
  [/pointer arithmetic on (\w+)_or_null prohibited/, mayBeNull],
  [/^R(\d+) invalid mem access '(?:scalar|inv)'/, notAPointer],
  [/offset is outside of the packet|invalid access to packet/, outsidePacket],
  [
    /(?:min|max) value is outside of the (?:allowed memory|array) range|invalid access to (?:map value|memory|mem)|makes map_value pointer be out of bounds|makes mem pointer be out of bounds/,
    (rejection, found) =>
      /be out of bounds/.test(rejection.log.reason) ? unboundedIndex(rejection, found) : outsideValue(rejection, found),
  ],
  [
    /math between \w+ pointer and register with unbounded|unbounded (?:variable-offset|memory access)|index >=0\) check|value is negative, either use unsigned index/,
    unboundedIndex,
  ],
  [
    /^R(\d+) (?:min value is negative, either use unsigned or|unbounded memory access, use 'var &= const'|invalid zero-sized read)/,
    sizeOfBuffer,
  ],
  [/^invalid (?:indirect )?(read from|write to) stack R(\d+) off[ =]?(-?\d+)(?:\+\d+)? size[ =](\d+)/, stackAccess],
  [
    /GPL-restricted|GPL only function/,
    (rejection) => ({
      message: `${helperOf(rejection) ?? "This helper"} is for programs under the GPL only, and this one names no licence that is.`,
      advice: 'Add this line: char LICENSE[] SEC("license") = "GPL";',
      at: nearHelper(rejection),
    }),
  ],
  [/reference leak|Unreleased reference/, leak],
  [/infinite loop detected|back-edge from|too large\. Processed|too complex/, endless],
  [/^R(\d+) type=(\w+) expected=(.*)$/, expectedType],
  [
    /^(?:program of this type cannot use helper|unknown func) (\w+)/,
    (rejection, [, helper]) => ({
      message: `A program of this kind cannot call ${helper}.`,
      advice:
        "Which helpers it may call depends on its SEC(): bpf-helpers(7) lists them; network helpers (bpf_skb_…) need a network program.",
      at: nearHelper(rejection),
    }),
  ],
  [
    /^invalid bpf_context access off=(\d+) size=(\d+)/,
    (rejection) => {
      const writes = /^\([0-9a-f]{2}\) \*\(/.test(rejection.log.steps.at(-1)?.code ?? "");
      const pointer = pointerOf(rejection);
      return {
        message: `A program of this kind may not ${writes ? "write" : "read"} this part of its context.`,
        advice: writes
          ? "The context is only read here: copy its values into local variables."
          : "Compare the context's type with the program's SEC(): each kind of hook has a struct of its own.",
        at: pointer,
      };
    },
  ],
  [
    /^R(\d+) !read_ok/,
    (_rejection, [, register]) =>
      register === "0"
        ? {
            message: "On one way through, the program ends without a value to return.",
            advice: "Every way needs a return 0;",
          }
        : {
            message: "A variable is used here that has no value on one of the ways that lead here.",
            advice: "Give it a value where it is declared: TYPE x = 0;",
          },
  ],
  [
    /At program exit the register R0 .*should have been in (.*)$/,
    (rejection, [, range]) => ({
      message: `The program returns ${registerBefore(rejection.log, 0) ?? "a value"}, and one of this kind may only return what is in ${range}.`,
      advice: "What each value means depends on the hook: 0 is right for those that only observe.",
    }),
  ],
  [
    /write into map forbidden|cannot write into rdonly/,
    (rejection) => ({
      message: "This writes to a constant: what is const (or const volatile) is fixed when the program is loaded.",
      advice: "Leave const out to make it a global that the program changes.",
      at: pointerOf(rejection),
    }),
  ],
  [
    /^misaligned/,
    () => ({
      message: "The address of this access is not a multiple of its size.",
      advice: "Copy what lies there with __builtin_memcpy into a local variable.",
    }),
  ],
  [
    /leaks addr|leaks address/,
    () => ({
      message: "A kernel address would leave the program here.",
      advice: "Return or store what it points to, not the address.",
    }),
  ],
  [
    /pointer arithmetic (?:with|on) (\S+) /,
    (rejection) => ({
      message: "The verifier allows no such arithmetic with this pointer.",
      advice: "Add a bounded, unsigned number to it, or subtract one; nothing else.",
      at: pointerOf(rejection),
    }),
  ],
  [
    /not a known constant/,
    (rejection, found) => {
      const register = /^R(\d+)/.exec(found.input)?.[1];
      const argument = register === undefined ? undefined : argumentOf(rejection, Number(register));
      return {
        message: `${helperOf(rejection) ?? "This helper"} needs a size that is known when the program is compiled${argument ? `, and ${argument.text} is not` : ""}.`,
        advice: "Reserve as much as the largest record needs: sizeof(struct …).",
        at: argument,
      };
    },
  ],
  [
    /invalid zero-sized read/,
    (rejection) => ({
      message: `${helperOf(rejection) ?? "This helper"} does not go with this kind of map, which has no keys.`,
      advice:
        "Events of a ring buffer are made with bpf_ringbuf_reserve and bpf_ringbuf_submit, or with bpf_ringbuf_output.",
      at: argumentOf(rejection, 1),
    }),
  ],
  [
    /failed to resolve CO-RE relocation .*? (?:struct |union )?(\w+)\.([\w.]+)/,
    (_rejection, [, type = "", field]) => ({
      message: `The running kernel's struct ${type.replace(/___.*/, "")} has no field ${field}.`,
      advice: "Look it up in vmlinux.h; with bpf_core_field_exists() a program can ask before it reads.",
    }),
  ],
  [
    /bpf_spin_lock/,
    () => ({
      message: "This kind of program cannot use bpf_spin_lock here.",
      advice: "Add with __sync_fetch_and_add, or use a per-CPU map.",
    }),
  ],
  [
    /cannot access ptr member|access beyond struct|access beyond the end of member/,
    (rejection) => ({
      message: "This reads outside of the kernel's struct, or a field that may not be read directly.",
      advice: "Copy it with BPF_CORE_READ or bpf_probe_read_kernel.",
      at: pointerOf(rejection),
    }),
  ],
];
