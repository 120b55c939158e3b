import { visible } from "../../base/text.js";
import { ArgumentError, AttachError } from "../../base/errors.js";
import { native } from "../../base/native.js";

/** A network interface as this process's network namespace has it. */
export interface Interface {
  /** Its name, such as `eth0`. */
  name: string;
  /** The kernel's number of it, which programs see as `ifindex`. */
  index: number;
  /** True if it is switched on (IFF_UP). */
  up: boolean;
}

/**
 * The network interfaces there are.
 *
 * @example
 * net.interfaces().map((one) => one.name)  // such as ["lo", "eth0"]
 */
export function interfaces(): Interface[] {
  return native.if_nameindex();
}

/** True while the interface with this index is there, under whatever name. */
export function isThere(index: number): boolean {
  return interfaces().some((one) => one.index === index);
}

/** `Interfaces here: lo, eth0 (down).` */
export function interfacesThere(): string {
  return `Interfaces here: ${interfaces()
    .map((one) => visible(one.name) + (one.up ? "" : " (down)"))
    .join(", ")}.`;
}

/**
 * The interfaces that a program is to be attached to.
 *
 * @param example how to attach, for the hint
 * @throws ArgumentError when none is named, AttachError when one is not there
 */
export function namedInterfaces(program: string, names: string | string[] | undefined, example: string): Interface[] {
  const all: unknown[] = [names ?? []].flat();
  if (all.length === 0 || !all.every((name) => typeof name === "string"))
    throw new ArgumentError(`The program ${program} attaches to a network interface, which must be named.`, {
      hint: `For example ${example.replace("eth0", () => visible(interfaces()[0]?.name ?? "lo"))}; ${interfacesThere()}`,
    });
  return [...new Set(all)].map((name) => {
    const on = interfaces().find((one) => one.name === name);
    if (!on)
      throw new AttachError(program, String(name), `There is no network interface ${JSON.stringify(name)}.`, {
        hint: interfacesThere(),
      });
    if (!on.up)
      console.warn(
        `The interface ${visible(on.name)} is down: ${program} will see no packets until it is up (ip link set ${visible(on.name)} up).`,
      );
    return on;
  });
}
