/** Modules of both kinds under the names that an import gives them, as TypeScript's `esModuleInterop` has it. */
import { types } from "node:util";

function isModern(loaded: unknown): boolean {
  return types.isModuleNamespaceObject(loaded) || (loaded as { __esModule?: unknown } | undefined)?.__esModule === true;
}

/** An object whose `default` is what `import x from …` means. */
export function withDefault(loaded: unknown): { default?: unknown } {
  return isModern(loaded) ? (loaded as { default?: unknown }) : { default: loaded };
}

const namespaces = new WeakMap<object, object>();

/** What `import * as x from …` means. */
export function namespaceOf(loaded: unknown): object {
  if (isModern(loaded)) return loaded as object;
  const isObject = (typeof loaded === "object" && loaded !== null) || typeof loaded === "function";
  const known = isObject ? namespaces.get(loaded) : undefined;
  if (known) return known;
  const made: Record<string, unknown> = {};
  for (const name of isObject ? Object.getOwnPropertyNames(loaded) : [])
    if (name !== "default" && !(typeof loaded === "function" && name in Function.prototype))
      Object.defineProperty(made, name, {
        enumerable: Object.prototype.propertyIsEnumerable.call(loaded, name),
        get: () => (loaded as Record<string, unknown>)[name],
      });
  Object.defineProperty(made, "default", { enumerable: true, value: loaded });
  if (isObject) namespaces.set(loaded, made);
  return made;
}
