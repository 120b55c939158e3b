// char[N] as a string that keeps every byte: what a program left behind the first NUL makes two keys of a hash map
// different, and has to be written back as it was.

const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
const utf8 = new TextEncoder();

/** Bytes that are no UTF-8 are read as lone surrogates, as Python's `surrogateescape` does: 0x80 as U+DC80. */
const ESCAPED = 0xdc00;

/**
 * The text in these bytes, without the NULs at its end. A NUL inside stays, and bytes that are no UTF-8 become lone
 * surrogates, so that `encodeText` gives the same bytes again.
 *
 * @example
 * decodeText(Buffer.from("ls\0-l\0\0\0"))  // "ls\0-l"
 */
export function decodeText(bytes: Uint8Array): string {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  const used = bytes.subarray(0, end);
  try {
    return strict.decode(used);
  } catch {
    return decodeMixed(used);
  }
}

/** Character by character: UTF-8 where it is, an escape for each byte where it is not. */
function decodeMixed(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const length = [1, 2, 3, 4].find((n) => isUtf8(bytes.subarray(at, at + n)));
    text += length ? strict.decode(bytes.subarray(at, at + length)) : String.fromCharCode(ESCAPED + bytes[at]!);
    at += length ?? 1;
  }
  return text;
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    return strict.decode(bytes).length > 0;
  } catch {
    return false;
  }
}

/** The bytes of a text that `decodeText` gave, or of any other in UTF-8. */
export function encodeText(text: string): Uint8Array {
  if (!/[\udc80-\udcff]/u.test(text)) return utf8.encode(text); // with u only what is no half of a pair
  const parts = Array.from(text, (character) => {
    const code = character.codePointAt(0)!;
    return code >= ESCAPED + 0x80 && code <= ESCAPED + 0xff ? Uint8Array.of(code - ESCAPED) : utf8.encode(character);
  });
  return Buffer.concat(parts);
}
