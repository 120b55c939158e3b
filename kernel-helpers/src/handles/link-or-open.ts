import { link as linkObjects, type LinkOptions } from "../clang/object-file.js";
import type { Compiled } from "../clang/compile.js";
import { ArgumentError } from "../base/errors.js";
import { openById } from "../bpf/kernel-objects.js";
import { ForeignLink } from "./foreign.js";

/**
 * What keeps a program attached, by the kernel's id of it, whoever has made it.
 *
 * @throws ArgumentError when there is none with this id, NotRootError
 * @example
 * const ringbuf = await bpf.load("ringbuf");
 * await ringbuf.attach();
 * bpf.link(bpf.list().links.get("id", 0)).target
 */
export function link(id: number): ForeignLink;
/**
 * One program from several that were compiled apart: what one declares `extern` another defines, and a map that all
 * of them define is one map.
 *
 * @throws ArgumentError that says what does not fit together
 * @example
 * const whole = await bpf.link([await bpf.compile(a, { name: "a" }), await bpf.compile(b, { name: "b" })], { name: "whole" });
 */
export function link(parts: readonly Compiled[], options: LinkOptions): Promise<Compiled>;
export function link(what: number | readonly Compiled[], options?: LinkOptions): ForeignLink | Promise<Compiled> {
  if (typeof what === "number") return ForeignLink.open(openById("link", what), { call: `bpf.link(${what})` });
  if (Array.isArray(what) && options) return linkObjects(what as readonly Compiled[], options);
  throw new ArgumentError("bpf.link: expected the id of a link, or compiled programs and the name of the whole.", {
    hint: 'For example bpf.link(12), or await bpf.link([a, b], { name: "whole" }).',
  });
}
