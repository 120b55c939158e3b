import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { access, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { MissingFeatureError } from "../base/errors.js";
import { clangVersion, runClang } from "./clang.js";
import { native } from "../base/native.js";
import { cacheDir, KERNEL_BTF } from "./locations.js";

/** The running kernel's types as a C header, and its precompiled form. */
export interface Vmlinux {
  /** Directory to put on the include path: it holds `vmlinux.h`. */
  dir: string;
  /** `vmlinux.h` precompiled; makes compiling a small program six times faster. */
  pch: string;
}

// The name libbpf's bpf_tracing.h has for this machine's registers.
const ARCHITECTURE =
  ({ x64: "x86", arm64: "arm64", s390x: "s390", ppc64: "powerpc", riscv64: "riscv" } as Record<string, string>)[
    process.arch
  ] ?? process.arch;

/**
 * Flags that a program and the precompiled header must share, or clang refuses the header.
 * Without -mcpu=v3 clang 14 crashes on an atomic whose result is used; every kernel since 5.12 runs v3.
 */
export const targetFlags = [
  "-target",
  "bpf",
  "-mcpu=v3",
  "-O2",
  "-g",
  `-D__TARGET_ARCH_${ARCHITECTURE}`,
  "-fno-stack-protector",
];

// Two processes may write vmlinux.h at once, each with what the other has; without this clang takes the later file for
// another one than was precompiled, and refuses the header for good.
const headerFlags = [...targetFlags, "-w", "-Xclang", "-fno-pch-timestamp"];

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Writes a file so that a reader never sees half of it, also when two processes write it at once. */
export async function writeWhole(path: string, write: (temporary: string) => Promise<unknown>): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  try {
    await write(temporary);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

function readBtf(path: string): Buffer {
  try {
    return readFileSync(path); // in one call: piece by piece it takes the kernel five times as long
  } catch (cause) {
    throw new MissingFeatureError("BTF", `This kernel does not describe its types: ${path} cannot be read.`, {
      since: "5.2",
      hint: "Use a kernel built with CONFIG_DEBUG_INFO_BTF=y, as distribution kernels have been since 2021.",
      cause,
    });
  }
}

// The guard lets a program's own #include "vmlinux.h" be a no-op under the precompiled header. With the
// attribute, libbpf adapts field offsets when the object runs on another kernel (CO-RE).
// The enumerators of helpers and map types are macros too, as C's own headers do it: #ifdef asks whether the kernel has one.
function header(declarations: string): string {
  const known = [...declarations.matchAll(/^\t(BPF_(?:FUNC|MAP_TYPE)_\w+)\b/gm)].map(([, name]) => name);
  return [
    "#ifndef __VMLINUX_H__",
    "#define __VMLINUX_H__",
    "#ifndef BPF_NO_PRESERVE_ACCESS_INDEX",
    "#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)",
    "#endif",
    declarations,
    "#ifndef BPF_NO_PRESERVE_ACCESS_INDEX",
    "#pragma clang attribute pop",
    "#endif",
    ...known.map((name) => `#define ${name} ${name}`),
    "#endif",
    "",
  ].join("\n");
}

const made = new Map<string, Promise<Vmlinux>>();

/**
 * Makes `vmlinux.h` from the running kernel's BTF and precompiles it, once per kernel and compiler.
 *
 * @throws MissingFeatureError without BTF or without clang
 */
export function vmlinux(btfPath = KERNEL_BTF): Promise<Vmlinux> {
  let promise = made.get(btfPath);
  if (!promise) {
    promise = make(btfPath);
    made.set(btfPath, promise);
    promise.catch(() => made.delete(btfPath)); // what is missing may be there at the next try
  }
  return promise;
}

async function make(btfPath: string): Promise<Vmlinux> {
  const [compiler, dir] = await Promise.all([clangVersion(), vmlinuxDir(btfPath)]);
  const pch = join(
    dir,
    `vmlinux.${createHash("sha256").update(compiler).update(headerFlags.join(" ")).digest("hex").slice(0, 16)}.pch`,
  );
  if (!(await exists(pch)))
    await writeWhole(pch, (to) =>
      runClang([...headerFlags, "-x", "c-header", join(dir, "vmlinux.h"), "-o", to], "vmlinux.h"),
    );
  return { dir, pch };
}

/** The directory of `vmlinux.h` alone, which is made from the running kernel's BTF. @throws MissingFeatureError without BTF */
export async function vmlinuxDir(btfPath = KERNEL_BTF): Promise<string> {
  const btf = readBtf(btfPath);
  const id = createHash("sha256")
    .update(btf)
    .update(targetFlags.join(" "))
    .update(header(""))
    .digest("hex")
    .slice(0, 16);
  const dir = join(cacheDir(), "vmlinux", id);
  const file = join(dir, "vmlinux.h");
  if (!(await exists(file))) await writeWhole(file, (to) => writeFile(to, header(native.btf_dump_c(btfPath))));
  return dir;
}
