import { readdirSync, readFileSync } from "node:fs";
import type { Kind } from "./kernel-objects.js";

/** A process that holds a descriptor of a program, a map or a link. */
export interface Holder {
  pid: number;
  /** What the process calls itself: any bytes. */
  comm: string;
}

/** Who holds what, by id. */
export type Holders = Record<Kind, Map<number, Holder[]>>;

/** All processes with descriptors of BPF objects, from /proc/PID/fdinfo; what others end or close meanwhile is left out. */
export function holders(): Holders {
  const found: Holders = { map: new Map(), program: new Map(), link: new Map() };
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const held = heldBy(pid);
    if (held.size === 0) continue;
    const holder = { pid: Number(pid), comm: (textOf(`/proc/${pid}/comm`) ?? "").replace(/\n$/, "") };
    for (const key of held) {
      const [kind, id] = key.split(" ") as [Kind, string];
      const list = found[kind].get(Number(id)) ?? [];
      found[kind].set(Number(id), [...list, holder]);
    }
  }
  return found;
}

function heldBy(pid: string): Set<string> {
  const held = new Set<string>();
  for (const fd of namesIn(`/proc/${pid}/fdinfo`)) {
    const info = textOf(`/proc/${pid}/fdinfo/${fd}`);
    // A link says its program's id too, and a program array the type of its programs.
    const line = info && (/^(link)_id:\s*(\d+)$/m.exec(info) ?? /^(map|prog)_id:\s*(\d+)$/m.exec(info));
    if (line) held.add(`${line[1] === "prog" ? "program" : line[1]} ${line[2]}`);
  }
  return held;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
