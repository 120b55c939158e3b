import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { execa } from "execa";
import { bpf, net } from "../../../dist/api/index.js";
import { counts, group, hits, lab, ping, sendThree, useHookLab } from "../../workload/hook-lab.js";
import { counting, loadText } from "../../workload/programs.js";
import { until } from "../../workload/until.js";

// A small program for each kind of hook that sees packets and sockets, driven by traffic, and read with the right count.

useHookLab();

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
  const connect = () =>
    group.run("/usr/bin/python3", "-c", 'import socket; socket.socket().connect_ex(("127.0.0.1", 1))');
  const cases: [section: string, context: string, act: () => unknown, expected: number][] = [
    ["cgroup_skb/egress", "struct __sk_buff", sendThree, 3],
    ["cgroup_skb/ingress", "struct __sk_buff", sendThree, 3],
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
    assert.equal(await hits(object, sendThree), 3);
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
