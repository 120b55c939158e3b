/** Formats of bpf_printk: what the kernel does not know it refuses at run time, and no line is printed. */
import type { Diagnostic } from "../diagnostics.js";
import { bare, callArguments, finding } from "./source-text.js";

// bpf_bprintf_prepare() in kernel/bpf/helpers.c
const known = /^%(?:%|[0+\- ]*\d*(?:p(?:[KxsSB]|[iI][46]|[ku]s)?|s|c|(?:ll?)?[diuxX]))/;
const MOST_ARGUMENTS = 12;

const calls = /\b(?:bpf_printk|BPF_SEQ_PRINTF|BPF_SNPRINTF|bpf_trace_printk)\s*\(/g;

/** Conversions that the kernel does not print. */
export function checkFormats(source: string, file: string): Diagnostic[] {
  const text = bare(source);
  const isOwn = (name: string) => new RegExp(`^[ \\t]*#[ \\t]*define[ \\t]+${name}\\b`, "m").test(text);
  return [...text.matchAll(calls)].flatMap((call) => {
    if (isOwn(call[0].replace(/\W+$/, ""))) return []; // a macro of the program's own has its own first argument
    const open = call.index + call[0].length - 1;
    const parts = callArguments(text, open);
    const format = parts.find(({ start }) => text[start] === '"');
    const name = call[0].replace(/\W+$/, "");
    if (!format) return notALiteral(source, text, file, name, parts[0]);
    if (parts.length - 1 - parts.indexOf(format) > MOST_ARGUMENTS)
      return [
        finding(source, file, call.index, "error", `${name} takes at most ${MOST_ARGUMENTS} values after its format.`),
      ];
    return [...unknownConversions(source, file, name, format), ...userText(source, file, format, parts)];
  });
}

function notALiteral(
  source: string,
  text: string,
  file: string,
  name: string,
  first: { start: number; end: number } | undefined,
): Diagnostic[] {
  if (name !== "bpf_printk" || !first || /^[A-Z_]/.test(text.slice(first.start))) return []; // a macro may hold the text
  return [
    finding(
      source,
      file,
      first.start,
      "error",
      "The first argument of bpf_printk is its format: text in quotes.",
      `To print one text, write: bpf_printk("%s", ${source.slice(first.start, first.end)});`,
    ),
  ];
}

/** The kernel reads %s from its own memory: from an address of the process it prints nothing. */
function userText(
  source: string,
  file: string,
  format: { start: number; end: number },
  parts: readonly { start: number; end: number }[],
): Diagnostic[] {
  const conversions = source.slice(format.start, format.end).match(/%[^%\w]*(?:\w*[a-zA-Z]|%)/g) ?? [];
  const values = parts.slice(parts.indexOf(format) + 1);
  return conversions
    .filter((conversion) => !conversion.endsWith("%"))
    .flatMap((conversion, i) => {
      const value = values[i];
      if (!conversion.endsWith("s") || !value || !/\bctx->args\s*\[/.test(source.slice(value.start, value.end)))
        return [];
      return finding(
        source,
        file,
        value.start,
        "warning",
        "%s prints nothing here: an argument of a system call is an address in the memory of the process.",
        "Copy the text first: char text[64]; bpf_probe_read_user_str(text, sizeof(text), (void *)ctx->args[…]); and print text.",
      );
    });
}

function unknownConversions(
  source: string,
  file: string,
  name: string,
  { start, end }: { start: number; end: number },
): Diagnostic[] {
  const found: Diagnostic[] = [];
  const format = source.slice(start, end);
  for (let at = format.indexOf("%"); at >= 0; at = format.indexOf("%", at)) {
    const rest = format.slice(at);
    const right = known.exec(rest)?.[0];
    at += right?.length ?? 1;
    if (right) continue;
    const wrong = /^%[-+#0 ]*[\d*]*(?:\.[\d*]*)?(?:hh?|ll?|[zjtLq])?[A-Za-z]?/.exec(rest)![0];
    const what = wrong === "%" ? "a single %" : wrong;
    found.push(
      finding(
        source,
        file,
        start + at - 1,
        "error",
        `${name} prints nothing here: the kernel does not support ${what} in a format.`,
        advice(wrong),
      ),
    );
  }
  return found;
}

function advice(wrong: string): string {
  const all = "It supports %d %u %x, with l or ll for 64 bits (%llu), %s, %c, %p, %pI4 and %pI6 for addresses, and %%.";
  if (/[fFeEgGaA]$/.test(wrong))
    return `BPF has no floating-point numbers: print an integer, such as ns with %llu. ${all}`;
  if (wrong === "%") return `Write %% for the character itself. ${all}`;
  return all;
}
