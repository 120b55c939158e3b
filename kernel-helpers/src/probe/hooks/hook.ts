import type { Type } from "../value-types.js";

/** What a hook tells, as expressions see it. */
export interface Field {
  name: string;
  type: Type;
  /** The C that reads it, in a program of this hook; of text the pointer to it. */
  code: string;
  /** What the kernel calls its type, or what it means. */
  about: string;
  /** Of text: what copies it. */
  text?: "kernel" | "user" | "context" | "comm";
  /** Of text in the context: to how many bytes it is aligned. */
  align?: number;
}

/** A hook as its name resolves on this kernel. */
export interface Hook {
  /** As the user wrote it, or as it was found for a pattern. */
  name: string;
  /** SEC() of its program. */
  section: string;
  /** A name for its program in C. */
  program: string;
  /** The C type of `ctx`. */
  context: string;
  /** Declarations that its program needs. */
  declarations: string[];
  /** #include lines beyond bpflab.h. */
  includes: string[];
  fields: Field[];
  /** True where the kernel lets a program follow pointers as C does. */
  direct: boolean;
  /** What attaching it takes, where SEC() does not say enough. */
  attach?: TimedHook;
}

/** How often a sample is taken. */
export interface TimedHook {
  /** Samples a second on each CPU, */
  frequency?: number;
  /** or a sample each so many ns of the clock, */
  period?: number;
  /** on one CPU. */
  cpu?: number;
}
