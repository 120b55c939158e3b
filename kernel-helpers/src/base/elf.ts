/** Sections and functions of an ELF file of 64 bits, little endian: what clang makes for BPF, and what uprobes attach to. */

/** Reads bytes of the file. */
export type Read = (offset: number, length: number) => Buffer;

export interface ElfSection {
  name: string;
  type: number;
  offset: number;
  /** Bytes in the file. */
  size: number;
  /** Index of the section with the names of a symbol table. */
  link: number;
}

export interface ElfFunction {
  name: string;
  /** Index of its section. */
  section: number;
  /** Where it begins: in its section in an object file, in memory in an executable. */
  address: bigint;
  size: number;
}

export const SectionType = { SYMTAB: 2, NOTE: 7, NOBITS: 8, DYNSYM: 11 } as const;

const SYMBOL_BYTES = 24;
const functionTypes = [2, 10]; // STT_FUNC, STT_GNU_IFUNC

/** A NUL-terminated text in a table of them. */
export function textAt(table: Buffer, offset: number): string {
  const end = table.indexOf(0, offset);
  return table.toString("utf8", offset, end < 0 ? table.length : end);
}

export function readSections(read: Read): ElfSection[] {
  const head = read(0, 64);
  const [entry, count, named] = [head.readUInt16LE(0x3a), head.readUInt16LE(0x3c), head.readUInt16LE(0x3e)];
  const table = read(Number(head.readBigUInt64LE(0x28)), entry * count);
  const sections = Array.from({ length: count }, (_, i) => {
    const header = table.subarray(i * entry, (i + 1) * entry);
    const type = header.readUInt32LE(4);
    return {
      nameAt: header.readUInt32LE(0),
      type,
      offset: Number(header.readBigUInt64LE(24)),
      size: type === SectionType.NOBITS ? 0 : Number(header.readBigUInt64LE(32)),
      link: header.readUInt32LE(40),
    };
  });
  const names = sections[named] ? read(sections[named].offset, sections[named].size) : Buffer.alloc(0);
  return sections.map(({ nameAt, ...section }) => ({ name: textAt(names, nameAt), ...section }));
}

/** The functions that a symbol table defines. */
export function readFunctions(read: Read, sections: readonly ElfSection[], table: ElfSection): ElfFunction[] {
  const named = sections[table.link];
  const names = named ? read(named.offset, named.size) : Buffer.alloc(0);
  const symbols = read(table.offset, table.size);
  const functions: ElfFunction[] = [];
  for (let at = 0; at + SYMBOL_BYTES <= symbols.length; at += SYMBOL_BYTES) {
    const section = symbols.readUInt16LE(at + 6);
    if (!functionTypes.includes(symbols[at + 4]! & 0xf) || section === 0) continue;
    functions.push({
      name: textAt(names, symbols.readUInt32LE(at)),
      section,
      address: symbols.readBigUInt64LE(at + 8),
      size: Number(symbols.readBigUInt64LE(at + 16)),
    });
  }
  return functions;
}
