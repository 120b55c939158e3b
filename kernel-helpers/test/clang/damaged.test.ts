import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ArgumentError, bpf } from "../../dist/api/index.js";
import { readSections } from "../../dist/base/elf.js";

let dir: string;
before(async () => void (dir = await mkdtemp(join(tmpdir(), "bpflab-damaged-"))));
after(() => rm(dir, { recursive: true }));

/** Bytes behind the 12 that each BTF type has, by kind and number of members: linux/btf.h. */
const behind = (kind: number, members: number): number => {
  if (kind === 1 || kind === 14 || kind === 17) return 4; // INT, VAR, DECL_TAG
  if (kind === 3) return 12; // ARRAY
  if (kind === 4 || kind === 5 || kind === 15 || kind === 19) return 12 * members; // STRUCT, UNION, DATASEC, ENUM64
  return kind === 6 || kind === 13 ? 8 * members : 0; // ENUM, FUNC_PROTO
};

/** An object whose variables are of a type that is not there: libbpf 1.1 dies of it. */
function withoutTypes(elf: Buffer): Buffer {
  const damaged = Buffer.from(elf);
  const read = (offset: number, length: number) => damaged.subarray(offset, offset + length);
  const { offset, size } = readSections(read).find(({ name }) => name === ".BTF")!;
  const btf = read(offset, size);
  const start = btf.readUInt32LE(4) + btf.readUInt32LE(8);
  for (let at = start; at < start + btf.readUInt32LE(12);) {
    const info = btf.readUInt32LE(at + 4);
    const kind = (info >> 24) & 0x1f;
    if (kind === 14) btf.writeUInt32LE(0x890a, at + 8);
    at += 12 + behind(kind, info & 0xffff);
  }
  return damaged;
}

test("an object that crashes libbpf is refused, and the process that asked lives on", async () => {
  const good = await bpf.compile(
    `#include "bpflab.h"
    char LICENSE[] SEC("license") = "GPL";
    struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, long); } m SEC(".maps");
    SEC("tp/sched/sched_process_exit") int f(void *ctx) { int k = 0; return bpf_map_lookup_elem(&m, &k) != 0; }`,
    { name: "whole" },
  );
  const file = join(dir, "hostile.bpf.o");
  await writeFile(file, withoutTypes(good.elf));
  await assert.rejects(
    bpf.open(file),
    (error) => error instanceof ArgumentError && /^hostile\.bpf\.o is (damaged|no BPF object)/.test(error.message),
  );
});

test("bytes turned at random are refused or opened, and never end the process", async () => {
  const good = await bpf.compile('char LICENSE[] __attribute__((section("license"), used)) = "GPL";', { name: "bare" });
  for (let round = 0; round < 8; round++) {
    const turned = Buffer.from(good.elf);
    for (let i = 0; i < 4; i++) turned[(round * 7919 + i * 104729) % turned.length] = (round * 31 + i * 97) & 0xff;
    const file = join(dir, "turned.bpf.o");
    await writeFile(file, turned);
    await bpf.open(file).catch((error: unknown) => assert.ok(error instanceof ArgumentError, String(error)));
  }
});
