import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { execa } from "execa";

/** The ids of one kind of BPF object that a process, by default this one, holds a descriptor of, from the kernel's fdinfo. */
export function idsOf(field: "prog_id" | "link_id" | "map_id", pid: number | "self" = "self"): Set<number> {
  const ids = new Set<number>();
  for (const fd of readdirSync(`/proc/${pid}/fdinfo`)) {
    let info = "";
    try {
      info = readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8");
    } catch {
      continue; // the directory's own descriptor
    }
    // A link says the id of its program too.
    if (field !== "link_id" && /^link_id:/m.test(info)) continue;
    const id = new RegExp(`^${field}:\\s*(\\d+)`, "m").exec(info);
    if (id) ids.add(Number(id[1]));
  }
  return ids;
}

/** Programs (by bpftool's name of them), links and maps that this process holds. */
export async function heldByUs(): Promise<{ programs: string[]; links: number; maps: number }> {
  const programs = await Promise.all(
    [...idsOf("prog_id")].map(async (id) => {
      const { stdout } = await execa("bpftool", ["-j", "prog", "show", "id", String(id)]);
      return (JSON.parse(stdout) as { name: string }).name;
    }),
  );
  return { programs: programs.sort(), links: idsOf("link_id").size, maps: idsOf("map_id").size };
}

/** Ids of all programs or links in the kernel. */
export async function allIds(kind: "prog" | "link"): Promise<Set<number>> {
  // bpftool fails at a link that somebody is making at this moment (EAGAIN).
  for (let tries = 1; ; tries++) {
    const { stdout, failed } = await execa("bpftool", ["-j", kind, "show"], { reject: tries === 100 });
    if (!failed) return new Set((JSON.parse(stdout) as { id: number }[]).map(({ id }) => id));
    await sleep(20);
  }
}

/** Open descriptors of this process. */
export function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

/** Resident memory in KiB after a full garbage collection. */
export async function residentKiB(): Promise<number> {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  for (let i = 0; i < 3; i++) {
    gc();
    await sleep(20); // finalizers run between turns
  }
  return Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))![1]);
}
