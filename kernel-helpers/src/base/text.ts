/**
 * Text from the kernel (a process names itself as it likes) on its way to a page or a terminal.
 */

// C0 and C1 controls, zero-width characters, line separators, and the marks that reorder text:
// all that can hide or forge what a reader sees, or steer a terminal.
const unseen =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/**
 * The text with every control character, bidirectional override and lone surrogate written as C writes it.
 *
 * @example
 * visible("a\u001b[2Jb\u202e")  // "a\\x1b[2Jb\\u202e"
 */
export function visible(text: string): string {
  return text.replace(unseen, (character) => {
    const code = character.charCodeAt(0);
    const hex = code.toString(16);
    return code < 0x100 ? `\\x${hex.padStart(2, "0")}` : `\\u${hex.padStart(4, "0")}`;
  });
}

/** The same of text in several lines, which keep their breaks and tabs. */
export const visibleLines = (text: string): string =>
  text
    .split(/([\n\t])/)
    .map((part) => (part === "\n" || part === "\t" ? part : visible(part)))
    .join("");

/** JSON that a terminal can be shown: what is unseen stands in it as escapes of JSON's, so that it says the same. */
export function visibleJson(
  value: unknown,
  replacer?: (key: string, value: unknown) => unknown,
  space?: number,
): string {
  const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  // Outside of JSON's strings line breaks alone are of this kind.
  return JSON.stringify(value, replacer, space).replace(unseen, (one) => (one === "\n" ? one : escaped(one)));
}

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text for HTML content and quoted attributes: escaped, and nothing in it unseen. */
export function escapeHtml(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => entities[character]!);
}
