/** Types of the hooks that cells name, such as `probe("tp/syscalls/sys_enter_openat")`: made when one is named first. */
import { createRequire } from "node:module";

const named = /\b(?:probe|to)\s*\(\s*(?:"([^"\n]+)"|'([^'\n]+)'|`([^`$\n]+)`)/g;

/** Gathers what the hooks of the cells tell, as declarations. */
export class HookTypes {
  readonly #fields = new Map<string, string>();

  /** Declarations of all hooks so far, if this text names one that is new. */
  learn(source: string): string | undefined {
    const before = this.#fields.size;
    for (const [, a, b, c] of source.matchAll(named)) this.#add((a ?? b ?? c)!);
    if (this.#fields.size === before) return undefined;
    const members = [...this.#fields].map(([hook, fields]) => `  ${JSON.stringify(hook)}: ${fields};`);
    return `interface ProbeHookFields {\n${members.join("\n")}\n}\n`;
  }

  #add(hook: string): void {
    if (this.#fields.has(hook) || !hook.includes("/")) return;
    // Only who asks for it waits for it; and not import(), which a completion could not wait for.
    const { fieldTypes } = createRequire(import.meta.url)(
      "../../probe/field-types.js",
    ) as typeof import("../../probe/field-types.js");
    const fields = fieldTypes(hook);
    if (fields) this.#fields.set(hook, fields);
  }
}
