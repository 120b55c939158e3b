/** Rejections of an access to memory: through NULL or a number, or outside of what the pointer points to. */
import { registerBefore } from "./log.js";
import { bytes, callOf, nullCheck, pointerOf, type Rule } from "./rejection.js";

export const mayBeNull: Rule = (rejection, [, what = ""]) => {
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

export const notAPointer: Rule = (rejection, [, register]) => {
  const pointer = pointerOf(rejection);
  const variable = pointer?.text ?? "this";
  const submitted = callOf(rejection, /ringbuf_(?:submit|discard|output)|skb_(?:pull|change|store|adjust|vlan)/);
  const gone = registerBefore(rejection.log, Number(register)) ?? "";
  if (submitted?.name.startsWith("bpf_ringbuf") && /ringbuf_mem/.test(gone) && submitted.name !== "bpf_ringbuf_output")
    return {
      message: `The record ${variable} was passed to ${submitted.name} in line ${submitted.line}: the program no longer owns it.`,
      advice: "Fill the record before it is submitted.",
      at: pointer,
    };
  if (submitted?.name.startsWith("bpf_skb") && /^pkt/.test(gone))
    return {
      message: `${submitted.name} in line ${submitted.line} may move the packet, so that ${variable} no longer points into it.`,
      advice: "Read data and data_end again after it, and check them again.",
      at: pointer,
    };
  if (/^(?:0|P0)$/.test(gone)) {
    const lookup = callOf(rejection, /lookup|reserve|storage_get/);
    return {
      message: `${variable} is NULL on the path that leads here${lookup && (!pointer || lookup.variable === variable) ? `: ${lookup.name} in line ${lookup.line} found nothing, and the program went on` : ""}.`,
      advice: `Return on that path, or give ${variable} a value there, such as that of another lookup, and check that one, too: ${nullCheck(variable)}`,
      at: pointer,
    };
  }
  const origin = pointer && rejection.line !== undefined ? rejection.c.origin(pointer.text, rejection.line) : undefined;
  if (/^(?:0|NULL)$/.test(origin?.text ?? ""))
    return { message: `${variable} is NULL here.`, advice: "Give it an address before dereferencing it.", at: pointer };
  const kernels = /bpf_get_current_task|->\w+$/.test(origin?.text ?? "") && !/args|ctx->/.test(origin?.text ?? "");
  const size = `sizeof(value)`;
  return kernels
    ? {
        message: `${variable} points into the kernel's memory, which this program may not dereference directly.`,
        advice: `Copy what is needed: BPF_CORE_READ(${variable}, field) of <bpf/bpf_core_read.h>, or bpf_probe_read_kernel(&value, ${size}, &${variable}->field).`,
        at: pointer,
      }
    : {
        message: `${variable} is a number to the verifier, not a pointer that this program may dereference: a system call's argument is an address in the memory of the process.`,
        advice: `Copy what it points to: bpf_probe_read_user(&value, ${size}, ${variable}), or bpf_probe_read_user_str for text; for the kernel's memory bpf_probe_read_kernel.`,
        at: pointer,
      };
};

export const outsidePacket: Rule = (rejection) => {
  const pointer = pointerOf(rejection);
  const variable = pointer?.text ?? "data";
  const [check] = rejection.line === undefined ? [] : rejection.c.packetChecks(rejection.line);
  const why = check && wrongCheck(check, variable);
  if (why)
    return {
      message: `${variable} may point past the packet's end here: the check in line ${check.line} ${why}.`,
      advice: `Write there: if ((void *)(${variable} + 1) > data_end) return 0;`,
      at: pointer,
      also: { spot: check, why: "this check" },
    };
  return {
    message: `${variable} may point past the packet's end here: nothing has checked that the packet is long enough.`,
    advice: `Check it first: if ((void *)(${variable} + 1) > data_end) return 0; where data_end is (void *)(long)skb->data_end.`,
    at: pointer,
  };
};

/** What is wrong with the last comparison with the packet's end. */
function wrongCheck({ left, operator, row }: { left: string; operator: string; row: string }, variable: string) {
  const leaves = /\breturn\b/.test(row) || !/\{\s*$/.test(row);
  if (operator.startsWith("<") && leaves && !/&&/.test(row))
    return "is the wrong way round: it leaves when the packet is long enough";
  const named = new RegExp(`\\b${variable}\\b`).test(left);
  if (named && !/\+/.test(left)) return `covers what lies before ${variable}, not ${variable} itself`;
  return named ? undefined : `covers ${left.replace(/^\(void \*\)\s*/, "")} only, and not ${variable} behind it`;
}

export const outsideValue: Rule = (rejection) => {
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
  const reserve = record ? callOf(rejection, /ringbuf_reserve/) : undefined;
  const asked = reserve && rejection.c.argument(reserve.line, reserve.name, 2)?.text;
  if (asked && reserve.variable && new RegExp(`^sizeof\\s*\\(?\\s*${reserve.variable}\\s*\\)?$`).test(asked))
    return {
      message: `The record ${variable} has ${bytes(8)}: ${asked} in line ${reserve.line} is the size of the pointer.`,
      advice: `Reserve the whole record: bpf_ringbuf_reserve(&ring, sizeof(*${reserve.variable}), 0).`,
      at: pointer,
    };
  if (map?.includes(".") && pointer)
    return {
      message: `${variable} reaches outside the global variables.`,
      advice: `Its indices are counted from 0: check them first, if (i >= COUNT) return 0; with an unsigned i.`,
      at: pointer,
    };
  const where = record
    ? "the reserved record"
    : map && !map.includes(".")
      ? `the value of the map ${map}`
      : "the value";
  return {
    message: `${variable} reaches outside ${where}${size ? `, which has ${bytes(Number(size))}` : ""}.`,
    advice: record
      ? `Reserve the whole record: bpf_ringbuf_reserve(&ring, sizeof(*${variable}), 0).`
      : `Compare the type of ${variable} with the map's __type(value, …); an index must be checked first: if (i >= COUNT) return 0; with an unsigned i.`,
    at: pointer,
  };
};

export const unboundedIndex: Rule = (rejection) => {
  const pointer = pointerOf(rejection);
  const index = pointer && rejection.c.index(pointer.line, pointer.text);
  if (index && /^\w+$/.test(index.text))
    return {
      message: `The index ${index.text} of ${pointer.text} is unbounded: nothing has checked that it stays inside.`,
      advice: `Check it before it is used: if (${index.text} >= ${index.count ?? "COUNT"}) return 0; and make it unsigned (u32), because a negative one passes ${index.text} < ${index.count ?? "COUNT"}.`,
      at: pointer,
    };
  return {
    message: `The offset from ${pointer?.text ?? "this pointer"} is unbounded: nothing has checked that it stays inside.`,
    advice:
      "Check the index before it is used: if (i >= COUNT) return 0; and make it unsigned, because a negative one passes i < COUNT.",
    at: pointer,
  };
};
