/** Cursor positions: code points on the wire (messaging protocol 5.2), UTF-16 units in TypeScript. */

/** UTF-16 offset of a code-point offset. */
export function toUtf16(text: string, codePoints: number): number {
  let offset = 0;
  for (let seen = 0; seen < codePoints && offset < text.length; seen++)
    offset += text.codePointAt(offset)! > 0xffff ? 2 : 1;
  return offset;
}

/** Code-point offset of a UTF-16 offset. */
export function toCodePoints(text: string, utf16: number): number {
  let count = 0;
  for (let offset = 0; offset < utf16 && offset < text.length; count++)
    offset += text.codePointAt(offset)! > 0xffff ? 2 : 1;
  return count;
}
