import { visibleFields } from "./hooks/common.js";
import { findHook, parseHook } from "./hooks/resolve.js";
import type { Type } from "./value-types.js";

declare global {
  /** The fields of hooks by their names, as a notebook's kernel learns them from the cells; nothing else declares any. */
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- it is there to be added to
  interface ProbeHookFields {}
}

/** The columns that an expression sees at a hook; any, where nobody has said. */
export type FieldsOf<Hook extends string> = Hook extends keyof ProbeHookFields
  ? ProbeHookFields[Hook]
  : Record<string, any>;

/**
 * The TypeScript type of what an expression sees at a hook; undefined for what is no hook, or for a pattern.
 *
 * @public the notebook's kernel requires it when a cell names a hook
 */
export function fieldTypes(hook: string): string | undefined {
  try {
    const { kind, rest } = parseHook(hook);
    const found = rest.includes("*") ? undefined : findHook(kind, rest);
    const members =
      found && visibleFields(found.fields).map(({ name, type }) => `${JSON.stringify(name)}: ${typeOf(type)};`);
    return members && `{ ${members.join(" ")} }`;
  } catch {
    return undefined; // running the cell says what is wrong
  }
}

function typeOf(type: Type): string {
  switch (type.kind) {
    case "int":
      return "number";
    case "bool":
      return "boolean";
    case "text":
    case "named":
    case "stack":
    case "address6":
      return "string";
    case "array":
      return `${typeOf(type.element)}[]`;
    case "pointer":
      // Structs lead to thousands of others; pointers that lead nowhere are numbers.
      return type.to === 0 || type.user ? "number" : "any";
    default:
      return "any";
  }
}
