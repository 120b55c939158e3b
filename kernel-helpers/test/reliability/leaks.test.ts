import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { installKernelspec } from "../../dist/jupyter/kernelspec.js";
import { rounds } from "./seeded.js";

const dist = (path: string) => JSON.stringify(new URL(`../../${path}`, import.meta.url).href);

/** Does something often in a process of its own, whose heap does not breathe, and says what it held before and after. */
async function growthOf(act: string, times: number): Promise<{ before: Held; after: Held }> {
  const code = `
    import { readdirSync } from "node:fs";
    import { bpf, collect } from ${dist("dist/api/index.js")};
    import { heldByUs, openDescriptors, residentKiB } from ${dist("dist-test/workload/kernel-state.js")};
    const state = async () => ({
      ...(await heldByUs()),
      descriptors: openDescriptors(),
      threads: readdirSync("/proc/self/task").length,
      memory: await residentKiB(),
    });
    ${act}
    for (let i = 0; i < 20; i++) await act(i); // what is made once is made by now
    const before = await state();
    for (let i = 0; i < ${times}; i++) await act(i);
    const after = await state();
    console.log(JSON.stringify({ before, after }));
    bpf.closeAll();`;
  const { stdout } = await execa(process.execPath, ["--max-semi-space-size=1", "--input-type=module", "-e", code], {
    env: { MALLOC_ARENA_MAX: "1" },
  });
  return JSON.parse(stdout) as { before: Held; after: Held };
}

interface Held {
  memory: number;
}

async function assertFlat(act: string, times: number): Promise<void> {
  const { before, after } = await growthOf(act, times);
  const { memory: from, ...held } = before;
  const { memory: to, ...holds } = after;
  assert.deepEqual(holds, held, "programs, links, maps, descriptors and threads are as many as before");
  assert.ok(to - from < 16 * 1024, `memory grew from ${from} to ${to} KiB in ${times} rounds`);
}

const loads = rounds(40, 2000);
test(`${loads} rounds of load, attach, collect and close: nothing grows`, () =>
  assertFlat(
    `const act = async () => {
      const ringbuf = await (await bpf.load("ringbuf", { globals: { watched_pid: process.pid } })).attach();
      await collect(ringbuf.events("rb"), { seconds: 0.005 });
      ringbuf.close();
    };`,
    loads,
  ));

const subscriptions = rounds(500, 10_000);
test(`${subscriptions} subscriptions that come and go: nothing grows`, () =>
  assertFlat(
    `const ringbuf = await (await bpf.load("ringbuf", { globals: { watched_pid: process.pid } })).attach();
    const act = async () => {
      ringbuf.events("rb").subscribe().unsubscribe();
    };`,
    subscriptions,
  ));

const reruns = rounds(15, 500);
test(`${reruns} reruns of a %%bpf cell in a notebook: nothing grows`, async () => {
  const prefix = mkdtempSync(join(tmpdir(), "bpflab-reruns-"));
  try {
    installKernelspec(prefix);
    const file = fileURLToPath(new URL("../../test/reliability/bpf_reruns_test.py", import.meta.url));
    const { exitCode, all } = await execa("/usr/bin/python3", [file], {
      env: {
        JUPYTER_PATH: join(prefix, "share", "jupyter"),
        JUPYTER_RUNTIME_DIR: join(prefix, "runtime"),
        IPYTHONDIR: join(prefix, "ipython"),
        PYTHONDONTWRITEBYTECODE: "1",
        TIMES: String(reruns),
      },
      reject: false,
      all: true,
    });
    assert.equal(exitCode, 0, all);
    console.log(/^\d+ reruns.*/m.exec(all)?.[0]);
  } finally {
    rmSync(prefix, { recursive: true, force: true });
  }
});
