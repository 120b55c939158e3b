import { native } from "../../base/native.js";

/** A network interface as this process's network namespace has it. */
export interface Interface {
  name: string;
  index: number;
  up: boolean;
}

/**
 * The network interfaces there are.
 *
 * @example
 * net.interfaces().map((one) => one.name)  // ["lo", "eth0"]
 */
export function interfaces(): Interface[] {
  return native.if_nameindex();
}

/** The interface of this name, if there is one. */
export function findInterface(name: string): Interface | undefined {
  return interfaces().find((one) => one.name === name);
}

/** True while the interface with this index is there, under whatever name. */
export function isThere(index: number): boolean {
  return interfaces().some((one) => one.index === index);
}
