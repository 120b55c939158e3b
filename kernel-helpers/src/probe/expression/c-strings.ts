import { sizeOfText, type TextSource } from "./value.js";

/** A C string literal of these bytes. */
export function cString(value: string): string {
  let escaped = "";
  for (const byte of Buffer.from(value)) {
    const char = String.fromCharCode(byte);
    // Octal: unlike \x it ends after three digits. A question mark could begin a trigraph.
    escaped += byte >= 0x20 && byte < 0x7f && !'"\\?'.includes(char) ? char : `\\${byte.toString(8).padStart(3, "0")}`;
  }
  return `"${escaped}"`;
}

/** A C condition: the text is exactly this, or begins with it. */
export function matches(source: TextSource, wanted: string, how: "equal" | "prefix"): string {
  const bytes = Buffer.byteLength(wanted);
  if (wanted.includes("\0")) return "false"; // no text of the kernel's has one
  if (bytes === 0 && how === "prefix") return "true";
  // What does not fit was cut off: the rest is all that there is to compare.
  if (bytes >= sizeOfText(source) && !(source.from === "array" && bytes === source.size)) return "false";
  switch (source.from) {
    case "literal":
      return String(how === "equal" ? source.value === wanted : source.value.startsWith(wanted));
    case "comm":
      return `text_${how}(comm, ${cString(wanted)}, 16)`;
    case "array":
      return `text_${how}(${source.code}, ${cString(wanted)}, ${source.size})`;
    case "kernel":
    case "user":
      return `${source.from}_text_${how}(${source.code}, ${cString(wanted)}, ${source.size})`;
    case "core":
      return `core_text_${how}(${cString(wanted)}, ${source.size}, ${[source.root, ...source.steps].join(", ")})`;
    case "choice":
      return `(${source.test} ? ${matches(source.then, wanted, how)} : ${matches(source.else, wanted, how)})`;
  }
}

/** C statements that copy a text to an array, which is zeroed. */
export function copyTo(target: string, size: number, source: TextSource): string[] {
  switch (source.from) {
    case "literal":
      return source.value === ""
        ? []
        : [
            `__builtin_memcpy(${target}, ${cString(source.value)}, ${Math.min(Buffer.byteLength(source.value) + 1, size)});`,
          ];
    case "comm":
      return [`__builtin_memcpy(${target}, comm, 16);`];
    case "array":
      return [`__builtin_memcpy(${target}, ${source.code}, ${Math.min(source.size, size)});`];
    case "kernel":
    case "user":
      return [
        `bpf_probe_read_${source.from}_str(${target}, ${Math.min(source.size, size)}, (const void *)${source.code});`,
      ];
    case "core":
      return [`BPF_CORE_READ_STR_INTO(&${target}, ${[source.root, ...source.steps].join(", ")});`];
    case "choice":
      return [
        `if (${source.test}) {`,
        ...copyTo(target, size, source.then).map((line) => `\t${line}`),
        "} else {",
        ...copyTo(target, size, source.else).map((line) => `\t${line}`),
        "}",
      ];
  }
}

/** A C condition: the text is not empty. */
export function isNotEmpty(source: TextSource): string {
  return `!${matches(source, "", "equal")}`;
}
