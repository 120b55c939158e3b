import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { readFunctions, readSections, SectionType, textAt, type Read } from "../../base/elf.js";
import { ArgumentError } from "../../base/errors.js";

/** A function of a program or library. */
export interface ExecutableFunction {
  name: string;
  /** Where it begins in the file, which is what a uprobe is told. */
  offset: bigint;
}

/** What an executable file offers to probes. */
export interface Executable {
  functions: ExecutableFunction[];
  /** USDT probes, `provider:name`. */
  probes: string[];
}

const EXECUTABLE_SEGMENT = 1;

/** Directories in which a library without a path is looked for, in this order. */
const libraryDirectories = [
  ...(process.env["LD_LIBRARY_PATH"]?.split(":") ?? []),
  ...(({ x64: ["/lib/x86_64-linux-gnu"], arm64: ["/lib/aarch64-linux-gnu"] } as Record<string, string[]>)[
    process.arch
  ] ?? []),
  "/usr/local/lib",
  "/usr/lib64",
  "/usr/lib",
  "/lib",
];

/**
 * The file that a path or a bare name means: of a library as the loader finds it, of a command as a shell does, but past
 * scripts that only start it.
 *
 * @param what where it is named, for errors
 */
export function executablePath(path: string, what = "path"): string {
  if (typeof path !== "string" || path === "")
    throw new ArgumentError(`${what}: expected the path of a program or library, got ${String(path)}.`);
  const directories = path.includes("/")
    ? [undefined]
    : /\.so(\.|$)/.test(path)
      ? libraryDirectories
      : (process.env["PATH"] ?? "").split(":");
  const files = directories
    .map((directory) => (directory === undefined ? path : `${directory}/${path}`))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile());
  const found = files.find(isElf) ?? files[0]; // what it is is said by who reads it
  if (found !== undefined) return found;
  const looked = path.includes("/") ? "" : ` in ${directories.join(", ")}`;
  throw new ArgumentError(`${what}: there is no file ${JSON.stringify(path)}${looked}.`, {
    hint: "For a process in a container, give /proc/PID/root/PATH: the file as that process sees it.",
  });
}

function isElf(path: string): boolean {
  const fd = openSync(path, "r");
  try {
    const magic = Buffer.alloc(4);
    readSync(fd, magic, 0, 4, 0);
    return magic.toString("latin1") === "\x7fELF";
  } finally {
    closeSync(fd);
  }
}

/** Reads the functions and USDT probes of an executable file. @throws ArgumentError when it is none */
export function readExecutable(path: string): Executable {
  const fd = openSync(path, "r");
  try {
    return parse(fd, path);
  } finally {
    closeSync(fd);
  }
}

function parse(fd: number, path: string): Executable {
  const size = fstatSync(fd).size;
  const read: Read = (offset, length) => {
    if (offset + length > size)
      throw new ArgumentError(`path: ${path} is truncated: its headers describe more bytes than it has.`);
    const bytes = Buffer.alloc(length);
    readSync(fd, bytes, 0, length, offset);
    return bytes;
  };
  const head = size >= 64 ? read(0, 64) : Buffer.alloc(0);
  if (head.toString("latin1", 0, 4) !== "\x7fELF")
    throw new ArgumentError(`path: ${path} is not a program or library (ELF file), so it has no functions to probe.`);
  if (head[4] !== 2 || head[5] !== 1)
    throw new ArgumentError(`path: ${path} is not a 64-bit little-endian program, so its functions cannot be read.`);

  const sections = readSections(read);
  const segments = readSegments(head, read);
  const fileOffset = (address: bigint) => {
    const segment = segments.find((one) => address >= one.address && address < one.address + one.size);
    return segment && address - segment.address + segment.offset;
  };
  const functions = new Map<string, ExecutableFunction>();
  for (const table of sections.filter(({ type }) => type === SectionType.SYMTAB || type === SectionType.DYNSYM))
    for (const { name, address } of readFunctions(read, sections, table)) {
      const offset = fileOffset(address);
      if (name && offset !== undefined && !functions.has(name)) functions.set(name, { name, offset });
    }
  const notes = sections.filter((one) => one.type === SectionType.NOTE && one.name === ".note.stapsdt");
  return {
    functions: [...functions.values()],
    probes: [...new Set(notes.flatMap((one) => probesOf(read(one.offset, one.size))))],
  };
}

function readSegments(head: Buffer, read: Read): { address: bigint; offset: bigint; size: bigint }[] {
  const [start, entry, count] = [Number(head.readBigUInt64LE(32)), head.readUInt16LE(54), head.readUInt16LE(56)];
  const table = read(start, entry * count);
  return Array.from({ length: count }, (_, i) => table.subarray(i * entry, (i + 1) * entry))
    .filter((one) => one.readUInt32LE(0) === 1 && one.readUInt32LE(4) & EXECUTABLE_SEGMENT)
    .map((one) => ({
      offset: one.readBigUInt64LE(8),
      address: one.readBigUInt64LE(16),
      size: one.readBigUInt64LE(40),
    }));
}

/** `provider:name` of each note that sys/sdt.h left: three addresses, then texts. */
function probesOf(notes: Buffer): string[] {
  const probes: string[] = [];
  for (let at = 0; at + 12 <= notes.length;) {
    const [nameSize, size] = [notes.readUInt32LE(at), notes.readUInt32LE(at + 4)];
    const start = at + 12 + ((nameSize + 3) & ~3);
    const provider = textAt(notes, start + 24);
    probes.push(`${provider}:${textAt(notes, start + 24 + Buffer.byteLength(provider) + 1)}`);
    at = start + ((size + 3) & ~3);
  }
  return probes;
}
