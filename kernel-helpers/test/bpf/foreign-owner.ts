import { bpf } from "../../dist/api/index.js";

// A process of its own, for the tests of what others have loaded: loads maps and a program, says that it is ready, and
// waits until its standard input ends.
const source = `#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";
struct flow_key { __u32 pid; __u16 port; };
struct flow { __u64 bytes; char comm[16]; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, struct flow_key); __type(value, struct flow); } flows SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 2); __type(key, __u32); __type(value, __u64); } per_cpu SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __uint(key_size, 4); __uint(value_size, 4); } untyped SEC(".maps");
__u64 answer = 42;
__u32 other = 7;

SEC("raw_tp/sched_process_exit")
int a_name_longer_than_the_kernel_keeps(void *ctx)
{
	struct flow_key key = {};

	if (bpf_map_lookup_elem(&flows, &key))
		answer++;
	return 0;
}
`;

const object = await bpf.load(await bpf.compile(source, { name: "foreign_owner" }));
await object.attach();
object.maps["flows"]!.set({ pid: 1, port: 80 }, { bytes: 2n ** 60n + 1n, comm: "init" });
object.maps["flows"]!.set({ pid: 2, port: 443 }, { bytes: 5, comm: "" });
object.maps["per_cpu"]!.set(
  1,
  Array.from({ length: object.maps["per_cpu"]!.cpus }, (_, cpu) => cpu + 1),
);
console.log("ready");
process.stdin.resume().once("end", () => process.exit(0));
