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

/** C of a congestion control called `bpflab_test`, which counts in `hits` how often it is asked. */
export const congestionControl = (section: string, slowStart: number) => `
SEC("struct_ops/ssthresh") __u32 BPF_PROG(ssthresh, struct sock *sk) { return ${slowStart}; }
SEC("struct_ops/cong_avoid") void BPF_PROG(cong_avoid, struct sock *sk, __u32 ack, __u32 acked) { __sync_fetch_and_add(&hits, 1); }
SEC("struct_ops/undo_cwnd") __u32 BPF_PROG(undo_cwnd, struct sock *sk) { return 10; }
SEC("${section}") struct tcp_congestion_ops control = {
	.ssthresh = (void *)ssthresh,
	.cong_avoid = (void *)cong_avoid,
	.undo_cwnd = (void *)undo_cwnd,
	.name = "bpflab_test",
};`;

/** A Python script that sends a little through a connection with that congestion control. */
export const sendUnderControl = `import socket
s = socket.create_server(("127.0.0.1", 0))
c = socket.socket()
c.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"bpflab_test")
c.connect(s.getsockname())
a, _ = s.accept()
c.sendall(b"x" * 1000)
a.recv(1000)`;

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
