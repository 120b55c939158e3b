import { createRequire } from "node:module";
import type * as Native from "bpflab-native";
import { MissingFeatureError } from "./errors.js";

export type * from "bpflab-native";

function load(): typeof Native {
  try {
    return createRequire(import.meta.url)("bpflab-native") as typeof Native;
  } catch (cause) {
    throw new MissingFeatureError(
      "addon",
      `The native addon cannot be loaded: ${(cause as Error).message.split("\n")[0]}.`,
      {
        hint: "Build it with: npm run build",
        cause,
      },
    );
  }
}

let addon: typeof Native | undefined;

/** The addon, loaded at first use, so that importing kernel-helpers works (and says what is missing) without it. */
export const native: typeof Native = new Proxy({} as typeof Native, {
  get(_target, name) {
    addon ??= load();
    return addon[name as keyof typeof Native];
  },
});

/** True for the errors that the addon throws. */
export function isNativeError(error: unknown): error is Native.NativeError {
  return error instanceof Error && typeof (error as Partial<Native.NativeError>).errno === "number" && "log" in error;
}
