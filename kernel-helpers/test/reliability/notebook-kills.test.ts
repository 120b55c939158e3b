/** A notebook's kernel, and a report, which are ended at random moments: nothing of them stays. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { capture } from "../../dist/api/index.js";
import { jupyter, PYTHON } from "../jupyter/client.js";
import { childrenUntil } from "../workload/children.js";
import { allIds, idsOf } from "../workload/kernel-state.js";
import { until } from "../workload/until.js";
import { leftBy, markedBy } from "./left.js";
import { rounds, seeded } from "./seeded.js";

const repo = fileURLToPath(new URL("../../../", import.meta.url));
const bpflab = join(repo, "kernel-helpers/setup/bpflab.mjs");
const driver = join(repo, "kernel-helpers/test/reliability/busy_kernel.py");
const { prefix, env } = jupyter();
const owned = childrenUntil(afterEach);
const SIGNALS = ["SIGKILL", "SIGTERM", "SIGINT"] as const;
const count = rounds(1, 30);

/** What processes hold in the kernel. */
const holdings = (pids: number[]) => ({
  prog: new Set(pids.flatMap((pid) => [...held("prog_id", pid)])),
  link: new Set(pids.flatMap((pid) => [...held("link_id", pid)])),
});

function held(field: "prog_id" | "link_id", pid: number): Set<number> {
  try {
    return idsOf(field, pid);
  } catch {
    return new Set(); // it has ended
  }
}

/** All that carries the mark has ended, and left nothing; after SIGKILL what outlives a process goes with `bpflab clean`. */
async function assertNothing(mark: string, pids: number[], before: ReturnType<typeof holdings>, wasKilled: boolean) {
  await until("its processes have ended", () => markedBy(mark).length === 0).catch((error: Error) => {
    throw new Error(
      `${error.message}: ${markedBy(mark)
        .map(({ pid, command }) => `${pid} ${command}`)
        .join("; ")}`,
    );
  });
  for (const kind of ["prog", "link"] as const)
    await until(`its ${kind}s are gone`, async () => {
      const all = await allIds(kind);
      return ![...before[kind]].some((id) => all.has(id));
    });
  if (wasKilled) assert.equal((await execa(process.execPath, [bpflab, "clean"])).exitCode, 0);
  for (const pid of pids) assert.deepEqual(await leftBy(pid), []);
}

for (const signal of SIGNALS)
  test(`${count} times ${signal} to a notebook's kernel at a random moment: it leaves nothing, and the next one starts`, async () => {
    for (let round = 0; round < count; round++) {
      const random = seeded(round * 7919 + signal.length);
      const mark = randomUUID();
      const directory = join(prefix, `${signal}-${round}`);
      mkdirSync(directory);
      const options = {
        env: { ...process.env, ...env, BPFLAB_KILLED: mark },
        stdio: ["pipe", "pipe", "inherit"] as const,
      };
      const child = owned(spawn(PYTHON, [driver, String(round), directory], { ...options, stdio: [...options.stdio] }));
      const ended = once(child, "close");
      const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
      const kernel = Number((await lines.next()).value);
      if (random() < 0.8) assert.equal((await lines.next()).value, "ready"); // some end while they still start
      await sleep(random() * 2500);
      const before = holdings([kernel]);
      process.kill(kernel, signal);
      // An interrupt ends a cell, and the session goes on; or comes before there is one.
      child.stdin.end();
      const said: string[] = [];
      for await (const line of { [Symbol.asyncIterator]: () => lines }) if (line !== "ready") said.push(line);
      if (signal !== "SIGINT") assert.deepEqual(said, ["ended"]);
      else assert.ok(said[0] === "42" || said[0] === "ended", said.join());
      await ended;
      await assertNothing(`BPFLAB_KILLED=${mark}`, [kernel], before, signal === "SIGKILL");
      if (existsSync(join(directory, "writes.parquet"))) await capture.open(join(directory, "writes.parquet"));
      const runtime = join(prefix, "runtime");
      assert.deepEqual(existsSync(runtime) ? readdirSync(runtime) : [], [], "no connection file");
    }
  });

const NOTEBOOK = [
  'import { bpf, capture, charts, collect, net } from "kernel-helpers";',
  'const lab = await net.playground({ peers: 1 });\nconst filter = await bpf.load("tc_icmp_filter");\nawait filter.attach({ interface: lab.interface });\nawait lab.peers[0]!.ping({ count: 300, flood: true });',
  'const ringbuf = await (await bpf.load("ringbuf")).attach();\nconst writes = await collect(ringbuf.events("rb"), { seconds: 0.5 });\nbpf.tracePipe().subscribe();',
  'charts.histogram(writes, { x: "duration_ns" })',
];

function writeNotebook(file: string): void {
  const cells = NOTEBOOK.map((source) => ({
    cell_type: "code",
    metadata: {},
    execution_count: null,
    outputs: [],
    source,
  }));
  const kernelspec = { name: "bpflab", display_name: "TypeScript (bpflab)", language: "typescript" };
  writeFileSync(file, JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: { kernelspec }, cells }));
}

for (const signal of SIGNALS)
  test(`${count} times ${signal} to \`npm run report\` at a random moment: it leaves nothing, and no half page`, async () => {
    const [notebook, pages] = [join(prefix, `busy-${signal}.ipynb`), join(prefix, `pages-${signal}`)];
    writeNotebook(notebook);
    for (let round = 0; round < count; round++) {
      const random = seeded(round * 104_729 + signal.length);
      const mark = randomUUID();
      // In a group of its own, as a terminal's command is.
      const npm = owned(
        spawn("npm", ["run", "report", "--", notebook, "-o", pages], {
          cwd: repo,
          env: { ...process.env, ...env, BPFLAB_KILLED: mark },
          stdio: ["ignore", "pipe", "pipe"],
          detached: true,
        }),
      );
      const ended = once(npm, "close");
      npm.stdout.resume();
      npm.stderr.resume();
      const isBusy = () => markedBy(`BPFLAB_KILLED=${mark}`).some(({ command }) => command.includes("execute.py"));
      if (random() < 0.8) await until("it runs the notebook", () => isBusy() || npm.exitCode !== null);
      await sleep(random() * 6000);
      const running = markedBy(`BPFLAB_KILLED=${mark}`);
      const pids = running.map(({ pid }) => pid);
      const before = holdings(pids);
      const report = running.find(({ command }) => /main\.mjs report/.test(command) && !command.startsWith("npm"))?.pid;
      if (signal === "SIGINT")
        process.kill(-npm.pid!, signal); // Ctrl-C is for all of a terminal's command
      else if (npm.exitCode === null) process.kill(round % 2 === 0 && report ? report : npm.pid!, signal);
      await ended;
      await assertNothing(`BPFLAB_KILLED=${mark}`, pids, before, signal === "SIGKILL");
      for (const page of existsSync(pages) ? readdirSync(pages).filter((name) => name.endsWith(".html")) : [])
        assert.match(readFileSync(join(pages, page), "utf8"), /<\/html>\s*$/);
    }
  });
