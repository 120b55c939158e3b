import { createRequire } from "node:module";
import type * as Native from "bpflab-native";
import { BpflabError, MissingFeatureError } from "./errors.js";

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

/** The kernel or libbpf refused a call. What more can be said of it is said by the errors that have it as their cause. */
export class KernelError extends BpflabError implements Native.NativeError {
  /** The kernel's error number, positive. */
  readonly errno: number;
  /** What libbpf printed. */
  readonly log: string;

  constructor(cause: Native.NativeError) {
    super(cause.code, cause.message, { cause });
    this.errno = cause.errno;
    this.log = cause.log;
  }
}

const calls = new Map<keyof typeof Native, unknown>();

/** The same call, with errors of ours. */
function guarded(name: keyof typeof Native): unknown {
  const call = addon![name] as unknown;
  if (typeof call !== "function") return call;
  return (...args: unknown[]) => {
    try {
      return call(...args) as unknown;
    } catch (error) {
      throw isNativeError(error) ? new KernelError(error) : error;
    }
  };
}

/** The addon, loaded at first use, so that importing kernel-helpers works (and says what is missing) without it. */
export const native: typeof Native = new Proxy({} as typeof Native, {
  get(_target, key) {
    addon ??= load();
    const name = key as keyof typeof Native;
    if (!calls.has(name)) calls.set(name, guarded(name));
    return calls.get(name);
  },
});

/** True for the errors that the addon throws. */
export function isNativeError(error: unknown): error is Native.NativeError {
  return error instanceof Error && typeof (error as Partial<Native.NativeError>).errno === "number" && "log" in error;
}
