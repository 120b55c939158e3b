import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { makeNamespaces } from "../../dist/net/namespaces.js";
import { printed } from "../cli/output.js";

interface Leftovers {
  MARK: string;
  snapshot(mark: string): Promise<string[]>;
  leftovers(before: string[], mark: string, settleSeconds?: number): Promise<string[]>;
}
const { MARK, snapshot, leftovers } = (await import(
  new URL("../../setup/leftovers.mjs", import.meta.url).href
)) as Leftovers;

const helpers = fileURLToPath(new URL("../../dist/api/index.js", import.meta.url));
const holdsProgram = `
  const { bpf } = await import(${JSON.stringify(helpers)});
  (await bpf.load("minimal")).attach();
  console.log("attached");
  setInterval(() => {}, 1000);`;

/** A process that has a program attached until the returned function is called. */
async function attachElsewhere(env: Record<string, string>): Promise<() => Promise<void>> {
  const child = execa(process.execPath, ["--input-type=module", "-e", holdsProgram], {
    env,
    reject: false,
    buffer: false,
  });
  await printed(child, /attached\n/);
  return async () => {
    child.kill("SIGKILL");
    await child;
  };
}

test("names a process of the tests that is left, and the program it holds", async () => {
  const mark = "leftovers-own";
  const before = await snapshot(mark);
  const end = await attachElsewhere({ [MARK]: mark });
  try {
    const left = (await leftovers(before, mark, 0)).join("\n");
    assert.match(left, /^process \d+ \(.*node.*\)$/m);
    assert.match(left, /^BPF program \d+ \(tracepoint .*\)$/m);
  } finally {
    await end();
  }
  assert.deepEqual(
    (await leftovers(before, mark)).filter((thing) => /process|BPF/.test(thing)),
    [],
  );
});

test("leaves alone what another user of the machine has attached", async () => {
  const mark = "leftovers-others";
  const before = await snapshot(mark);
  const end = await attachElsewhere({ [MARK]: "somebody else's" });
  try {
    const now = await snapshot(mark);
    assert.deepEqual(
      now.filter((thing) => /process|BPF/.test(thing) && !before.includes(thing)),
      [],
    );
  } finally {
    await end();
  }
});

test("names a namespace, an interface, a qdisc and a mount that are left", async () => {
  const mark = "leftovers-places";
  const before = await snapshot(mark);
  const namespace = `bpflab-left-${process.pid}`;
  const veth = `left${process.pid % 1_000_000}`;
  const directory = await mkdtemp(join(tmpdir(), "bpflab-left-"));
  try {
    await makeNamespaces([namespace]); // ip would mount /run/netns on a machine that has just booted, for good
    await execa("ip", ["link", "add", veth, "type", "veth", "peer", "name", `${veth}p`]);
    await execa("tc", ["qdisc", "add", "dev", veth, "clsact"]);
    await execa("mount", ["-t", "tmpfs", "left", directory]);
    const left = await leftovers(before, mark, 0);
    for (const thing of [
      `network namespace ${namespace}`,
      `interface ${veth}`,
      `qdisc clsact ffff: on ${veth}`,
      `mount left ${directory} tmpfs`,
    ]) {
      assert.ok(left.includes(thing), `${thing} is not in\n${left.join("\n")}`);
    }
  } finally {
    await execa("umount", [directory], { reject: false });
    await execa("ip", ["link", "del", veth], { reject: false });
    await execa("ip", ["netns", "del", namespace], { reject: false });
    await rm(directory, { recursive: true });
  }
});
