import { type ArgumentError, ClosedError } from "../base/errors.js";
import type { Layout, Variable } from "./btf.js";
import { decode, encode, viewOf } from "./codec.js";
import { namedObject } from "../base/names.js";
import { native, type MapHandle } from "../base/native.js";

/** A data section in the kernel, mapped into this process. */
export interface Section {
  map: MapHandle;
  variables: Variable[];
}

const layouts = new WeakMap<object, ReadonlyMap<string, Layout>>();
const assigned = new WeakMap<object, Set<string>>();

/** How a global lies in memory; undefined for what is not a global of a BPF object. */
export function layoutOfGlobal(globals: object, name: string): Layout | undefined {
  return layouts.get(globals)?.get(name);
}

/** Notes how the properties of an object lie in memory, for what is no object of this process. */
export function rememberLayouts(globals: object, ofGlobals: ReadonlyMap<string, Layout>): void {
  layouts.set(globals, ofGlobals);
}

/**
 * Global variables as properties. Reading gives the kernel's value now; writing takes
 * effect in the running program at once.
 *
 * @param owner what errors call the object, such as `ringbuf.globals`
 * @param why says of a variable of the C why it is not a global
 */
export function globalsObject<T extends object>(
  owner: string,
  sections: Section[],
  isClosed: () => boolean,
  why?: (name: string) => ArgumentError | undefined,
): T {
  const object = {};
  const set = new Set<string>();
  for (const { map, variables } of sections) {
    for (const { name, offset, layout } of variables) {
      Object.defineProperty(object, name, {
        enumerable: true,
        get() {
          if (isClosed()) throw new ClosedError(owner);
          return decode(layout, viewOf(native.map_memory_read(map, offset, layout.size)));
        },
        set(value: unknown) {
          if (isClosed()) throw new ClosedError(owner);
          native.map_memory_write(map, offset, encode(layout, value, `${owner}.${name}`));
          set.add(name);
        },
      });
    }
  }
  const globals = namedObject("global", owner, object, why) as T;
  assigned.set(globals, set);
  layouts.set(
    globals,
    new Map(sections.flatMap(({ variables }) => variables.map(({ name, layout }) => [name, layout] as const))),
  );
  return globals;
}

/**
 * Sets what user space has set in one object's globals in another's too, where they lie in memory alike.
 *
 * @returns the names of those that were set
 */
export function carryGlobals(from: Record<string, unknown>, to: Record<string, unknown>): string[] {
  const same = (name: string) =>
    JSON.stringify(layoutOfGlobal(from, name)) === JSON.stringify(layoutOfGlobal(to, name));
  const names = [...(assigned.get(from) ?? [])].filter(same);
  for (const name of names) to[name] = from[name];
  return names;
}

/** Variables a user means: not the compiler's (`handle.____fmt`) and not the type holders of ring buffers. */
export function visibleVariables(variables: Variable[], rings: readonly string[]): Variable[] {
  const hidden = new Set(rings.map((ring) => `${ring}_record`));
  return variables.filter(({ name }) => !name.includes(".") && !hidden.has(name));
}
