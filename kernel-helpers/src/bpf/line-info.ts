/** Which place in the C an instruction was compiled from: line and column, as clang notes them in .BTF.ext. */
import { readFunctions, readSections, SectionType, textAt, type Read } from "../base/elf.js";

export interface CPlace {
  file: string;
  /** Both count from 1. */
  line: number;
  column: number;
}

/**
 * Finds places by the instruction's number in a program.
 *
 * @returns for an instruction the place; undefined where clang notes none
 */
export function lineInfo(elf: Buffer, program: string): (instruction: number) => CPlace | undefined {
  const read: Read = (offset, length) => elf.subarray(offset, offset + length);
  const sections = readSections(read);
  const symbols = sections.find(({ type }) => type === SectionType.SYMTAB);
  const main = symbols && readFunctions(read, sections, symbols).find(({ name }) => name === program);
  const dataOf = (name: string) => {
    const found = sections.find((section) => section.name === name);
    return found && read(found.offset, found.size);
  };
  const [strings, info] = [dataOf(".BTF"), dataOf(".BTF.ext")];
  if (!main || !strings || !info) return () => undefined;
  const text = (offset: number) => {
    const begin = strings.readUInt32LE(4) + strings.readUInt32LE(16); // the header's length, then where its strings begin
    return textAt(strings, begin + offset);
  };
  // The layout is that of struct btf_ext_header in libbpf: the parts count from the end of the header.
  const begin = info.readUInt32LE(4) + info.readUInt32LE(16);
  const end = begin + info.readUInt32LE(20);
  const places: (CPlace & { offset: number })[] = [];
  const record = end > begin ? info.readUInt32LE(begin) : 0;
  for (let at = begin + 4; record > 0 && at < end;) {
    const [section, count] = [text(info.readUInt32LE(at)), info.readUInt32LE(at + 4)];
    at += 8;
    for (let i = 0; i < count; i++, at += record) {
      if (section !== sections[main.section]?.name) continue;
      const [file, where] = [info.readUInt32LE(at + 4), info.readUInt32LE(at + 12)];
      places.push({ offset: info.readUInt32LE(at), file: text(file), line: where >>> 10, column: where & 0x3ff });
    }
  }
  return (instruction) => {
    const start = Number(main.address); // in its section
    const offset = start + instruction * 8;
    if (offset >= start + main.size) return undefined; // of another function, which the kernel sees behind it
    const place = places.filter((one) => one.offset <= offset && one.offset >= start && one.line > 0).at(-1);
    return place && { file: place.file, line: place.line, column: place.column };
  };
}
