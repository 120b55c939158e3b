/** Where a program that was compiled with countLost has its counters; bpf/include/count_lost.h lays them out. */
export const lossSection = ".data.bpflab_loss";

/** Bytes of the text that says of which ring a counter is, which the counter follows. */
const nameBytes = 56;
const counterBytes = nameBytes + 8;

/**
 * Where in that section the counters of a ring are; undefined where a call does not say which ring it is of, unless
 * there is but one.
 *
 * @param rings how many the program has
 */
export function lossOffsets(section: Uint8Array, ring: string, rings: number): number[] | undefined {
  const offsets: number[] = [];
  for (let at = 0; at + counterBytes <= section.length; at += counterBytes) {
    const text = Buffer.from(section.subarray(at, at + nameBytes)).toString("latin1");
    const named = /^&\s*\(?\s*(\w+)/.exec(text)?.[1];
    if (!named && rings > 1) return undefined;
    if (!named || named === ring || rings === 1) offsets.push(at + nameBytes);
  }
  return offsets;
}
