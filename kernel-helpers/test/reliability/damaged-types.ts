/**
 * `damaged-types.js SEED FIRST LAST FILE`: damages the types (BTF) of an object again and again, each time as its number
 * says, and reads them as `bpf.load` does. FILE says which input it is at and what reads it, for whoever has to tell why
 * this process died. Prints as JSON how many were read and refused, and what was wrong.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { BpflabError } from "../../dist/api/index.js";
import { isNativeError, native, type BtfType } from "../../dist/base/native.js";
import { readSections } from "../../dist/base/elf.js";
import { Btf, type Layout } from "../../dist/bpf/btf.js";
import { decode } from "../../dist/bpf/codec.js";
import { flatten } from "../../dist/bpf/flatten.js";
import { typesOf } from "../../dist/bpf/typescript-types.js";
import { compileShipped } from "../../dist/clang/compile.js";
import { seeded } from "./seeded.js";

const [seed, first, last] = process.argv.slice(2, 5).map(Number) as [number, number, number];
const progress = openSync(process.argv[5]!, "w");
const stage = (input: number, reader: string) => writeSync(progress, `${input} ${reader}`.padEnd(40), 0);

/** Bytes behind the 12 that each BTF type has, by kind and number of members: linux/btf.h. */
const behind = (kind: number, members: number): number =>
  [1, 14, 17].includes(kind)
    ? 4
    : kind === 3
      ? 12
      : [4, 5, 15, 19].includes(kind)
        ? 12 * members
        : [6, 13].includes(kind)
          ? 8 * members
          : 0;

const objects = await Promise.all(
  ["ringbuf", "hashmap", "tc_icmp_filter"].map(async (name) => {
    const elf = (await compileShipped(name)).elf;
    const section = readSections((offset, length) => elf.subarray(offset, offset + length)).find(
      (one) => one.name === ".BTF",
    )!;
    const btf = elf.subarray(section.offset, section.offset + section.size);
    const begin = btf.readUInt32LE(4) + btf.readUInt32LE(8);
    const types: number[] = [];
    for (let at = begin; at < begin + btf.readUInt32LE(12);) {
      types.push(at);
      const info = btf.readUInt32LE(at + 4);
      at += 12 + behind((info >> 24) & 0x1f, info & 0xffff);
    }
    return { elf, section, types };
  }),
);

function damage(random: () => number): Uint8Array {
  const below = (most: number) => Math.floor(random() * most);
  const one = <T>(list: readonly T[]) => list[below(list.length)]!;
  const { elf, section, types } = one(objects);
  const damaged = Buffer.from(elf);
  const btf = damaged.subarray(section.offset, section.offset + section.size);
  const anyNumber = () => one([0, 1, below(types.length + 2), below(0xffff), 0x7fffffff, 0xffffffff, below(64)]);
  for (let i = below(5); i >= 0; i--) {
    const at = one(types);
    const info = btf.readUInt32LE(at + 4);
    const [kind, members] = [(info >> 24) & 0x1f, info & 0xffff];
    const tail = behind(kind, members);
    const acts = [
      () => btf.writeUInt32LE(anyNumber() >>> 0, at), // its name
      () => btf.writeUInt32LE(anyNumber() >>> 0, at + 8), // its size, or what it leads to
      () => btf.writeUInt32LE(below(types.length), at + 8),
      () => tail && btf.writeUInt32LE(anyNumber() >>> 0, at + 12 + 4 * below(tail / 4)), // a part of it
      () => tail && btf.writeUInt32LE(below(types.length), at + 12 + 4 * below(tail / 4)),
      () => btf.writeUInt32LE(((info & 0xe0ffffff) | (below(21) << 24)) >>> 0, at + 4), // its kind
      () => btf.writeUInt32LE(((info & 0xffff0000) | below(members + 3)) >>> 0, at + 4),
      () => btf.writeUInt32LE((info ^ 0x80000000) >>> 0, at + 4),
      () => btf.writeUInt32LE(anyNumber() >>> 0, 4 * below(6)), // the header
      () => (btf[below(btf.length)] = below(256)),
    ];
    // The header and the kinds make it unreadable for libbpf already; most inputs should come further.
    (random() < 0.9 ? one(acts.slice(0, 5)) : one(acts))();
  }
  return damaged;
}

/** Types that no file holds: as few and as tangled as chance makes them. */
function tangled(random: () => number): BtfType[] {
  const below = (most: number) => Math.floor(random() * most);
  const count = 2 + below(random() < 0.1 ? 300 : 12);
  // Mostly to those before, so that some are sound.
  const reference = (id: number) => (random() < 0.97 ? below(id) : below(count + 2));
  const types: BtfType[] = [{ kind: "void", name: "" }];
  for (let id = 1; id < count; id++) {
    const name = ["", "a", "char", "__be32", "in6_addr", "in_addr", "m", "r_record", ".bss", "combine:max"][below(10)]!;
    const size = [0, 1, 2, 4, 8, 16, 48, 0xffffffff][below(8)]!;
    const member = () => ({
      name: random() < 0.4 ? "" : ["key", "value", "ack", "x"][below(4)]!,
      type: reference(id),
      bitOffset: [0, 8, 64, 0xffffff][below(4)]!,
      bitSize: [0, 0, 3, 64, 255][below(5)]!,
    });
    const makers = [
      (): BtfType => ({ kind: "int", name, size, bits: 8 * size, signed: true, bool: random() < 0.2, char: false }),
      (): BtfType => ({
        kind: ["struct", "union"][below(2)]!,
        name,
        size,
        members: Array.from({ length: below(5) }, member),
      }),
      (): BtfType => ({ kind: "array", name: "", type: reference(id), length: [0, 1, 4, 1000, 0xffffffff][below(5)]! }),
      (): BtfType => ({
        kind: ["enum", "enum64"][below(2)]!,
        name,
        size,
        signed: false,
        values: [{ name: "A", value: 1 }],
      }),
      (): BtfType => ({
        kind: ["ptr", "typedef", "const", "volatile", "var", "type_tag", "func"][below(7)]!,
        name,
        type: reference(id),
      }),
      (): BtfType => ({ kind: "decl_tag", name, type: reference(id), component: below(4) - 1 }),
      (): BtfType => ({
        kind: "datasec",
        name: ".bss",
        size,
        variables: [{ type: reference(id), offset: below(9), size: 4 }],
      }),
      (): BtfType => ({ kind: ["float", "fwd", "func_proto"][below(3)]!, name, size, type: 0 }),
    ];
    types.push(makers[below(makers.length)]!());
  }
  return types;
}

const zeros = new DataView(new ArrayBuffer(1 << 16));

/** Everything that is asked of types. */
function readAll(types: BtfType[]): void {
  const btf = new Btf(types);
  const layouts: (Layout | undefined)[] = types.map((_, id) => btf.layout(id));
  for (const name of ["a", "m", "rb", "match_map"])
    layouts.push(btf.mapPart(name, "key"), btf.mapPart(name, "value"), btf.type(name), btf.pointee("r_record"));
  for (const { layout, offset } of btf.section(".bss"))
    if (offset + layout.size <= zeros.byteLength) decode(layout, zeros, offset);
  for (const layout of layouts) {
    if (!layout || layout.size > zeros.byteLength) continue;
    const fields = countOf(layout);
    if (fields > 5000) continue;
    decode(layout, zeros);
    flatten(layout);
  }
}

function countOf(layout: Layout): number {
  if (layout.kind === "array") return layout.length * countOf(layout.element);
  return layout.kind === "struct" ? layout.fields.reduce((sum, field) => sum + countOf(field.layout), 1) : 1;
}

const counts = { read: 0, refused: 0 };
const wrong: string[] = [];
for (let input = first; input < last; input++) {
  const random = seeded(seed * 1_000_003 + input);
  const begun = performance.now();
  try {
    if (input % 8) {
      stage(input, "reader");
      readAll(tangled(random));
    } else {
      const elf = damage(random);
      stage(input, "libbpf");
      const object = native.bpf_object__open_mem(elf, "damaged");
      stage(input, "reader");
      try {
        readAll(native.bpf_object__btf(object));
      } finally {
        native.bpf_object__close(object);
      }
      if (input % 128 === 0) typesOf({ elf, name: "damaged" });
    }
    counts.read++;
  } catch (error) {
    if (error instanceof BpflabError || isNativeError(error)) counts.refused++;
    else wrong.push(`${seed}, ${input}: ${(error as Error).stack}`);
  }
  const ms = performance.now() - begun;
  if (ms > 5000) wrong.push(`${seed}, ${input} took ${Math.round(ms)} ms`);
  if (wrong.length > 5) break;
}
closeSync(progress);
console.log(JSON.stringify({ ...counts, wrong }));
