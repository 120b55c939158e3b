import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync, realpathSync, statSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { dirname } from "node:path";
import { describe, test } from "node:test";
import { op, probe } from "../../dist/api/index.js";
import { Paused, writes } from "./paused.js";

describe("hooks", () => {
  test("a list of tracepoints with their fields", async () => {
    const table = await probe.list("tp/sched/sched_proc*exec");
    assert.deepEqual(table.array("hook"), ["tp/sched/sched_process_exec"]);
    assert.match(String(table.get("fields", 0)), /^filename: __data_loc char, hook_pid: pid_t, old_pid: pid_t$/);
    assert.ok((await probe.list("tp_btf/sched_*")).array("hook").includes("tp_btf/sched_switch"));
    await assert.rejects(probe.list("uprobe//bin/sh:*"), /the kernel cannot list hooks of the kind uprobe/);
  });

  test("text of any length in a tracepoint's record", async () => {
    using sh = new Paused("/bin/true");
    const table = await probe("tp/sched/sched_process_exec")
      .filter((d, $) => d.pid === $.pid)
      .params({ pid: sh.pid })
      .collect({ until: () => sh.run() });
    assert.equal(table.numRows(), 1);
    assert.equal(table.get("filename", 0), "/bin/true");
    assert.equal(table.get("hook_pid", 0), sh.pid);
  });

  test("bit fields are what their types say, behind pointers too", async () => {
    const table = await probe("tp_btf/net_dev_queue", { own: true })
      .filter((d) => d.skb.dev.ifindex === 1)
      .select({
        offline: (d: any) => d.skb.dev.dev.offline,
        cloned: (d: any) => d.skb.cloned,
        opposite: (d: any) => !d.skb.dev.dev.offline,
      })
      .collect({
        until: async () => {
          const socket = createSocket("udp4");
          await new Promise((resolve) => socket.send("x", 9, "127.0.0.1", resolve));
          socket.close();
        },
      });
    assert.ok(table.numRows() > 0);
    assert.deepEqual({ ...table.object(0) }, { offline: false, cloned: 0, opposite: true });
  });

  test("arguments by BTF, followed through the kernel's structs: directly, and by copying", async () => {
    for (const kind of ["tp_btf", "raw_tp"]) {
      using sh = new Paused("/bin/true");
      const table = await probe(`${kind}/sched_process_exec`)
        .filter((d, $) => d.p.tgid === $.pid)
        .params({ pid: sh.pid })
        .select({
          parent: (d: any) => d.p.real_parent.tgid,
          name: (d: any) => op.str(d.bprm.file.f_path.dentry.d_name.name),
          path: (d: any) => op.str(d.bprm.filename),
          kernel: (d: any) => (d.p.flags & 0x00200000) !== 0,
          comm: (d: any) => d.p.comm,
          same: (d: any) => d.p.comm === "true",
        })
        .collect({ until: () => sh.run() });
      assert.deepEqual(table.objects(), [
        { parent: process.pid, name: "true", path: "/bin/true", kernel: false, comm: "true", same: true },
      ]);
    }
  });

  test("a way of more members than BPF_CORE_READ() takes", async () => {
    const answers: object[] = [];
    for (const kind of ["tp_btf", "raw_tp"]) {
      using sh = new Paused("/bin/true");
      const up = "d.bprm.file.f_path.dentry" + ".d_parent".repeat(7); // at the top a directory is its own parent
      const table = await probe(`${kind}/sched_process_exec`)
        .filter((d, $) => d.p.tgid === $.pid)
        .params({ pid: sh.pid })
        .select({
          top: `op.str(${up}.d_name.name)`,
          inode: `${up}.d_inode.i_sb.s_root.d_inode.i_ino`,
          filesystem: `op.str(${up}.d_inode.i_sb.s_type.name)`,
        })
        .collect({ until: () => sh.run() });
      answers.push(...table.objects());
    }
    let root = realpathSync("/bin/true");
    while (statSync(dirname(root)).dev === statSync(root).dev && root !== "/") root = dirname(root);
    const [direct, copied] = answers as { top: string; inode: number; filesystem: string }[];
    assert.deepEqual(direct, copied);
    assert.deepEqual([direct!.top, direct!.inode], ["/", statSync(root).ino]);
    assert.ok(readFileSync("/proc/filesystems", "utf8").includes(direct!.filesystem));
  });

  test("system calls and errors by name", async () => {
    using ls = new Paused("ls", "/nowhere/at/all");
    const table = await probe("tp/raw_syscalls/sys_exit")
      .filter((d, $) => d.pid === $.pid && (op.errno(d.ret) === "ENOENT" || op.syscall(d.id) === "exit_group"))
      .params({ pid: ls.pid })
      .groupby({ call: (d: any) => op.syscall(d.id), error: (d: any) => op.errno(d.ret) })
      .count()
      .collect({ until: () => ls.run() });
    const rows = table.objects() as { call: string; error: string }[];
    assert.ok(rows.length > 0 && rows.every(({ call, error }) => /^[a-z0-9_]+$/.test(call) && error === "ENOENT"));
    assert.ok(rows.some(({ call }) => /statx|newfstatat|stat/.test(call)));
  });

  test("ports and addresses, as they travel and as programs have them", async () => {
    for (const [address, ip4] of [
      ["127.0.0.1", "127.0.0.1"],
      ["::1", "0.0.0.0"],
    ] as const) {
      const server = createServer((socket) => socket.end()).listen(0, address);
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      const visit = async () => {
        const socket = connect(port, address).resume();
        await once(socket, "close");
      };
      const connecting = (d: any, $: any) => d.dport === $.port && d.newstate === 2; // SYN_SENT
      const told = await probe("tp/sock/inet_sock_set_state", { own: true })
        .filter(connecting)
        .params({ port })
        .select("dport", { to: (d) => op.ip4(d.daddr), to6: (d) => op.ip6(d.daddr_v6) })
        .collect({ until: visit });
      assert.deepEqual(told.objects(), [{ dport: port, to: ip4, to6: address }]);
      for (const kind of ["tp_btf", "raw_tp"]) {
        const table = await probe(`${kind}/inet_sock_set_state`, { own: true })
          .filter((d: any, $: any) => d.sk.__sk_common.skc_dport === $.port && d.newstate === 2)
          .params({ port })
          .select({
            dport: (d: any) => d.sk.__sk_common.skc_dport,
            next: (d: any) => d.sk.__sk_common.skc_dport + 1,
            to: (d: any) => d.sk.__sk_common.skc_daddr,
            same: (d: any) => op.ip4(d.sk.__sk_common.skc_daddr),
            is: (d: any) => d.sk.__sk_common.skc_daddr === "127.0.0.1",
            to6: (d: any) => op.ip6(d.sk.__sk_common.skc_v6_daddr),
          })
          .collect({ until: visit });
        assert.equal(table.numRows(), 1, kind);
        const { to6, ...row } = table.object() as Record<string, unknown>;
        assert.deepEqual(row, { dport: port, next: port + 1, to: ip4, same: ip4, is: ip4 === "127.0.0.1" }, kind);
        if (address === "::1") assert.equal(to6, address, kind);
      }
      server.close();
    }
  });

  test("all that match a pattern, with the hook as a column", async () => {
    using dd = writes(25, 1);
    const table = await probe("tp/syscalls/sys_e*_write")
      .filter((d, $) => d.pid === $.pid)
      .params({ pid: dd.pid })
      .groupby("probe")
      .count()
      .collect({ until: () => dd.run() });
    assert.deepEqual(
      table.orderby("probe").objects(),
      ["enter", "exit"].map((side) => ({ probe: `tp/syscalls/sys_${side}_write`, count: 25 })),
    );
  });

  test("the page that it compiles to keeps the names and says which verb a part is", async () => {
    const { text } = await probe("tp/syscalls/sys_enter_write")
      .filter((d) => d.count > 10)
      .derive({ kb: (d) => Math.floor(d.count / 1024) })
      .select("comm", "kb")
      .source();
    for (const part of [
      "/* filter: (d) => d.count > 10 */",
      "/* derive kb: ",
      " kb = ",
      "/* select: ",
      "char comm[16];",
      "event_submit(events, event);",
    ])
      assert.ok(text.includes(part), part);
    const hostile = await probe("tp/syscalls/sys_enter_write").filter('d.comm === "*/ #error"').source();
    assert.ok(!hostile.text.includes("*/ #error */"));
  });
});
