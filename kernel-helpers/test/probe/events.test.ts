import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { lastValueFrom, toArray } from "rxjs";
import { bpf, captureOf, op, probe } from "../../dist/api/index.js";
import { until } from "../workload/until.js";
import { Paused, writes } from "./paused.js";

describe("an event a row", () => {
  test("every call of a process, with the columns that were asked for, in their order", async () => {
    using dd = writes(500, 100);
    const asked = probe("tp/syscalls/sys_enter_write")
      .filter((d, $) => d.pid === $.pid)
      .params({ pid: dd.pid })
      .derive({ double: (d) => d.count * 2 })
      .select("comm", { count: "bytes", twice: (d: any) => d.double + 1 }, ["pid"]);
    const table = await asked.collect({ until: () => dd.run() });
    assert.deepEqual(table.columnNames(), ["comm", "bytes", "twice", "pid"]);
    assert.equal(table.numRows(), 500);
    assert.deepEqual(table.objects()[499], { comm: "dd", bytes: 100, twice: 201, pid: dd.pid });
    assert.equal(captureOf(table)?.lost, 0);
    assert.equal(asked.running, false, "nothing of it is left");
  });

  test("without select all that the hook tells, and what was derived", async () => {
    using dd = writes(3, 7);
    const table = await probe("tp/syscalls/sys_exit_write")
      .filter((d, $) => d.pid === $.pid && d.ret === 7)
      .derive({ half: (d) => Math.floor(d.ret / 2) })
      .params({ pid: dd.pid })
      .collect({ until: () => dd.run() });
    assert.deepEqual(table.columnNames(), ["time_ns", "pid", "tid", "comm", "ret", "half"]);
    assert.deepEqual(table.array("half"), [3, 3, 3]);
  });

  test("text of the process, compared and selected, whatever is in it", async () => {
    const dir = await mkdtemp(join(tmpdir(), "bpflab-probe-"));
    try {
      const name = join(dir, `<b>"\\'é\u202e\n\u001b[2J`);
      await writeFile(name, "");
      using cat = new Paused("cat", name);
      const table = await probe("tp/syscalls/sys_enter_openat")
        .filter(`(d, $) => d.pid === $.pid && op.startswith(op.str(d.filename, 256), ${JSON.stringify(dir)})`)
        .params({ pid: cat.pid })
        .select({
          file: (d: any) => op.str(d.filename, 256),
          same: `op.str(d.filename, 256) === ${JSON.stringify(name)}`,
          longer: `op.str(d.filename, 256) === ${JSON.stringify(`${name}!`)}`,
        })
        .collect({ until: () => cat.run() });
      assert.deepEqual(table.objects(), [{ file: name, same: true, longer: false }]);
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  test("one in n, exactly", async () => {
    using dd = writes(1000, 1);
    const table = await probe("tp/syscalls/sys_enter_write")
      .filter((d, $) => d.pid === $.pid)
      .sample(10)
      .params({ pid: dd.pid })
      .collect({ until: () => dd.run() });
    assert.equal(table.numRows(), 100);
  });

  test("who subscribes to a probe that is attached has what is done in the next line", async () => {
    const calls = await probe("tp/syscalls/sys_enter_write")
      .filter((d) => d.comm === "dd" && d.count === 77)
      .attach();
    let rows = 0;
    const subscription = calls.events().subscribe((batch) => (rows += batch.rows));
    try {
      // It blocks this thread, so that nothing of ours runs before it has ended.
      execFileSync("dd", ["if=/dev/zero", "of=/dev/null", "bs=77", "count=200", "status=none"]);
      await until("all 200 writes are there", () => rows >= 200);
      assert.equal(rows, 200);
    } finally {
      subscription.unsubscribe();
      calls.close();
    }
  });

  test("a stream runs while somebody listens, and a parameter changes it while it runs", async () => {
    using dd = new Paused("sh", "-c", "for i in 1 2 3 4 5 6 7 8; do /bin/true >/dev/null; echo $i >/dev/null; done");
    const calls = probe("tp/syscalls/sys_enter_write")
      .filter((d, $) => d.pid === $.pid)
      .params({ pid: 0 });
    const seen: number[] = [];
    const subscription = calls.events().subscribe(({ table }) => seen.push(table.numRows()));
    await until("it runs", () => bpf.allRunning().some((object) => object.attached));
    const [object] = bpf.allRunning();
    calls.params({ pid: dd.pid });
    await dd.run();
    await until("the events come", () => seen.reduce((sum, rows) => sum + rows, 0) === 8);
    assert.equal(bpf.allRunning()[0], object, "nothing was loaded again");
    subscription.unsubscribe();
    await until("it ends", () => !calls.running);
  });

  test("a stream ends when the probe is closed", async () => {
    const calls = probe("tp/syscalls/sys_enter_write").filter((d) => d.pid === 0);
    const batches = lastValueFrom(calls.events().pipe(toArray()));
    await until("it runs", () => calls.running);
    calls.close();
    assert.deepEqual(await batches, []);
  });
});

describe("a pair of hooks", () => {
  test("the fields of both ends and the time between, by thread", async () => {
    using dd = writes(200, 9);
    const table = await probe("tp/syscalls/sys_enter_write")
      .to("tp/syscalls/sys_exit_write")
      .filter((d, $) => d.pid === $.pid && d.duration_ns > 0)
      .params({ pid: dd.pid })
      .collect({ until: () => dd.run() });
    assert.deepEqual(table.columnNames(), [
      "start_ns",
      "duration_ns",
      "pid",
      "tid",
      "comm",
      "fd",
      "buf",
      "count",
      "ret",
    ]);
    assert.equal(table.numRows(), 200);
    assert.ok(table.objects().every((d: any) => d.fd === 1 && d.count === 9 && d.ret === 9 && d.duration_ns < 1e9));
  });
});
