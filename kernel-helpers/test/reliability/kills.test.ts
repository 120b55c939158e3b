import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { capture, net } from "../../dist/api/index.js";
import { childrenUntil } from "../workload/children.js";
import { allIds, idsOf } from "../workload/kernel-state.js";
import { until } from "../workload/until.js";
import { rounds, seeded } from "./seeded.js";

const busy = fileURLToPath(new URL("busy.js", import.meta.url));
const bpflab = fileURLToPath(new URL("../../setup/bpflab.mjs", import.meta.url));
const owned = childrenUntil(afterEach);

let directory: string;
before(() => void (directory = mkdtempSync(join(tmpdir(), "bpflab-kills-"))));
after(() => rmSync(directory, { recursive: true, force: true }));

/** What is on this machine that carries a process's id in its name. */
async function leftBy(pid: number): Promise<string[]> {
  const namespaces = (await execa("ip", ["netns", "list"])).stdout.split("\n");
  const records = existsSync("/run/bpflab") ? readdirSync("/run/bpflab") : [];
  return [
    ...namespaces.filter((line) => line.startsWith(`bpflab-${pid}-`)),
    ...net
      .interfaces()
      .map(({ name }) => name)
      .filter((name) => name.startsWith(`blab${pid}-`)),
    ...records.filter((file) => readFileSync(join("/run/bpflab", file), "utf8").includes(`"pid":${pid},`)),
    ...readdirSync(tmpdir()).filter((name) => name.startsWith(`bpflab-report-${pid}-`)),
  ];
}

const count = rounds(4, 50);
for (const signal of ["SIGKILL", "SIGTERM", "SIGINT"] as const) {
  test(`${count} ends by ${signal} at random moments leave nothing`, async () => {
    for (let round = 0; round < count; round++) {
      const seed = round * 7919 + signal.length;
      const random = seeded(seed);
      const child = owned(
        spawn(process.execPath, [busy, String(seed), directory], { stdio: ["ignore", "pipe", "inherit"] }),
      );
      // Some end while it still loads its modules.
      if (random() < 0.8) await once(child.stdout, "data");
      await sleep(random() * 1500);
      const held = { prog: idsOf("prog_id", child.pid), link: idsOf("link_id", child.pid) };
      child.kill(signal);
      const end = await once(child, "close");
      assert.deepEqual(end, [null, signal], `seed ${seed}: it ends by the signal alone`);
      for (const kind of ["prog", "link"] as const)
        await until(`seed ${seed}: its ${kind}s are gone`, async () => {
          const all = await allIds(kind);
          return ![...held[kind]].some((id) => all.has(id));
        });
      if (signal === "SIGKILL") assert.equal((await execa(process.execPath, [bpflab, "clean"])).exitCode, 0);
      assert.deepEqual(await leftBy(child.pid!), [], `seed ${seed}`);
      const saved = join(directory, "writes.parquet");
      if (existsSync(saved)) await capture.open(saved); // the old one or the new one, whole
    }
  });
}
