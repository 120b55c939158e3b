import { inspect } from "node:util";
import { integerOf } from "../base/arguments.js";
import { ArgumentError } from "../base/errors.js";
import type { Params } from "./program/verbs.js";

/**
 * Enters values among the parameters.
 *
 * @throws ArgumentError for a value that is not an integer, boolean or text, or of another type than before
 */
export function setParams(params: Params, values: Params): void {
  for (const [name, value] of Object.entries(values)) {
    checkParam(name, value);
    const before = params[name];
    if (before !== undefined && kindOf(before) !== kindOf(value))
      throw new ArgumentError(`params: ${name} was ${kindOf(before)} and cannot become ${kindOf(value)}.`);
    params[name] = value;
  }
}

function kindOf(value: unknown): string {
  return typeof value === "boolean" ? "a boolean" : typeof value === "string" ? "text" : "a number";
}

function checkParam(name: string, value: unknown): void {
  if (typeof value === "boolean") return;
  if (typeof value === "string") {
    if (Buffer.byteLength(value) > 63) throw new ArgumentError(`params: ${name} is longer than 63 bytes.`);
    return;
  }
  const number = integerOf(value);
  if (number === undefined || number < -(1n << 63n) || number >= 1n << 63n)
    throw new ArgumentError(
      `params: expected an integer of 64 bits, a boolean or text for ${name}, got ${inspect(value)}.`,
    );
}
