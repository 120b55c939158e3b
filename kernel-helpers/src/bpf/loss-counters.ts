/** Where a program that was compiled with countLost has its counters; bpf/include/count_lost.h lays them out. */
export const LOSS_SECTION = ".data.bpflab_loss";

/** Bytes of the text that says of which ring a counter is, which the counter follows. */
const NAME_BYTES = 56;
const COUNTER_BYTES = NAME_BYTES + 8;

/**
 * Where in that section the counters of a ring are; undefined where a call does not say which ring it is of, unless
 * there is but one.
 *
 * @param rings how many the program has
 */
export function lossOffsets(section: Uint8Array, ring: string, rings: number): number[] | undefined {
  const offsets: number[] = [];
  for (let at = 0; at + COUNTER_BYTES <= section.length; at += COUNTER_BYTES) {
    const text = Buffer.from(section.subarray(at, at + NAME_BYTES)).toString("latin1");
    const named = /^&\s*\(?\s*(\w+)/.exec(text)?.[1];
    if (!named && rings > 1) return undefined;
    if (!named || named === ring || rings === 1) offsets.push(at + NAME_BYTES);
  }
  return offsets;
}
