/**
 * The errors a user can cause. Each is one clear sentence, a hint that says what
 * to do, and the facts as fields, so that a program can act on them too.
 */

import type { Capability } from "./capabilities.js";
import { folded } from "./html.js";

/** What every bpflab error carries beside its message. */
export interface ErrorFacts {
  /** What to do about it, as a sentence. */
  hint?: string;
  /** The error underneath, if there is one. */
  cause?: unknown;
}

/**
 * Base of all errors that bpflab throws on purpose.
 *
 * @example
 * try { await bpf.load("ringbuf"); } catch (e) { if (e instanceof BpflabError) console.error(e.code, e.hint); }
 */
export class BpflabError extends Error {
  /** A stable name for programs to compare, such as `NOT_ROOT`. */
  readonly code: string;
  /** What to do about it. */
  hint: string | undefined;

  constructor(code: string, message: string, facts: ErrorFacts = {}) {
    super(
      facts.hint ? `${message}\n${facts.hint}` : message,
      facts.cause === undefined ? undefined : { cause: facts.cause },
    );
    this.name = new.target.name;
    this.code = code;
    this.hint = facts.hint;
  }

  /** What a notebook shows below the message, as HTML: what is long, behind a click. */
  detailsHtml(): string | undefined {
    return undefined;
  }

  /** Says where in the user's source it is about: the place before the message, the line with its caret below it. */
  locate(place: string, excerpt: string): this {
    const before = this.message;
    const hint = this.hint !== undefined && before.endsWith(`\n${this.hint}`) ? this.hint : undefined;
    const what = hint === undefined ? before : before.slice(0, -hint.length - 1);
    this.message = [`${place}: ${what}`, excerpt, hint].filter(Boolean).join("\n");
    if (this.stack !== undefined) this.stack = this.stack.replace(before, () => this.message);
    return this;
  }

  /** Adds a sentence to what to do about it, where more is known than where it was thrown. */
  advise(more: string): this {
    if (this.hint?.includes(more)) return this;
    const before = this.message;
    this.hint = this.hint ? `${this.hint}\n${more}` : more;
    this.message = `${before}\n${more}`;
    if (this.stack !== undefined) this.stack = this.stack.replace(before, () => this.message);
    return this;
  }
}

/**
 * BPF needs root (or CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN), and this process is not.
 *
 * @example
 * await bpf.load("minimal").catch((error) => {
 *   if (error instanceof NotRootError) console.error("Start JupyterLab as root.");
 * });
 */
export class NotRootError extends BpflabError {
  /** What is missing, such as `CAP_PERFMON`; empty where only root will do. */
  readonly lacking: readonly Capability[];

  /** @param lacking the capabilities that would do instead of root */
  constructor(what: string, lacking: readonly Capability[] = []) {
    const needs = ["root", ...(lacking.length > 0 ? [lacking.join(" and ")] : [])].join(" or ");
    super(
      "NOT_ROOT",
      `${what} needs ${needs}, and this process runs as user ${process.geteuid?.() ?? "unknown"}${lacking.length > 0 ? " without it" : ""}.`,
      {
        hint: "Start JupyterLab or the program as root, for example with sudo.",
      },
    );
    this.lacking = lacking;
  }
}

/**
 * Something this kernel or machine does not have.
 *
 * @example
 * await ringbuf.attach().catch((error) => {
 *   if (error instanceof MissingFeatureError) console.error(error.feature, error.since);
 * });
 */
export class MissingFeatureError extends BpflabError {
  /** What is missing, in the field's words: `BTF`, `clang`, `TCX`. */
  readonly feature: string;
  /** The first kernel version that has it, if it is a kernel feature. */
  readonly since: string | undefined;

  constructor(feature: string, message: string, facts: ErrorFacts & { since?: string } = {}) {
    super("MISSING_FEATURE", message, facts);
    this.feature = feature;
    this.since = facts.since;
  }
}

/**
 * The kernel refused to load an object for a reason other than its verifier's.
 *
 * @example
 * await bpf.load(mine).catch((error) => {
 *   if (error instanceof LoadError) console.error(error.errno, error.log);
 * });
 */
export class LoadError extends BpflabError {
  /** The kernel's error number, positive. */
  readonly errno: number;
  /** What libbpf printed. */
  readonly log: string;

  constructor(message: string, facts: ErrorFacts & { errno: number; log: string }) {
    super("LOAD", message, facts);
    this.errno = facts.errno;
    this.log = facts.log;
  }

  override detailsHtml(): string | undefined {
    return this.log === "" ? undefined : folded("libbpf's whole output", this.log).toString();
  }
}

/**
 * The kernel refused to attach a program to its hook.
 *
 * @example
 * await ringbuf.attach().catch((error) => {
 *   if (error instanceof AttachError) console.error(error.program, error.hook);
 * });
 */
export class AttachError extends BpflabError {
  /** The program's name. */
  readonly program: string;
  /** The hook it was to be attached to, as its SEC() or the options name it. */
  readonly hook: string;
  /** The kernel's error number, positive, or 0 when there was none. */
  readonly errno: number;

  constructor(program: string, hook: string, message: string, facts: ErrorFacts & { errno?: number } = {}) {
    super("ATTACH", message, facts);
    this.program = program;
    this.hook = hook;
    this.errno = facts.errno ?? 0;
  }
}

/**
 * A handle was used after it was closed.
 *
 * @example
 * hashmap.close();
 * try { hashmap.maps.match_map.entries(); } catch (error) { if (error instanceof ClosedError) console.error(error.hint); }
 */
export class ClosedError extends BpflabError {
  constructor(what: string, facts: ErrorFacts = {}) {
    super("CLOSED", `${what} is closed.`, { hint: "Run the cell that loads it again.", ...facts });
  }
}

/**
 * An argument was not what the function takes.
 *
 * @example
 * try { charts.histogram(writes, { x: "nosuch" }); } catch (error) { if (error instanceof ArgumentError) console.error(error.message); }
 */
export class ArgumentError extends BpflabError {
  constructor(message: string, facts: ErrorFacts = {}) {
    super("ARGUMENT", message, facts);
  }
}
