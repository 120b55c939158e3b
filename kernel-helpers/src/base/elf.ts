/** As much of an ELF file as the objects that clang makes for BPF need: 64 bits, little endian. */

export interface ElfSection {
  name: string;
  index: number;
  data: Buffer;
}

export interface ElfFunction {
  name: string;
  /** Index of its section, and its bytes in there. */
  section: number;
  offset: number;
  size: number;
}

const SYMTAB = 2;
const NOBITS = 8;
const FUNC = 2;

/** A NUL-terminated text in a table of them. */
export function textAt(table: Buffer, offset: number): string {
  const end = table.indexOf(0, offset);
  return table.toString("utf8", offset, end < 0 ? table.length : end);
}

/** The sections and functions of an object file. */
export function readElf(elf: Buffer): { sections: ElfSection[]; functions: ElfFunction[] } {
  const [start, size, count, names] = [
    Number(elf.readBigUInt64LE(0x28)),
    elf.readUInt16LE(0x3a),
    elf.readUInt16LE(0x3c),
    elf.readUInt16LE(0x3e),
  ];
  const headers = Array.from({ length: count }, (_, i) => {
    const at = start + i * size;
    const type = elf.readUInt32LE(at + 4);
    const offset = Number(elf.readBigUInt64LE(at + 24));
    const length = type === NOBITS ? 0 : Number(elf.readBigUInt64LE(at + 32));
    return {
      name: elf.readUInt32LE(at),
      type,
      link: elf.readUInt32LE(at + 40),
      data: elf.subarray(offset, offset + length),
    };
  });
  const sections = headers.map(({ name, data }, index) => ({ name: textAt(headers[names]!.data, name), index, data }));
  const table = headers.find(({ type }) => type === SYMTAB);
  const functions: ElfFunction[] = [];
  for (let at = 0; table && at < table.data.length; at += 24) {
    if ((table.data[at + 4]! & 0xf) !== FUNC) continue;
    functions.push({
      name: textAt(headers[table.link]!.data, table.data.readUInt32LE(at)),
      section: table.data.readUInt16LE(at + 6),
      offset: Number(table.data.readBigUInt64LE(at + 8)),
      size: Number(table.data.readBigUInt64LE(at + 16)),
    });
  }
  return { sections, functions };
}
