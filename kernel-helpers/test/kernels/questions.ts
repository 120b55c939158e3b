/** Questions in arquero's verbs about the kernel's own functions, by each hook that those have. */
import assert from "node:assert/strict";
import { op, probe, type Probe } from "../../dist/api/index.js";
import { Paused } from "../probe/paused.js";
import { feature } from "./feature.js";

const READS = 100;
/** Reads of 10 bytes each, as many as are to be counted. */
const reads = `import os\nfd = os.open("/dev/zero", os.O_RDONLY)\nfor i in range(${READS}): os.read(fd, 10)`;

/** Asks while the reads are made; each question sees those of the process that makes them, by the 10 bytes. */
async function ask(question: (pid: number) => Probe<any>): Promise<Record<string, unknown>[]> {
  using work = new Paused("/usr/bin/python3", "-c", reads);
  const asked = await question(work.pid).attach();
  try {
    await work.run();
    return (await asked.table()).objects() as Record<string, unknown>[];
  } finally {
    asked.close();
  }
}

const ofReads = (hook: string, bytes: "count" | "ret") => (pid: number) =>
  probe(hook)
    .filter(`(d, $) => d.pid === $.pid && d.${bytes} === 10`)
    .params({ pid })
    .rollup({ n: op.count(), bytes: op.sum(bytes) });

/** Tries them all. */
export async function tryQuestions(): Promise<void> {
  const sums = [{ n: READS, bytes: 10 * READS }];
  for (const kind of ["kprobe", "fentry", "fexit"])
    await feature(`a question by ${kind}`, async () =>
      assert.deepEqual(await ask(ofReads(`${kind}/vfs_read`, "count")), sums),
    );
  await feature("a question by kretprobe", async () =>
    assert.deepEqual(await ask(ofReads("kretprobe/vfs_read", "ret")), sums),
  );
  for (const kind of ["kprobe", "fentry"])
    await feature(`a question by ${kind}, a file's name`, async () => {
      const name = (d: any) => op.str(d.file.f_path.dentry.d_name.name);
      const rows = await ask((pid) =>
        probe(`${kind}/vfs_read`)
          .filter((d: any, $: any) => d.pid === $.pid && d.count === 10)
          .params({ pid })
          .groupby({ name })
          .count(),
      );
      assert.deepEqual(rows, [{ name: "zero", count: READS }]);
    });
  for (const [begin, end] of [
    ["kprobe", "kretprobe"],
    ["fentry", "fexit"],
  ] as const)
    await feature(`a question by ${begin} and ${end}, a pair`, async () => {
      const [row] = await ask((pid) =>
        probe(`${begin}/vfs_read`)
          .to(`${end}/vfs_read`)
          .filter((d: any, $: any) => d.pid === $.pid && d.ret === 10)
          .params({ pid })
          .rollup({ n: op.count(), least: op.min("duration_ns") }),
      );
      assert.equal(row!["n"], READS);
      assert.ok(Number(row!["least"]) > 0);
    });
}
