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

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text for HTML content and quoted attributes: escaped, and nothing in it unseen. */
export function escapeHtml(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => entities[character]!);
}
