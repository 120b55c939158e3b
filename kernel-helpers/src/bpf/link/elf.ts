import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { ArgumentError } from "../../base/errors.js";

/** A function of a program or library. */
export interface ElfFunction {
  name: string;
  /** Where it begins in the file, which is what a uprobe is told. */
  offset: bigint;
}

/** What an executable file offers to probes. */
export interface Executable {
  functions: ElfFunction[];
  /** USDT probes, `provider:name`. */
  probes: string[];
}

interface Section {
  name: string;
  type: number;
  address: bigint;
  offset: bigint;
  size: bigint;
  link: number;
}

const SYMTAB = 2;
const NOTE = 7;
const DYNSYM = 11;
const EXECUTABLE_SEGMENT = 1;
const FUNCTION = 2;
const INDIRECT_FUNCTION = 10;

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

/** The file that a path or a bare name means: of a library as the loader finds it, of a command as a shell does. */
export function executablePath(path: string): string {
  if (typeof path !== "string" || path === "")
    throw new ArgumentError(`path: expected that of a program or library, got ${String(path)}.`);
  const directories = path.includes("/")
    ? [undefined]
    : /\.so(\.|$)/.test(path)
      ? libraryDirectories
      : (process.env["PATH"] ?? "").split(":");
  for (const directory of directories) {
    const file = directory === undefined ? path : `${directory}/${path}`;
    if (statSync(file, { throwIfNoEntry: false })?.isFile()) return file;
  }
  const looked = path.includes("/") ? "" : ` in ${directories.join(", ")}`;
  throw new ArgumentError(`path: there is no file ${JSON.stringify(path)}${looked}.`, {
    hint: "Of a process in a container, /proc/PID/root/PATH is the file that it sees.",
  });
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
  const read = (offset: bigint | number, length: bigint | number) => {
    if (Number(offset) + Number(length) > size)
      throw new ArgumentError(`path: ${path} is cut short: it says that it is longer than it is.`);
    const bytes = Buffer.alloc(Number(length));
    readSync(fd, bytes, 0, bytes.length, Number(offset));
    return bytes;
  };
  const head = size >= 64 ? read(0, 64) : Buffer.alloc(0);
  if (head.toString("latin1", 0, 4) !== "\x7fELF")
    throw new ArgumentError(`path: ${path} is no program or library (ELF file), so it has no functions to probe.`);
  if (head[4] !== 2 || head[5] !== 1)
    throw new ArgumentError(`path: ${path} is not a 64-bit little-endian program, and its functions are not read.`);

  const sections = readSections(head, read);
  const segments = readSegments(head, read);
  const fileOffset = (address: bigint) => {
    const segment = segments.find((one) => address >= one.address && address < one.address + one.size);
    return segment && address - segment.address + segment.offset;
  };
  const functions = new Map<string, ElfFunction>();
  for (const section of sections.filter((one) => one.type === SYMTAB || one.type === DYNSYM)) {
    const [symbols, names] = [section, sections[section.link]!].map((one) => read(one.offset, one.size)) as [
      Buffer,
      Buffer,
    ];
    for (let at = 0; at + 24 <= symbols.length; at += 24) {
      const kind = symbols[at + 4]! & 15;
      if ((kind !== FUNCTION && kind !== INDIRECT_FUNCTION) || symbols.readUInt16LE(at + 6) === 0) continue;
      const name = textAt(names, symbols.readUInt32LE(at));
      const offset = fileOffset(symbols.readBigUInt64LE(at + 8));
      if (name && offset !== undefined && !functions.has(name)) functions.set(name, { name, offset });
    }
  }
  const notes = sections.filter((one) => one.type === NOTE && one.name === ".note.stapsdt");
  return {
    functions: [...functions.values()],
    probes: [...new Set(notes.flatMap((one) => probesOf(read(one.offset, one.size))))],
  };
}

type Read = (offset: bigint | number, length: bigint | number) => Buffer;

function readSections(head: Buffer, read: Read): Section[] {
  const [start, entry, count, named] = [
    head.readBigUInt64LE(40),
    head.readUInt16LE(58),
    head.readUInt16LE(60),
    head.readUInt16LE(62),
  ];
  const table = read(start, entry * count);
  const raw = Array.from({ length: count }, (_, i) => table.subarray(i * entry, (i + 1) * entry));
  const names = raw[named] ? read(raw[named].readBigUInt64LE(24), raw[named].readBigUInt64LE(32)) : Buffer.alloc(0);
  return raw.map((one) => ({
    name: textAt(names, one.readUInt32LE(0)),
    type: one.readUInt32LE(4),
    address: one.readBigUInt64LE(16),
    offset: one.readBigUInt64LE(24),
    size: one.readBigUInt64LE(32),
    link: one.readUInt32LE(40),
  }));
}

function readSegments(head: Buffer, read: Read): { address: bigint; offset: bigint; size: bigint }[] {
  const [start, entry, count] = [head.readBigUInt64LE(32), head.readUInt16LE(54), head.readUInt16LE(56)];
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

function textAt(bytes: Buffer, at: number): string {
  const end = bytes.indexOf(0, at);
  return bytes.toString("utf8", at, end < 0 ? bytes.length : end);
}
