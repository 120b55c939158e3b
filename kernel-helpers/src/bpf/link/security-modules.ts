import { existsSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { MissingFeatureError } from "../../base/errors.js";
import { native } from "../../base/native.js";
import type { Attachable } from "./attachment.js";

const MOUNTED = "/sys/kernel/security";

/** The security modules that the kernel asks, in this order; undefined where it does not tell. */
export function activeSecurityModules(): string[] | undefined {
  try {
    return existsSync(join(MOUNTED, "lsm")) ? listIn(MOUNTED) : listInOwnMount();
  } catch {
    return undefined;
  }
}

/** As a system without securityfs mounted has it: seen by this process alone, for as long as it reads. */
function listInOwnMount(): string[] {
  const mount = native.fsmount("securityfs");
  try {
    return listIn(native.fsmount_path(mount));
  } finally {
    native.fsmount_close(mount);
  }
}

const listIn = (directory: string): string[] => readFileSync(join(directory, "lsm"), "utf8").trim().split(",");

/**
 * The kernel lets a program onto a security hook also where it never asks BPF.
 *
 * @throws MissingFeatureError where it never asks, and how to boot so that it does
 */
export function requireBpfSecurityModule(program: Attachable, active = activeSecurityModules()): void {
  if (!active || active.includes("bpf")) return;
  const wanted = [...active.filter((name) => name !== "capability"), "bpf"]; // the kernel puts capability first by itself
  throw new MissingFeatureError(
    "BPF LSM",
    `Program ${program.name} (${program.section}) could be attached and would never run: "bpf" is not among the active security modules of this kernel (${release()}): ${active.join(", ")}.`,
    {
      hint: `Boot with the kernel parameter lsm=${wanted.join(",")} or leave it out: programs: { ${program.name}: false }.`,
    },
  );
}
