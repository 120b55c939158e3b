import type { HookKind } from "./attachment.js";

/** Programs without a hook: they are left alone when an object is attached. */
export function byHand(how: string): HookKind<Record<never, never>> {
  return {
    to: "nothing",
    takes: [],
    byHand: how,
    attach() {
      throw new Error("a program without a hook cannot be attached");
    },
  };
}
