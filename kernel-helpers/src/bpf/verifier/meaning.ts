/** What a rejection means in the program's own terms, and what to write instead: the rules, the first that knows it counts. */
import { expectedType, sizeOfBuffer, stackAccess } from "./call-rules.js";
import { registerBefore } from "./log.js";
import { mayBeNull, notAPointer, outsidePacket, outsideValue, unboundedIndex } from "./memory-rules.js";
import { argumentOf, helperOf, nearHelper, pointerOf, type Meaning, type Rejection, type Rule } from "./rejection.js";
import { endless, leak } from "./path-rules.js";

/** @returns undefined for what is too rare to be known here: the verifier's own words then stand alone */
export function meaningOf(rejection: Rejection): Meaning | undefined {
  for (const [shape, rule] of rules) {
    const found = shape.exec(rejection.log.reason);
    const meaning = found && rule(rejection, found);
    if (meaning) return meaning;
  }
  return undefined;
}

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
    (rejection) => {
      const [, name, section, text] =
        /\bchar\s+(\w+)\s*\[\s*\w*\s*\]\s*(SEC\s*\(\s*"license"\s*\))?\s*=\s*("[^"]*")/i.exec(rejection.c.source) ?? [];
      const isLicence = section !== undefined || /licen[cs]e/i.test(name ?? "");
      const misspelt = /SEC\s*\(\s*"(?!license")[^"]*licen[^"]*"\s*\)/i.exec(rejection.c.source)?.[0];
      if (misspelt)
        return {
          message: `${helperOf(rejection) ?? "This helper"} is for programs under the GPL only, and ${misspelt} is not where the licence is looked for.`,
          advice: 'Write SEC("license"), in lower case and with an s.',
          at: nearHelper(rejection),
        };
      const line = 'char LICENSE[] SEC("license") = "GPL";';
      return {
        message: `${helperOf(rejection) ?? "This helper"} is for programs under the GPL only, and ${
          !isLicence
            ? "this one names no licence that is"
            : section === undefined
              ? `${name} is an ordinary variable without SEC("license")`
              : `the licence of this one, ${text}, is not one that the kernel counts among them`
        }.`,
        advice: isLicence ? `Write: ${line.replace("LICENSE", name!)}` : `Add this line: ${line}`,
        at: nearHelper(rejection),
      };
    },
  ],
  [/reference leak|Unreleased reference/, leak],
  [/infinite loop detected|back-edge from|too large\. Processed|too complex/, endless],
  [/^R(\d+) type=(\w+) expected=(.*)$/, expectedType],
  [
    /^(?:program of this type cannot use helper|unknown func) (\w+)/,
    (rejection, [, helper]) => ({
      message: `A program of this kind cannot call ${helper}.`,
      advice:
        helper === "bpf_probe_write_user"
          ? "It writes into a process's memory, which this kernel lets no program do: it is locked down, or built without it (kernel_lockdown(7))."
          : "Which helpers it may call depends on its SEC(): bpf-helpers(7) lists them; network helpers (bpf_skb_…) need a network program.",
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
            message: "On one path, the program ends without a return value.",
            advice: "Every path needs a return 0;",
          }
        : {
            message: "A variable is used here that has no value on one of the paths that lead here.",
            advice: "Give it a value where it is declared: TYPE x = 0;",
          },
  ],
  [
    /At program exit the register R0 .*should have been in (.*)$/,
    (rejection, [, range]) => ({
      message: `The program returns ${registerBefore(rejection.log, 0) ?? "a value"}, and one of this kind may only return values in ${range}.`,
      advice: "What each value means depends on the hook: 0 is right for those that only observe.",
    }),
  ],
  [
    /write into map forbidden|cannot write into rdonly/,
    (rejection) => ({
      message: "This writes to a constant: what is const (or const volatile) is fixed when the program is loaded.",
      advice: "Remove const to make it a global that the program changes.",
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
      message: "The verifier does not allow this arithmetic on the pointer.",
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
      message: `${helperOf(rejection) ?? "This helper"} does not work with this kind of map, which has no keys.`,
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
      advice: "Use __sync_fetch_and_add, or use a per-CPU map.",
    }),
  ],
  [
    /cannot access ptr member|access beyond struct|access beyond the end of member/,
    (rejection) => ({
      message: "This reads outside the kernel's struct, or a field that may not be read directly.",
      advice: "Copy it with BPF_CORE_READ or bpf_probe_read_kernel.",
      at: pointerOf(rejection),
    }),
  ],
];
