/** Each kind of hook: a small program on it, driven by what it is there for, has to have been called. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { bpf, net, type BpfObject, type Hook } from "../../dist/api/index.js";
import { cgroup } from "../workload/cgroup.js";
import { congestionControl, counting, loadText, sendUnderControl } from "../workload/programs.js";
import { feature } from "./feature.js";

type Act = () => unknown;

const python = (script: string) => spawnSync("/usr/bin/python3", ["-c", script]);
const run: Act = () => spawnSync("rm", ["-f", "/tmp/nothing-of-this-name"]);
const connect = 'import socket; socket.socket().connect_ex(("127.0.0.1", 1))';
const ping = ["ping", "-c", "3", "-i", "0.05", "-q", "127.0.0.1"] as const;

async function isCalled(object: BpfObject, on: Hook | undefined, act: Act): Promise<void> {
  await object.attach(on);
  await act();
  assert.ok(Number(object.globals["hits"]) > 0, "It attaches, and is never called.");
}

/** A row of the table: the programs of this text, attached with these options, count while something is done. */
const hook = (name: string, text: string, on: Hook | undefined, act: Act): Promise<void> =>
  feature(name, async () => isCalled(await loadText("hook", text), on, act));

async function tracing(): Promise<void> {
  const sections = ["tp", "raw_tp", "tp_btf"].map((kind) =>
    kind === "tp" ? "tp/sched/sched_process_exec" : `${kind}/sched_process_exec`,
  );
  const functions = ["kprobe", "kretprobe", "fentry", "fexit"].map((kind) => `${kind}/vfs_read`);
  for (const section of [...sections, ...functions, "ksyscall/openat", "kprobe.multi/vfs_*", "lsm/file_open"])
    await hook(section.split("/")[0]!, counting(section, "void"), undefined, run);
  for (const kind of ["uprobe", "uretprobe", "uprobe.multi"])
    await hook(kind, counting(`${kind}/libc.so.6:getenv`, "void"), undefined, run);
  await feature("usdt", async () => {
    const child = spawn("/usr/bin/python3", ["-c", "import gc\nwhile input(): gc.collect(); print(flush=True)"]);
    try {
      const object = await loadText("hook", `#include <bpf/usdt.bpf.h>\n${counting("usdt", "struct pt_regs")}`);
      await isCalled(object, { path: "/usr/bin/python3", provider: "python", probe: "gc__start" }, async () => {
        child.stdin.write("x\n");
        await once(child.stdout, "data");
      });
    } finally {
      child.kill();
      await once(child, "close");
    }
  });
  const spin = "const end = Date.now() + 400; while (Date.now() < end);";
  await hook("perf_event", counting("perf_event", "void"), { frequency: 99 }, () =>
    spawnSync(process.execPath, ["-e", spin]),
  );
}

async function networking(): Promise<void> {
  const lab = await net.playground();
  try {
    const flow = () => lab.peers[0]!.ping({ count: 3, intervalMs: 5 });
    await hook("xdp", counting("xdp", "struct xdp_md", "XDP_PASS"), { interface: lab.interface }, flow);
    await hook("socket", counting("socket", "struct __sk_buff"), { interface: lab.interface }, flow);
    const accept = counting("netfilter", "struct bpf_nf_ctx", 1);
    await hook("netfilter", accept, { at: "input", priority: 17 }, flow);
  } finally {
    lab.close();
  }
  await hook("sk_lookup", counting("sk_lookup", "struct bpf_sk_lookup", "SK_PASS"), undefined, () => python(connect));
  await hook("struct_ops", congestionControl(".struct_ops", 10), undefined, () => python(sendUnderControl));
}

async function groups(): Promise<void> {
  const group = cgroup();
  try {
    const on = { cgroup: group.path };
    const toConnect = () => group.run("/usr/bin/python3", "-c", connect);
    await hook("cgroup_skb", counting("cgroup_skb/egress", "struct __sk_buff", 1), on, () => group.run(...ping));
    await hook("cgroup/connect4", counting("cgroup/connect4", "struct bpf_sock_addr", 1), on, toConnect);
    await hook("cgroup/sock_create", counting("cgroup/sock_create", "struct bpf_sock", 1), on, toConnect);
    await hook("sockops", counting("sockops", "struct bpf_sock_ops", 1), on, toConnect);
  } finally {
    group.close();
  }
}

/** Programs that nothing calls but their reader. */
async function readers(): Promise<void> {
  await feature("iter", async () => {
    const walk = `SEC("iter/task") int list(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (task)
		BPF_SEQ_PRINTF(ctx->meta->seq, "%d\\n", task->pid);
	return 0;
}`;
    const object = await (await loadText("hook", walk)).attach();
    assert.ok(object.programs["list"]!.read().split("\n").includes(String(process.pid)));
  });
  await feature("syscall", async () => {
    const object = await loadText("hook", 'SEC("syscall") int seven(void *ctx) { return 7; }');
    assert.equal(object.programs["seven"]!.testRun({ context: Buffer.alloc(8) }).retval, 7);
  });
}

/** Tries them all. */
export async function tryHooks(): Promise<void> {
  for (const part of [tracing, networking, groups, readers]) await part();
  bpf.closeAll();
}
