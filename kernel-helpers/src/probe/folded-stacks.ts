import type { ColumnTable } from "arquero";
import { detached } from "../base/display.js";
import type { BpfMap } from "../handles/map.js";
import type { BpfObject } from "../handles/object.js";
import { stackReader, Stacks } from "../handles/stacks.js";
import { pidMember } from "./program/struct-members.js";
import type { Page } from "./program/page.js";

/** How often the processes of groups are looked at, ms: those that live shorter may have no names. */
const LOOK_EVERY = 100;

/** The stacks of a probe, as folded text: the outermost function first, `main;read_file;memcpy`. */
export class FoldedStacks {
  readonly #stacks = new Stacks();
  readonly #read: ReturnType<typeof stackReader>;
  readonly #pidColumns: string[];
  readonly #atHook: boolean;

  constructor(page: Page, object: BpfObject) {
    this.#read = stackReader(object.maps["stacks"] as BpfMap);
    this.#pidColumns = page.columns.flatMap(({ type, member }) =>
      type.kind === "stack" && type.of === "user" ? [pidMember(member)] : [],
    );
    this.#atHook = [...page.hooks.values()].every(({ attach }) => attach === undefined); // a sample is taken wherever the CPU is
    object.onClose(() => this.#stacks.close());
  }

  /** True when there are stacks of processes, which have names while the processes live. */
  get hasUser(): boolean {
    return this.#pidColumns.length > 0;
  }

  /** Keeps the names of the processes that are in a table of events. */
  remember(events: ColumnTable): void {
    for (const name of this.#pidColumns)
      for (const pid of new Set(events.column(name) as unknown as Iterable<number>)) this.#stacks.remember(pid);
  }

  /** Keeps the names of the processes that are in the groups, until the object is closed. */
  follow(object: BpfObject): void {
    const look = () => {
      for (const key of (object.maps["groups"] as BpfMap).keys() as Record<string, number>[])
        for (const name of this.#pidColumns) if (key[name] !== undefined) this.#stacks.remember(key[name]);
    };
    const looking = detached(() => setInterval(look, LOOK_EVERY).unref());
    object.onClose(() => clearInterval(looking));
  }

  /** The kernel's stack of this number; one that could not be taken is `[no stack]`. */
  kernelText(number: number): string {
    return this.#stacks.kernelText(this.#read(number, "stack"), { atHook: this.#atHook });
  }

  /** The process's stack of this number. @param caller where the innermost function returns to, as far as that was asked for */
  userText(number: number, pid: number, caller: number): string {
    const stack = this.#read(number, "stack");
    const isMissing = typeof stack !== "string" && caller > 0 && stack.length > 0 && stack[1] !== BigInt(caller);
    return this.#stacks.userText(isMissing ? [stack[0]!, BigInt(caller), ...stack.slice(1)] : stack, pid);
  }
}
