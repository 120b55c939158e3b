import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { firstValueFrom, skip } from "rxjs";
import { aq, captureOf, CollectError, op, probe } from "../../dist/api/index.js";
import { writes } from "./paused.js";

const ofProcess = (pid: number) =>
  probe("tp/syscalls/sys_exit_write")
    .filter((d, $) => d.pid === $.pid && d.ret > 0)
    .params({ pid });

describe("added up in the kernel", () => {
  test("what is computed from sums is what arquero's rollup makes of the rows", async () => {
    const formulas: [name: string, formula: (d: any, $: any) => any][] = [
      ["mean", (d) => op.sum(d.ret) / op.count()],
      ["spread", (d, $) => (op.max(d.ret) - op.min(d.ret)) * $.times],
      ["kind", () => (op.count() > 3 ? "many" : "few")],
      ["root", (d) => Math.sqrt(op.sum(d.ret)) + op.abs(op.min(d.ret) - 10)],
      ["same", () => op.count() / op.count()],
    ];
    const question = () =>
      probe("tp/syscalls/sys_exit_write")
        .filter((d, $) => d.pid === $.pid)
        .groupby("comm");
    using first = writes(7, 30);
    const sums = await question()
      .rollup({ rows: op.count(), ...Object.fromEntries(formulas), last: op.max("ret") })
      .params({ pid: first.pid, times: 3 })
      .collect({ until: () => first.run() });
    using second = writes(7, 30);
    const rows = await probe("tp/syscalls/sys_exit_write")
      .filter((d, $) => d.pid === $.pid)
      .params({ pid: second.pid })
      .collect({ until: () => second.run() });
    const expected = rows
      .params({ times: 3 })
      .groupby("comm")
      .rollup({ rows: aq.op.count(), ...Object.fromEntries(formulas), last: aq.op.max("ret") });
    assert.deepEqual(sums.columnNames(), ["comm", "rows", ...formulas.map(([name]) => name), "last"]);
    assert.deepEqual(sums.objects(), expected.objects());
    assert.ok(captureOf(sums));
  });

  test("every function, of a group", async () => {
    using dd = writes(1000, 100);
    const table = await ofProcess(dd.pid)
      .groupby("comm", { odd: (d: any) => d.ret % 2 === 1 })
      .rollup({
        n: op.count(),
        bytes: op.sum("ret"),
        mean: op.mean("ret"),
        least: op.min("ret"),
        most: (d) => op.max(d.ret * 2),
        first: op.first("ret"),
        last: op.last("comm"),
        some: (d) => op.sum(d.ret > 100 ? d.ret : null),
        valid: (d) => op.valid(d.ret > 100 ? d.ret : null),
        sizes: op.log2("ret"),
        steps: op.linear("ret", 50, 150, 25),
      })
      .collect({ until: () => dd.run() });
    const [row, ...more] = table.objects();
    assert.deepEqual(more, []);
    const sizes = Array.from({ length: 64 }, (_, slot) => (slot === 6 ? 1000 : 0));
    assert.deepEqual(
      { ...row, sizes: [...row.sizes], steps: [...row.steps] },
      {
        comm: "dd",
        odd: false,
        n: 1000,
        bytes: 100_000,
        mean: 100,
        least: 100,
        most: 200,
        first: 100,
        last: "dd",
        some: undefined,
        valid: 0,
        sizes,
        steps: [0, 0, 0, 1000, 0, 0],
      },
    );
  });

  test("without groups one row, also when nothing came", async () => {
    const table = await ofProcess(0)
      .rollup({ n: op.count(), bytes: op.sum("ret"), least: op.min("ret"), first: op.first("comm") })
      .collect({ seconds: 0.05 });
    assert.deepEqual(table.objects(), [{ n: 0, bytes: undefined, least: undefined, first: undefined }]);
  });

  test("count() by an expression, named as one likes", async () => {
    using dd = writes(10, 3);
    const table = await ofProcess(dd.pid)
      .groupby({ size: (d: any) => d.ret * 1000 })
      .count({ as: "calls" })
      .collect({ until: () => dd.run() });
    assert.deepEqual(table.objects(), [{ size: 3000, calls: 10 }]);
  });

  test("more groups than there is room for are counted as lost", async () => {
    using dd = writes(10, 3);
    const table = await probe("tp/syscalls/sys_exit_write", { groups: 4 })
      .filter((d, $) => d.pid === $.pid)
      .params({ pid: dd.pid })
      .groupby("time_ns")
      .count()
      .collect({ until: () => dd.run() });
    assert.equal(table.numRows() + captureOf(table)!.lost!, 10);
    assert.ok(captureOf(table)!.lost! > 0);
  });

  test("attached it goes on, and is looked at meanwhile", async () => {
    using dd = writes(100, 2);
    const sums = await ofProcess(dd.pid).rollup({ n: op.count() }).attach();
    try {
      const later = firstValueFrom(sums.poll({ everyMs: 20 }).pipe(skip(1)));
      assert.deepEqual((await sums.table()).objects(), [{ n: 0 }]);
      await later;
      sums.stats();
      await dd.run();
      assert.deepEqual((await sums.table()).objects(), [{ n: 100 }]);
      const [cost] = sums.stats().objects() as { hook: string; runs: number; ns_per_run: number }[];
      assert.equal(cost!.hook, "tp/syscalls/sys_exit_write");
      assert.ok(cost!.runs >= 100 && cost!.ns_per_run > 0);
    } finally {
      sums.close();
    }
    assert.equal(sums.running, false);
    await assert.rejects(sums.table(), /not attached/);
  });

  test("what had come when the workload failed is in the error", async () => {
    using dd = writes(10, 2);
    const asked = ofProcess(dd.pid).rollup({ n: op.count() });
    const error = await asked
      .collect({
        until: async () => {
          await dd.run();
          throw new Error("it broke");
        },
      })
      .catch((thrown: unknown) => thrown);
    assert.ok(error instanceof CollectError);
    assert.deepEqual(error.collected.objects(), [{ n: 10 }]);
    assert.equal(asked.running, false);
  });

  test("what a rollup does not have says so", async () => {
    const sums = probe("tp/syscalls/sys_exit_write").rollup({ n: op.count() });
    assert.throws(() => sums.events(), /sends no events/);
    assert.throws(() => probe("tp/syscalls/sys_exit_write").poll({ everyMs: 10 }), /only a rollup/);
    await assert.rejects(sums.filter("d.n > 1").collect({ seconds: 1 }), /the kernel does nothing more after a rollup/);
    await assert.rejects(
      probe("tp/syscalls/sys_exit_write").groupby("pid").collect({ seconds: 1 }),
      /needs rollup\(\) or count\(\)/,
    );
    await assert.rejects(sums.collect({ rows: 3 }), /as many rows as there are groups/);
  });
});
