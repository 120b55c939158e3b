/** Rejections of a path through the program: one that leaves something behind, or that has no end. */
import { lastCall } from "./log.js";
import type { Rule } from "./rejection.js";

export const leak: Rule = (rejection) => {
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
  const way = branch ? `on the path that leaves in line ${branch.line}` : "on the path to the program's end";
  return {
    message: `${what} that ${helper} made in line ${made.line} is ${done} ${way}.`,
    advice: isRecord
      ? `Every path needs bpf_ringbuf_submit(${variable ?? "record"}, 0), or bpf_ringbuf_discard(${variable ?? "record"}, 0) before it returns.`
      : "Every path must release it.",
    at: spot,
    also: branch
      ? {
          spot: { line: branch.line!, column: (column ?? c.row(branch.line!).search(/\S/)) + 1 },
          why: "this path leaves without it",
        }
      : undefined,
  };
};

export const endless: Rule = ({ c, line, log }) => {
  const spot = line === undefined ? undefined : c.loop(line);
  const tooLong = log.reason.includes("too large") || log.reason.includes("too complex");
  return {
    message: tooLong
      ? "This loop, or what it multiplies, is too much for the verifier: it follows every path through the program, up to a million instructions."
      : "This loop has no end that the verifier can see.",
    advice: tooLong
      ? "Give the loop a small constant bound, such as for (u32 i = 0; i < 64 && i < n; i++), or call bpf_loop(count, function, &context, 0), whose body is checked once."
      : "Count to a constant: for (u32 i = 0; i < 64; i++) with a break inside; or call bpf_loop(count, function, &context, 0).",
    at: spot,
  };
};
