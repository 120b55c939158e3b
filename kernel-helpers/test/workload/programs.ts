import { bpf, type BpfObject } from "../../dist/api/index.js";

const head = `#include "bpflab.h"
#include <bpf/bpf_tracing.h>
char LICENSE[] SEC("license") = "GPL";
__u64 hits;
`;

/** C of a program that counts its runs in the global `hits`. */
export function counting(section: string, context: string, returns: number | string = 0, counted = "1"): string {
  return `SEC("${section}") int count(${context} *ctx) { if (${counted}) __sync_fetch_and_add(&hits, 1); return ${returns}; }\n`;
}

/** Loads C text with what most programs of tests begin with: bpflab.h, bpf_tracing.h, the license, a global `hits`. */
export async function loadText(name: string, text: string, options: bpf.LoadOptions = {}): Promise<BpfObject> {
  return bpf.load(await bpf.compile(head + text, { name }), options);
}

/** What a promise was rejected with. */
export async function refusalOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => {
      throw new Error("it was not refused");
    },
    (error: unknown) => error as Error,
  );
}
