/** Checks of SEC(): how it is written, and whether the function below it is one for that hook. */
import type { Diagnostic } from "../diagnostics.js";
import { bare, closing, finding, withoutComments } from "./source-text.js";

/** @returns errors for what is no SEC(), warnings for programs that are not those of their hook */
export function checkSections(source: string, file: string): Diagnostic[] {
  return [...written(source, file), ...programs(source, file)];
}

function written(source: string, file: string): Diagnostic[] {
  const text = withoutComments(source);
  const unquoted = [...text.matchAll(/\bSEC\(\s*((?:\w+|\.)[^\s"')]*[/.][^\s"')]*)\s*\)/g)].map((found) =>
    finding(
      source,
      file,
      found.index + found[0].indexOf(found[1]!),
      "error",
      "SEC() takes text in quotes.",
      `Write SEC("${found[1]}").`,
    ),
  );
  const ended = [...text.matchAll(/^[ \t]*SEC\(\s*"([^"]*)"\s*\)\s*;/gm)].map((found) =>
    finding(
      source,
      file,
      found.index + found[0].length - 1,
      "error",
      `The semicolon ends the line, so that SEC("${found[1]}") belongs to nothing.`,
      "Remove the semicolon: the function follows.",
    ),
  );
  return [...unquoted, ...ended];
}

/** What the context of a hook is, where there is one way to write it. */
const contexts: [RegExp, string][] = [
  [/^xdp(?:[./]|$)/, "xdp_md"],
  [/^(?:tc|tcx|classifier|action)(?:\/|$)/, "__sk_buff"],
  [/^(?:tp|tracepoint)\/syscalls\/sys_enter_/, "trace_event_raw_sys_enter"],
  [/^(?:tp|tracepoint)\/syscalls\/sys_exit_/, "trace_event_raw_sys_exit"],
];
const known = /^(?:xdp_md|__sk_buff|pt_regs|bpf_raw_tracepoint_args|trace_event_raw_\w+)$/;

const program =
  /\bSEC\(\s*"\??([^"]*)"\s*\)\s*(?:__\w+\s+)*(\w+)\s+(\w+)\s*\(\s*(?:const\s+)?(?:struct\s+(\w+)\s*\*\s*(\w+))?[^(){};]*\)\s*\{/g;

function programs(source: string, file: string): Diagnostic[] {
  const [text, plain] = [withoutComments(source), bare(source)];
  return [...text.matchAll(program)].flatMap((found) => {
    const [all, section = "", type, name = "", struct, parameter = "ctx"] = found;
    const warnings: Diagnostic[] = [];
    const warn = (at: number, message: string, advice: string) =>
      warnings.push(finding(source, file, found.index + at, "warning", message, advice));
    const head = all.indexOf(")") + 1;
    const wanted = contexts.find(([kind]) => kind.test(section))?.[1];
    if (wanted !== undefined && struct !== undefined && struct !== wanted && known.test(struct))
      warn(
        all.indexOf(struct, head),
        `SEC("${section}") hands over a struct ${wanted}, and ${name} reads it as a struct ${struct}.`,
        `Write struct ${wanted} *${parameter}: the fields of the other one lie elsewhere.`,
      );
    if (type === "void" && !section.startsWith("struct_ops") && section !== "iter")
      warn(
        all.indexOf("void", head),
        `The program ${name} returns nothing, and the kernel reads what it returns.`,
        `Write int ${name}(…), and return 0 where it only observes.`,
      );
    const body = plain.slice(found.index + all.length - 1, closing(plain, found.index + all.length - 1));
    const verdict = /\breturn\s+(TC_ACT_\w+|XDP_\w+)\s*;/.exec(body);
    const isXdp = section.startsWith("xdp");
    if (verdict && (isXdp || wanted === "__sk_buff") && verdict[1]!.startsWith("XDP_") !== isXdp)
      warn(
        all.length - 1 + verdict.index + verdict[0].indexOf(verdict[1]!),
        `${verdict[1]} is not a verdict of SEC("${section}"): the same number means something else there.`,
        isXdp
          ? "Write XDP_PASS to let the packet through, XDP_DROP to drop it."
          : "Write TC_ACT_OK (0) to let the packet through, TC_ACT_SHOT (2) to drop it.",
      );
    return warnings;
  });
}
