/** Rejections of a call: of what a helper is handed. */
import type { Spot } from "./c-text.js";
import { argumentOf, bytes, helperOf, nullCheck, type Rejection, type Rule } from "./rejection.js";

export const sizeOfBuffer: Rule = (rejection, [, register]) => {
  const argument = argumentOf(rejection, Number(register));
  return {
    message:
      `The size ${argument?.text ?? ""} passed to ${helperOf(rejection) ?? "the helper"} is unbounded: it may be negative, or larger than the buffer.`.replace(
        "  ",
        " ",
      ),
    advice: `Bound it first: if (${argument && /^\w+$/.test(argument.text) ? argument.text : "n"} > sizeof(buffer)) return 0; and make it unsigned (u32).`,
    at: argument,
  };
};

export const stackAccess: Rule = (rejection, found) => {
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

export const expectedType: Rule = (rejection, [, register, type = "", expected = ""]) => {
  const argument = argumentOf(rejection, Number(register));
  const helper = helperOf(rejection) ?? "the helper";
  const written = argument?.text ?? "its argument";
  if (expected.includes("map_ptr"))
    return {
      message: `${helper} takes a map, and ${written} is not one${type === "map_value" ? ": it lacks its section" : ""}.`,
      advice: `Declare a map like this: struct { __uint(type, …); … } ${written.replace(/^&\s*/, "")} SEC(".maps");`,
      at: argument,
    };
  if (/^bpf_ringbuf_(?:submit|discard)$/.test(helper)) {
    const earlier = earlierSubmit(rejection, written);
    return type === "scalar" || /inv/.test(type)
      ? {
          message: `The record ${written} was handed over before${earlier ? `, in line ${earlier.line}` : ""}: it can be submitted or discarded once.`,
          advice: "Remove one of the two calls, or return after the first.",
          at: argument,
          also: earlier && { spot: earlier, why: "submitted or discarded here" },
        }
      : {
          message: `${helper} takes a record that bpf_ringbuf_reserve made, and ${written} is none${/null/.test(type) ? " for certain: it may be NULL" : ""}.`,
          advice: /null/.test(type)
            ? `Check it before: ${nullCheck(written)}`
            : "To send data from elsewhere, use bpf_ringbuf_output(&ring, pointer, size, 0).",
          at: argument,
        };
  }
  const isNumber = type === "scalar" || type === "inv";
  // A pointer in a record or a global variable has no memory behind it until somebody gives it some.
  if (isNumber && writesTo(helper, Number(register)) && /^(?:\w+(?:->|\.))?[A-Za-z_]\w*$/.test(written))
    return {
      message: `${written} is a pointer without memory behind it, and ${helper} writes there.`,
      advice: `Declare it as an array, such as char ${/\w+$/.exec(written)![0]}[16]; so that the bytes are part of it.`,
      at: argument,
    };
  if (/null/.test(type))
    return {
      message: `${written} may be NULL, and ${helper} needs an address.`,
      advice: `Check it before: ${nullCheck(written.replace(/^[&*(]+/, ""))}`,
      at: argument,
    };
  return {
    message: `${helper} cannot take ${written} as its argument ${register}: that is ${plain(type)}, and it needs ${plain(expected)}.`,
    advice:
      (type === "scalar" || type === "inv") && /^[A-Za-z_]\w*$/.test(written)
        ? `Write &${written}, if its address is meant. If it holds an address of the process or the kernel, copy what is there first (bpf_probe_read_user, bpf_probe_read_kernel).`
        : type === "scalar" || type === "inv"
          ? "A number is not an address that the program may use: copy what it points to into a local variable first (bpf_probe_read_user, bpf_probe_read_kernel)."
          : "Pass it the address of a local variable or of a map's value.",
    at: argument,
  };
};

/** True when the helper fills what this argument points to. */
const writesTo = (helper: string, register: number) =>
  register === 1 &&
  /^bpf_(?:get_current_comm|probe_read(?:_user|_kernel)?(?:_str)?|get_task_stack|snprintf)$/.test(helper);

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
const plain = (types: string) => {
  const kinds = [...new Set(types.split(/,\s*/).map((type) => words[type.trim()] ?? type.trim()))];
  return kinds.length > 4 ? "the address of memory that the program may use" : kinds.join(" or ");
};
