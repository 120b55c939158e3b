import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { capture } from "../../dist/api/index.js";
import { memoryGroup } from "../workload/cgroup.js";
import { childrenUntil } from "../workload/children.js";
import { allIds, idsOf } from "../workload/kernel-state.js";
import { until } from "../workload/until.js";
import { leftBy, RECORDS, recordsOf, scratchOf } from "./left.js";
import { rounds, seeded } from "./seeded.js";

const busy = fileURLToPath(new URL("busy.js", import.meta.url));
const bpflab = fileURLToPath(new URL("../../setup/bpflab.mjs", import.meta.url));
const owned = childrenUntil(afterEach);

let directory: string;
before(() => void (directory = mkdtempSync(join(tmpdir(), "bpflab-kills-"))));
after(() => rmSync(directory, { recursive: true, force: true }));

/** After a random time of a process's work: ends it, and looks at what it leaves. */
async function assertEnds(seed: number, { signal, expected = signal, command = [], mayLoad }: Ending): Promise<void> {
  const random = seeded(seed);
  const [program, ...args] = [...command, process.execPath, busy, String(seed), directory];
  const child = owned(spawn(program!, args, { stdio: ["ignore", "pipe", "inherit"] }));
  // Some end while it still loads its modules.
  if (!mayLoad || random() < 0.8) await once(child.stdout, "data");
  await sleep(random() * 1500);
  const held = { prog: idsOf("prog_id", child.pid), link: idsOf("link_id", child.pid) };
  child.kill(signal);
  const end = await once(child, "close");
  assert.deepEqual(end, [null, expected], `seed ${seed}: it ends by the signal alone`);
  for (const kind of ["prog", "link"] as const)
    await until(`seed ${seed}: its ${kind}s are gone`, async () => {
      const all = await allIds(kind);
      return ![...held[kind]].some((id) => all.has(id));
    });
  if (expected === "SIGKILL") assert.equal((await execa(process.execPath, [bpflab, "clean"])).exitCode, 0);
  assert.deepEqual(await leftBy(child.pid!), [], `seed ${seed}`);
  const saved = join(directory, "writes.parquet");
  if (existsSync(saved)) await capture.open(saved); // the old one or the new one, whole
}

interface Ending {
  signal: NodeJS.Signals;
  /** By which it ends, where that is another. */
  expected?: NodeJS.Signals;
  /** A command that runs the command behind it, in its own place. */
  command?: string[];
  /** Whether it may also end while it still loads its modules. */
  mayLoad: boolean;
}

const count = rounds(3, 50);
for (const signal of ["SIGKILL", "SIGTERM", "SIGINT"] as const)
  test(`${count} ends by ${signal} at random moments leave nothing`, async () => {
    for (let round = 0; round < count; round++)
      await assertEnds(round * 7919 + signal.length, { signal, mayLoad: true });
  });

const starved = rounds(1, 50);
test(`${starved} ends by the kernel, for want of memory, leave nothing`, async () => {
  const group = memoryGroup(700 << 20);
  const enter = ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', group.path];
  try {
    for (let round = 0; round < starved; round++)
      await assertEnds(round * 104_729, { signal: "SIGUSR2", expected: "SIGKILL", command: enter, mayLoad: false });
  } finally {
    await until("its control group is empty", () => readFileSync(join(group.path, "cgroup.procs"), "utf8") === "");
    group.close();
  }
});

/** What a script makes, and how it is seen from outside: the signal comes the moment that it is there. */
const MAKES: Record<string, { script: string; isThere: (pid: number) => boolean }> = {
  "a temporary directory": {
    script: "inScratch('bpflab-report-', () => new Promise(() => {}))",
    isThere: (pid) => scratchOf(pid).length > 0,
  },
  "the record of test hosts": { script: "net.playground()", isThere: (pid) => recordsOf(pid).length > 0 },
  "a network namespace": {
    script: "net.playground()",
    isThere: (pid) => readdirSync("/run/netns").some((name) => name.startsWith(`bpflab-${pid}-`)),
  },
  "their interface": {
    script: "net.playground()",
    isThere: (pid) => readdirSync("/sys/class/net").some((name) => name.startsWith(`blab${pid}-`)),
  },
  "trace buffers": { script: "bpf.tracePipe().subscribe()", isThere: (pid) => recordsOf(pid).length > 0 },
};

const dist = (path: string) => JSON.stringify(new URL(`../../dist/${path}`, import.meta.url).href);
const moments = rounds(1, 10);
for (const [what, { script, isThere }] of Object.entries(MAKES))
  for (const signal of (["SIGINT", "SIGTERM"] as const).slice(0, rounds(1, 2)))
    test(`${moments} ends by ${signal} as ${what} appears leave nothing, however often the signal comes`, async () => {
      for (const directory of [RECORDS, "/run/netns"]) mkdirSync(directory, { recursive: true, mode: 0o700 });
      const code = `import { bpf, net } from ${dist("api/index.js")};
        import { inScratch } from ${dist("base/scratch.js")};
        setInterval(() => {}, 1000);
        await ${script};`;
      for (let round = 0; round < moments; round++) {
        const child = owned(
          spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "ignore", "inherit"] }),
        );
        const ended = once(child, "close");
        for (const limit = Date.now() + 60_000; !isThere(child.pid!);) assert.ok(Date.now() < limit, "it never came");
        child.kill(signal);
        const again = setInterval(() => child.kill(signal), 5);
        try {
          assert.deepEqual(await ended, [null, signal]);
        } finally {
          clearInterval(again);
        }
        assert.deepEqual(await leftBy(child.pid!), []);
      }
    });
