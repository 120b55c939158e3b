import { execFileSync } from "node:child_process";
import { native, type ObjectHandle } from "../../base/native.js";
import { interfaces, type Interface } from "./interfaces.js";
import { atExit, deferSignals } from "../../base/at-exit.js";
import { criticalSection } from "../../base/critical-section.js";
import { erase, read, removeOrphans, self, write, type Written } from "../../base/records.js";

// Filters on a clsact qdisc, the way onto an interface before kernel 6.6. The kernel keeps them when
// their owner is gone, and the qdisc too: each is written down, and taken away by its handle alone.

/** Attach points as libbpf numbers them. */
export const attachPoints = { ingress: 1, egress: 2 } as const;
const WHOLE_QDISC = 3;

/** Ours among the filters of an interface; others' run before or after by their own. */
const PRIORITY = 2975;

/** A filter that was put on an interface. */
export interface FilterRecord extends Written {
  kind: "filter";
  ifindex: number;
  direction: keyof typeof attachPoints;
  handle: number;
  /** That it hung on the qdisc, as far as is known: a killed owner could not say. */
  isHung?: true;
}

/** Says that the qdisc of an interface is ours to remove. */
interface QdiscRecord extends Written {
  kind: "qdisc";
}

let made = 0;

/** A filter on an interface, to be exchanged and removed. */
export interface ClsactFilter {
  swap(object: ObjectHandle, program: string): void;
  detach(): void;
  isThere(): boolean;
}

/** Puts a program on an interface's clsact qdisc, which is made when there is none. @throws NativeError */
export function attachClsact(
  object: ObjectHandle,
  program: string,
  on: Interface,
  direction: keyof typeof attachPoints,
): ClsactFilter {
  // The owner's process id in the handle tells the filters of several processes apart.
  const handle = ((process.pid << 8) | (made++ & 0xff)) >>> 0;
  const record: FilterRecord = { kind: "filter", owner: self(), ifindex: on.index, direction, handle };
  const name = `filter-${process.pid}-${handle & 0xff}`;
  let stay = () => {};
  const remove = () =>
    criticalSection(() => {
      stay();
      removeFilter(name, record);
    });
  criticalSection(() => {
    deferSignals();
    erase(name); // 256 filters ago
    write(name, record);
    try {
      if (!hasClsact(on.name)) {
        const qdisc: QdiscRecord = { kind: "qdisc", owner: record.owner };
        erase(qdiscName(record));
        write(qdiscName(record), qdisc);
        native.bpf_tc_hook_create(on.index, attachPoints[direction]);
      }
      native.bpf_tc_attach(object, program, on.index, attachPoints[direction], handle, PRIORITY, false);
    } catch (error) {
      remove();
      throw error;
    }
    record.isHung = true;
    stay = atExit(remove); // the kernel does not remove it with the process, so the process does
  });
  return {
    swap: (next, by) => native.bpf_tc_attach(next, by, on.index, attachPoints[direction], handle, PRIORITY, true),
    detach: remove,
    isThere: () => native.bpf_tc_query(on.index, attachPoints[direction], handle, PRIORITY),
  };
}

/** Takes a filter away, and with the last of ours the qdisc, if it is ours and nobody else uses it. */
export function removeFilter(name: string, { ifindex, direction, handle, owner, isHung }: FilterRecord): void {
  const qdisc = qdiscName({ ifindex, owner });
  const on = interfaces().find((one) => one.index === ifindex);
  const made = read<QdiscRecord>(qdisc);
  if (!on) {
    erase(qdisc);
  } else {
    const wasThere = native.bpf_tc_detach(ifindex, attachPoints[direction], handle, PRIORITY);
    // Our filter hung on it, or its maker ended before it could hang one: so it is the qdisc that we made.
    const isOurs =
      made !== undefined &&
      (wasThere || (!isHung && made.owner.pid === owner.pid && made.owner.started === owner.started));
    const isThere = hasClsact(on.name);
    const left = isThere ? filtersOn(on.name) : [];
    if (isOurs && isThere && left.length === 0) native.bpf_tc_hook_destroy(ifindex, WHOLE_QDISC);
    // With none of our filters on it, what is left is others', or somebody took it away: the next one is not ours to remove.
    if (!left.some(({ pref }) => pref === PRIORITY)) erase(qdisc);
  }
  erase(name);
}

let swept = false;

/** Removes the filters of processes that were killed; once in the life of this process. */
export function removeOrphanedFilters(): void {
  if (swept) return;
  swept = true;
  removeOrphans<FilterRecord>("filter", removeFilter);
}

function qdiscName({ ifindex, owner }: Pick<FilterRecord, "ifindex" | "owner">): string {
  return `qdisc-${/\d+/.exec(owner.netNamespace)?.[0] ?? "0"}-${ifindex}`;
}

function tc(...args: string[]): { kind?: string; pref?: number }[] {
  const text = execFileSync("tc", ["-j", ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  return JSON.parse(text.trim() || "[]") as ReturnType<typeof tc>;
}

function hasClsact(name: string): boolean {
  return tc("qdisc", "show", "dev", name).some(({ kind }) => kind === "clsact");
}

function filtersOn(name: string): ReturnType<typeof tc> {
  return (["ingress", "egress"] as const).flatMap((direction) => tc("filter", "show", "dev", name, direction));
}
