/** What is wrong with the headers that a program includes. */
import { nearest } from "../base/names.js";
import type { Diagnostic } from "./diagnostics.js";
import { finding, offsetAt, withoutComments } from "./lint/source-text.js";

export const noKernelTypes = (source: string) => !/#\s*include\s*[<"](?:vmlinux|bpflab|linux\/\w+)\.h[">]/.test(source);

const knowsKernelTypes = (text: string) => /^\s*#\s*include\s*[<"](?:vmlinux|bpflab)\.h[">]/m.test(text);

const library =
  /^(?:assert|complex|ctype|errno|fcntl|fenv|inttypes|locale|malloc|math|memory|poll|pthread|sched|search|semaphore|setjmp|signal|stdatomic|stdio|stdlib|string|strings|syslog|termios|threads|time|unistd|wchar|(?:arpa|net|netinet|netpacket|sys)\/\w+)\.h$/;

/** Headers that cannot stand in this program, where clang said so in its own way: its messages about their insides say nothing. */
export function headerTrouble(diagnostics: readonly Diagnostic[], source: string, file: string): Diagnostic[] {
  if (!diagnostics.some((d) => d.severity === "error")) return [];
  const text = withoutComments(source);
  const hasKernelTypes = knowsKernelTypes(text);
  const inHeaders = diagnostics.some((d) => d.severity === "error" && d.file !== file);
  const unwritten = malformed(source, text, file);
  if (unwritten.length > 0) return unwritten;
  const unknown = unknownHeader(diagnostics, source, file);
  if (unknown) return [unknown];
  const missing = missingHeader(diagnostics, source, text, file);
  if (missing) return [missing];
  return [...text.matchAll(/^[ \t]*#[ \t]*include[ \t]*[<"]([^>"\n]+)[>"]/gm)].flatMap((found) => {
    const [line, name] = [found[0], found[1]!];
    const at = found.index + line.indexOf(name);
    if (library.test(name))
      return finding(
        source,
        file,
        at,
        "error",
        `${name} belongs to the C library, which a BPF program does not have.`,
        name === "stdio.h"
          ? "Remove the line, and print with bpf_printk of <bpf/bpf_helpers.h>."
          : "Remove the line: vmlinux.h has the kernel's types, <bpf/bpf_helpers.h> its helpers.",
      );
    const said = diagnostics.find(
      (d) => d.severity === "error" && (d.message.includes(`'${name}'`) || d.file.endsWith(`/${name}`)),
    );
    if (/^(?:linux|asm|asm-generic|uapi|net)\//.test(name) && hasKernelTypes && (said || inHeaders))
      return finding(
        source,
        file,
        at,
        "error",
        `${name} and vmlinux.h declare the same types, so one program cannot include both.`,
        "Remove the line: vmlinux.h has all types of the kernel. It has no macros, such as ETH_P_IP: define the ones you need.",
      );
    return [];
  });
}

/** Lines that include nothing, because of how they are written. */
function malformed(source: string, text: string, file: string): Diagnostic[] {
  return [...text.matchAll(/^[ \t]*#[ \t]*include[ \t]*([<"]?)([\w./-]+)([>"]?)[ \t]*$/gm)]
    .filter(([, open, , close]) => `${open}${close}` !== "<>" && `${open}${close}` !== '""')
    .filter(([, open, name]) => open !== "" || /\.h$/.test(name!)) // a macro may hold it
    .map((found) => {
      const name = found[2]!;
      return finding(
        source,
        file,
        found.index + found[0].indexOf(name),
        "error",
        "A header's name stands in quotes or in angle brackets.",
        `Write #include ${name.startsWith("bpf/") ? `<${name}>` : `"${name}"`}`,
      );
    });
}

/** Those that programs include, for one that is misspelt. */
const headers = [
  "vmlinux.h",
  "bpflab.h",
  ...["helpers", "core_read", "tracing", "endian"].map((name) => `bpf/bpf_${name}.h`),
];

function unknownHeader(diagnostics: readonly Diagnostic[], source: string, file: string): Diagnostic | undefined {
  const said = diagnostics.find(({ message, file: where }) => where === file && /^'.*' file not found/.test(message));
  const name = /^'(.*)' file/.exec(said?.message ?? "")?.[1];
  if (
    !said ||
    name === undefined ||
    library.test(name) ||
    (/^(?:linux|asm|asm-generic|uapi|net)\//.test(name) && knowsKernelTypes(source))
  )
    return undefined;
  const [near] = nearest(name, headers, 1, 4);
  return finding(
    source,
    file,
    offsetAt(source, said.line, said.column),
    "error",
    `There is no header ${name}.`,
    /^(?:linux|asm|asm-generic|uapi|net)\//.test(name)
      ? 'Include "vmlinux.h" instead: it has all types of the kernel; and <bpf/bpf_helpers.h>, which has SEC and the helpers.'
      : near === undefined
        ? "A header of your own is looked for beside the notebook, and in the directories of -I."
        : `The nearest is ${near.startsWith("bpf/") ? `<${near}>` : `"${near}"`}.`,
  );
}

/** A program without the header that everything else needs. */
function missingHeader(
  diagnostics: readonly Diagnostic[],
  source: string,
  text: string,
  file: string,
): Diagnostic | undefined {
  const helpers = /^[ \t]*#[ \t]*include[ \t]*[<"](bpf\/bpf_helpers|bpflab)\.h[">]/m.exec(text);
  const sec = /\bSEC\s*\(/.exec(text);
  if (!helpers && sec)
    return finding(
      source,
      file,
      sec.index,
      "error",
      "SEC() is not known here.",
      "#include <bpf/bpf_helpers.h> above: it defines SEC and declares the helpers.",
    );
  const inside = diagnostics.find(({ severity }) => severity === "error");
  if (!helpers || !noKernelTypes(text) || !inside || !/\/bpf\/bpf_\w+\.h$/.test(inside.file)) return undefined;
  return finding(
    source,
    file,
    helpers.index + helpers[0].indexOf("#"),
    "error",
    "bpf_helpers.h needs the kernel's types, and nothing above declares them.",
    '#include "vmlinux.h" above it.',
  );
}
