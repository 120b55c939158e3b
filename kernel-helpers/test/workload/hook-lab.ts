import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, afterEach, before } from "node:test";
import { bpf, net, type BpfObject, type Hook } from "../../dist/api/index.js";
import { cgroup, type Cgroup } from "./cgroup.js";
import { loadText } from "./programs.js";

/** A test host and a control group for the programs of a file, there once `useHookLab()` has been called at its top. */
export let lab: net.Playground;
export let group: Cgroup;

/** Makes them before the file's tests and removes them at the end; what a test loads is closed after it. */
export function useHookLab(): void {
  before(async () => {
    lab = await net.playground({ peers: 1 });
    group = cgroup();
  });
  afterEach(() => bpf.closeAll());
  after(() => {
    lab.close();
    group.close();
  });
}

/** Five frames of 98 bytes, which no others are: an interface is also asked for addresses, and tells of itself. */
export const ping = () => lab.peers[0]!.ping({ count: 5, intervalMs: 2 });

export const python = (script: string) => spawnSync("/usr/bin/python3", ["-c", script]);

/** Three datagrams of the control group's to itself. (A raw socket, as ping's, also gets the replies to other pings.) */
export const sendThree = () =>
  group.run(
    "/usr/bin/python3",
    "-c",
    `import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
for _ in range(3):
  s.sendto(b"x", s.getsockname())
  s.recv(1)`,
  );

/** Calls a function of the C library that hardly anybody else does. */
export const callMkfifo = (times: number) =>
  python(`import os\nfor _ in range(${times}):\n try: os.mkfifo("/")\n except OSError: pass`);

/** What a program counted while something was done. */
export async function hits(object: BpfObject, act: () => unknown): Promise<number> {
  object.globals["hits"] = 0;
  await act();
  return Number(object.globals["hits"]);
}

/** That it counts where it is attached, and no more once it is detached. */
export async function counts(
  text: string,
  on: Hook | undefined,
  act: () => unknown,
  expected: number,
): Promise<BpfObject> {
  const object = await loadText("hook", text);
  await object.attach(on);
  assert.equal(await hits(object, act), expected);
  object.detach();
  assert.equal(await hits(object, act), 0, "it goes on counting after detach()");
  await object.attach(on);
  assert.equal(await hits(object, act), expected, "attached again it counts otherwise");
  return object;
}
