import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { after, afterEach, before, describe, test } from "node:test";
import { execa } from "execa";
import { bpf, net, type BpfObject, type Hook } from "../../../dist/api/index.js";
import { cgroup, type Cgroup } from "../../workload/cgroup.js";
import { counting, loadText } from "../../workload/programs.js";
import { until } from "../../workload/until.js";

// A small program for each kind of hook, driven by what it is there for, and read with the right count.

let lab: net.Playground;
let group: Cgroup;
before(async () => {
  lab = await net.playground({ peers: 1 });
  group = cgroup();
});
afterEach(() => bpf.closeAll());
after(() => {
  lab.close();
  group.close();
});

const python = (script: string, ...args: string[]) => spawnSync("/usr/bin/python3", ["-c", script, ...args]);
/** Calls a function of the C library that hardly anybody else does. */
const tenCalls = () => python('import os\nfor _ in range(10):\n try: os.mkfifo("/")\n except OSError: pass');
/** Frames of 98 bytes, which no others are: an interface is also asked for addresses, and tells of itself. */
const ping = () => lab.peers[0]!.ping({ count: 5, intervalMs: 2 });

/** What a program counted while something was done. */
async function hits(object: BpfObject, act: () => unknown): Promise<number> {
  object.globals["hits"] = 0;
  await act();
  return Number(object.globals["hits"]);
}

/** That it counts where it is attached, and no more once it is detached. */
async function counts(text: string, on: Hook | undefined, act: () => unknown, expected: number): Promise<BpfObject> {
  const object = await loadText("hook", text);
  await object.attach(on);
  assert.equal(await hits(object, act), expected);
  object.detach();
  assert.equal(await hits(object, act), 0, "it goes on counting after detach()");
  await object.attach(on);
  assert.equal(await hits(object, act), expected, "attached again it counts otherwise");
  return object;
}

describe("network interfaces", () => {
  for (const mode of [undefined, "native", "generic"] as const)
    test(`xdp, ${mode ?? "the driver's choice"}`, async () => {
      const on = { interface: lab.interface, ...(mode ? { mode } : {}) };
      const object = await counts(
        counting("xdp", "struct xdp_md", "XDP_PASS", "ctx->data_end - ctx->data == 98"),
        on,
        ping,
        5,
      );
      const { stdout } = await execa("ip", ["link", "show", lab.interface]);
      assert.match(stdout, mode === "generic" ? /xdpgeneric/ : /xdp /);
      assert.deepEqual(object.programs["count"]!.hook, on);
    });

  test("xdp on several interfaces at once", async () => {
    const other = await net.playground({ peers: 1 });
    try {
      const object = await loadText(
        "hook",
        counting("xdp", "struct xdp_md", "XDP_PASS", "ctx->data_end - ctx->data == 98"),
      );
      await object.attach({ interface: [lab.interface, other.interface] });
      const both = () => Promise.all([ping(), other.peers[0]!.ping({ count: 7, intervalMs: 2 })]);
      assert.equal(await hits(object, both), 12);
      await object.attach({ interface: [lab.interface] });
      assert.equal(await hits(object, both), 5);
    } finally {
      bpf.closeAll();
      other.close();
    }
  });

  test("tc on several interfaces at once, one of which it leaves again", async () => {
    const other = await net.playground({ peers: 1 });
    try {
      const object = await loadText("hook", counting("tc", "struct __sk_buff", -1, "ctx->len == 98"));
      await object.attach({ interface: [lab.interface, other.interface] });
      const both = () => Promise.all([ping(), other.peers[0]!.ping({ count: 7, intervalMs: 2 })]);
      assert.equal(await hits(object, both), 12);
      await object.attach({ interface: lab.interface });
      assert.equal(await hits(object, both), 5);
    } finally {
      bpf.closeAll();
      other.close();
    }
  });

  for (const section of ["tc", "tcx/ingress", "tcx/egress", "classifier", "action"])
    test(section, async () => {
      const object = await counts(
        counting(section, "struct __sk_buff", -1, "ctx->len == 98"),
        { interface: lab.interface },
        ping,
        5,
      );
      assert.match(
        object.programs["count"]!.where!,
        section === "tcx/egress" ? /^egress of .* \(tcx\)$/ : /^ingress of .* \(tcx\)$/,
      );
    });

  test("socket filter: a copy of each packet of an interface", async () => {
    // Requests come in and replies go out.
    await counts(counting("socket", "struct __sk_buff", 0, "ctx->len == 98"), { interface: lab.interface }, ping, 10);
  });

  test("socket filter: what it returns 0 for does not reach its socket", async () => {
    const receiver = createSocket("udp4");
    receiver.bind(0, "127.0.0.1");
    await once(receiver, "listening");
    const sender = createSocket("udp4");
    try {
      const received: string[] = [];
      receiver.on("message", (message) => received.push(message.toString()));
      const object = await loadText("hook", counting("socket", "struct __sk_buff", "ctx->len > 8 + 3 ? -1 : 0"));
      await object.attach({ socket: receiver });
      for (const text of ["no", "yes, this"]) sender.send(text, receiver.address().port, "127.0.0.1");
      await until("the long one has come", () => received.includes("yes, this"));
      assert.deepEqual(received, ["yes, this"]);
      assert.equal(object.globals["hits"], 2);
      object.detach();
      sender.send("no", receiver.address().port, "127.0.0.1");
      await until("the short one comes without a filter", () => received.includes("no"));
    } finally {
      receiver.close();
      sender.close();
    }
  });

  test("netfilter", async () => {
    const index = net.interfaces().find(({ name }) => name === lab.interface)!.index;
    const here = `ctx->state->in && ctx->state->in->ifindex == ${index}`;
    await counts(counting("netfilter", "struct bpf_nf_ctx", 1, here), { at: "input", priority: 17 }, ping, 5);
    const drops = await loadText("drops", counting("netfilter", "struct bpf_nf_ctx", `!(${here})`));
    await drops.attach({ at: "input", family: "ipv4", priority: 18 });
    assert.equal((await lab.peers[0]!.ping({ count: 3, intervalMs: 2, timeoutMs: 100 })).received, 0);
  });

  test("flow_dissector", async () => {
    const object = await loadText("hook", counting("flow_dissector", "struct __sk_buff", 129)); // BPF_FLOW_DISSECTOR_CONTINUE
    // To spread packets over CPUs the kernel looks into them, by the dissector of their namespace.
    const spread = `/sys/class/net/${lab.interface}/queues/rx-0/rps_cpus`;
    await writeFile(spread, "3");
    try {
      await object.attach();
      assert.ok((await hits(object, ping)) >= 5);
      object.detach();
      assert.equal(await hits(object, ping), 0);
    } finally {
      await writeFile(spread, "0");
    }
  });

  test("sk_lookup in the namespace of a peer", async () => {
    const object = await loadText("hook", counting("sk_lookup", "struct bpf_sk_lookup", "SK_PASS"));
    const connect = () =>
      lab.peers[0]!.run("/usr/bin/python3", ["-c", 'import socket; socket.socket().connect_ex(("127.0.0.1", 1))']);
    await object.attach({ namespace: lab.peers[0]!.namespace });
    assert.equal(await hits(object, connect), 1);
    object.detach();
    assert.equal(await hits(object, connect), 0);
  });
});

describe("control groups", () => {
  const loopback = () => group.run("ping", "-c", "3", "-i", "0.01", "-q", "127.0.0.1");
  const connect = () =>
    group.run("/usr/bin/python3", "-c", 'import socket; socket.socket().connect_ex(("127.0.0.1", 1))');
  const cases: [section: string, context: string, act: () => unknown, expected: number][] = [
    ["cgroup_skb/egress", "struct __sk_buff", loopback, 3],
    ["cgroup_skb/ingress", "struct __sk_buff", loopback, 3],
    ["cgroup/connect4", "struct bpf_sock_addr", connect, 1],
    ["cgroup/sock_create", "struct bpf_sock", connect, 1],
    ["cgroup/dev", "struct bpf_cgroup_dev_ctx", () => group.run("cat", "/dev/null"), 1],
    [
      "cgroup/sysctl",
      "struct bpf_sysctl",
      () => group.run("dd", "if=/proc/sys/kernel/ostype", "of=/dev/null", "count=1", "status=none"),
      1,
    ],
    [
      "cgroup/setsockopt",
      "struct bpf_sockopt",
      () =>
        group.run(
          "/usr/bin/python3",
          "-c",
          "import socket as s; s.socket().setsockopt(s.SOL_SOCKET, s.SO_KEEPALIVE, 1)",
        ),
      1,
    ],
  ];
  for (const [section, context, act, expected] of cases)
    test(section, async () => {
      const object = await loadText("hook", counting(section, context, 1));
      await object.attach({ cgroup: group.path });
      assert.equal(await hits(object, act), expected);
      object.detach();
      assert.equal(await hits(object, act), 0);
    });

  test("cgroup/skb with a direction, by a path below the mount", async () => {
    const object = await loadText("hook", counting("cgroup/skb", "struct __sk_buff", 1));
    await object.attach({ cgroup: group.path.split("/").pop()!, direction: "egress" });
    assert.equal(await hits(object, loopback), 3);
  });

  test("a program that forbids", async () => {
    const object = await loadText("hook", counting("cgroup/connect4", "struct bpf_sock_addr", 0));
    await object.attach({ cgroup: group.path });
    const script = 'import socket; print(socket.socket().connect_ex(("127.0.0.1", 1)))';
    assert.equal(group.run("/usr/bin/python3", "-c", script), "1\n"); // EPERM
    object.close();
    assert.equal(group.run("/usr/bin/python3", "-c", script), "111\n"); // ECONNREFUSED
  });

  const sockets = `
struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 16);
	__type(key, __u64);
	__type(value, __u64);
} sockets SEC(".maps");

SEC("sockops") int on_sockets(struct bpf_sock_ops *ops)
{
	__u64 key = bpf_get_socket_cookie(ops);

	if (ops->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB || ops->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		bpf_sock_hash_update(ops, &sockets, &key, BPF_ANY);
	return 1;
}
`;
  const transfer = () =>
    group.run(
      "/usr/bin/python3",
      "-c",
      `import socket
s = socket.create_server(("127.0.0.1", 0))
c = socket.create_connection(s.getsockname())
a, _ = s.accept()
c.sendall(b"x" * 1000)
n = 0
while n < 1000: n += len(a.recv(2000))`,
    );
  const size = "{ __sync_fetch_and_add(&hits, ctx->size); return SK_PASS; }";
  const length = "{ __sync_fetch_and_add(&hits, ctx->len); return SK_PASS; }";
  const sockMaps: [name: string, text: string][] = [
    ["sockops and sk_msg", `SEC("sk_msg") int on_data(struct sk_msg_md *ctx) ${size}`],
    [
      "sockops and sk_skb with a parser",
      `SEC("sk_skb/stream_parser") int parse(struct __sk_buff *ctx) { return ctx->len; }
SEC("sk_skb/stream_verdict") int on_data(struct __sk_buff *ctx) ${length}`,
    ],
    ["sockops and sk_skb without", `SEC("sk_skb") int on_data(struct __sk_buff *ctx) ${length}`],
  ];
  for (const [name, text] of sockMaps)
    test(`${name}: the bytes of a connection`, async () => {
      const object = await loadText("hook", sockets + text);
      await object.attach({ cgroup: group.path, map: object.maps["sockets"]! });
      assert.equal(await hits(object, transfer), 1000);
      object.detach();
      assert.equal(await hits(object, transfer), 0);
    });
});

describe("user space", () => {
  const uprobes: [name: string, section: string, on: Hook | undefined, expected: number][] = [
    ["uprobe, named by options", "uprobe", { path: "libc.so.6", function: "mkfifo" }, 10],
    ["uprobe, named by SEC()", "uprobe/libc.so.6:mkfifo", undefined, 10],
    ["uretprobe", "uretprobe/libc.so.6:mkfifo", undefined, 10],
    ["uprobe.multi by a pattern", "uprobe.multi/libc.so.6:mkfif*", undefined, 10],
    ["uretprobe.multi by names", "uretprobe.multi", { path: "libc.so.6", functions: ["mkfifo", "mkfifoat"] }, 10],
  ];
  for (const [name, section, on, expected] of uprobes)
    test(name, async () => {
      await counts(counting(section, "void"), on, tenCalls, expected);
    });

  test("uprobe of one process, with a cookie", async () => {
    const child = spawn("/usr/bin/python3", ["-c", "import os\nwhile input(): os.getppid(); print(flush=True)"]);
    try {
      const object = await loadText(
        "hook",
        'SEC("uprobe") int count(void *ctx) { __sync_fetch_and_add(&hits, bpf_get_attach_cookie(ctx)); return 0; }',
      );
      await object.attach({ path: "libc.so.6", function: "getppid", pid: child.pid!, cookie: 2n ** 40n });
      const ask = async () => {
        child.stdin.write("x\n");
        await once(child.stdout, "data");
      };
      assert.equal(
        await hits(object, async () => {
          await ask();
          await ask();
          tenCalls();
        }),
        2 * 2 ** 40,
      );
    } finally {
      child.kill();
      await once(child, "close");
    }
  });

  const usdt = `#include <bpf/usdt.bpf.h>
SEC("usdt") int count(struct pt_regs *ctx)
{
	long generation = 0;

	bpf_usdt_arg(ctx, 0, &generation);
	__sync_fetch_and_add(&hits, generation * 1000 + bpf_usdt_cookie(ctx));
	return 0;
}`;
  test("usdt, with its argument and a cookie", async () => {
    const script = "import gc\ngc.disable()\nprint(flush=True)\nwhile input(): gc.collect(2); print(flush=True)";
    const child = spawn("/usr/bin/python3", ["-c", script]);
    try {
      await once(child.stdout, "data");
      const object = await loadText("hook", usdt);
      const on = { path: "/usr/bin/python3", provider: "python", probe: "gc__start", cookie: 7, pid: child.pid! };
      await object.attach(on);
      const collect = async () => {
        child.stdin.write("x\n");
        await once(child.stdout, "data");
      };
      assert.equal(await hits(object, collect), 2007);
      object.detach();
      assert.equal(await hits(object, collect), 0);
    } finally {
      child.kill();
      await once(child, "close");
    }
  });
});

describe("perf events", () => {
  const spin = "const end = Date.now() + 400; while (Date.now() < end);";

  test("sampling one process at a frequency", async () => {
    const child = spawn(process.execPath, ["-e", `process.stdin.once("data", () => { ${spin} process.exit() })`]);
    const object = await loadText("hook", counting("perf_event", "void"));
    await object.attach({ frequency: 1000, pid: child.pid! });
    const count = await hits(object, async () => {
      child.stdin.write("go\n");
      await once(child, "close");
    });
    assert.ok(count > 20 && count < 2000, `${count} samples`);
    assert.match(object.programs["count"]!.where!, /^1000 Hz of cpu-clock of process \d+ on all CPUs$/);
  });

  test("sampling a CPU, and an event by its period", async () => {
    const object = await loadText("hook", counting("perf_event", "void"));
    await object.attach({ frequency: 99, cpu: 0 });
    await until(
      "CPU 0 is sampled",
      () =>
        Number(object.globals["hits"]) > 0 || (spawnSync("taskset", ["-c", "0", process.execPath, "-e", spin]), false),
    );
    await object.attach({ period: 1, event: "page-faults" });
    assert.ok((await hits(object, () => python("bytearray(1 << 22)"))) > 500);
  });
});

describe("the kernel", () => {
  test("tp, raw_tp and tp_btf, attached together", async () => {
    const object = await loadText(
      "hook",
      ["tp/sched/sched_switch", "raw_tp/sched_switch", "tp_btf/sched_switch"]
        .map((section, i) =>
          counting(section, "void").replace("count", `by_${i}`).replace(/\{/, "{ if (0) return ctx != 0;"),
        )
        .join(""),
    );
    await object.attach();
    assert.ok((await hits(object, () => sleep(20))) > 0);
    assert.deepEqual(
      Object.values(object.programs).map((program) => program.where),
      ["tracepoint sched/sched_switch", "raw_tp sched_switch", "tp_btf sched_switch"],
    );
  });

  test("an iterator prints what it walks over", async () => {
    const object = await loadText(
      "hook",
      `SEC("iter/task") int list(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (task && task->pid == task->tgid)
		BPF_SEQ_PRINTF(ctx->meta->seq, "%d\\n", task->pid);
	return 0;
}`,
    );
    assert.throws(() => object.programs["list"]!.read(), /The iterator list is not attached\./);
    await object.attach();
    assert.ok(object.programs["list"]!.read().split("\n").includes(String(process.pid)));
    await object.programs["list"]!.attach({ pid: process.pid });
    assert.equal(object.programs["list"]!.read(), `${process.pid}\n`);
  });

  test("an iterator over the elements of a map", async () => {
    const object = await loadText(
      "hook",
      `struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, __u32); } squares SEC(".maps");
SEC("iter/bpf_map_elem") int list(struct bpf_iter__bpf_map_elem *ctx)
{
	__u32 *key = ctx->key, *value = ctx->value;

	if (key && value)
		BPF_SEQ_PRINTF(ctx->meta->seq, "%u %u\\n", *key, *value);
	return 0;
}`,
    );
    for (const i of [1, 2, 3]) object.maps["squares"]!.set(i, i * i);
    await object.attach({ map: object.maps["squares"]! });
    assert.deepEqual(object.programs["list"]!.read().trim().split("\n").sort(), ["1 1", "2 4", "3 9"]);
  });

  test("a syscall program is run by hand, and changes its context", async () => {
    const object = await loadText(
      "hook",
      'struct numbers { int half, whole; }; SEC("syscall") int twice(struct numbers *ctx) { ctx->whole = 2 * ctx->half; return 7; }',
    );
    const context = Buffer.alloc(8);
    context.writeInt32LE(21, 0);
    assert.equal(object.programs["twice"]!.testRun({ context }).retval, 7);
    assert.equal(context.readInt32LE(4), 42);
  });

  for (const section of [".struct_ops", ".struct_ops.link"])
    test(`a congestion control in ${section}`, async () => {
      const operations = (returns: number) => `
SEC("struct_ops/ssthresh") __u32 BPF_PROG(ssthresh, struct sock *sk) { return ${returns}; }
SEC("struct_ops/cong_avoid") void BPF_PROG(cong_avoid, struct sock *sk, __u32 ack, __u32 acked) { __sync_fetch_and_add(&hits, 1); }
SEC("struct_ops/undo_cwnd") __u32 BPF_PROG(undo_cwnd, struct sock *sk) { return 10; }
SEC("${section}") struct tcp_congestion_ops control = {
	.ssthresh = (void *)ssthresh,
	.cong_avoid = (void *)cong_avoid,
	.undo_cwnd = (void *)undo_cwnd,
	.name = "bpflab_test",
};`;
      const isThere = () =>
        readFileSync("/proc/sys/net/ipv4/tcp_available_congestion_control", "utf8").includes("bpflab_test");
      const transfer = `import socket
s = socket.create_server(("127.0.0.1", 0))
c = socket.socket()
c.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"bpflab_test")
c.connect(s.getsockname())
a, _ = s.accept()
c.sendall(b"x" * 1000)
a.recv(1000)`;
      const first = await loadText("control", operations(10));
      await first.attach();
      assert.ok(isThere());
      assert.ok((await hits(first, () => python(transfer))) > 0);
      const second = await loadText("control", operations(12));
      assert.deepEqual([first.closed, second.attached, isThere()], [true, true, true]);
      second.close();
      assert.equal(isThere(), false);
    });
});
