import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { execa, type ResultPromise } from "execa";
import { printed } from "./output.js";
import { writes } from "../probe/paused.js";
import { idsOf } from "../workload/kernel-state.js";
import { until } from "../workload/until.js";

const entry = fileURLToPath(new URL("../../setup/bpflab.mjs", import.meta.url));
const bpflab = (...args: string[]): ResultPromise<{ reject: false }> =>
  execa(process.execPath, [entry, "run", ...args], { reject: false });

describe("bpflab run", () => {
  test("a rollup: Ctrl-C ends it and prints the groups, as a table and as JSON", async (t) => {
    for (const json of [true, false]) {
      using dd = writes(300, 50);
      const asked = bpflab(
        `probe("tp/syscalls/sys_exit_write").filter((d, $) => d.pid === $.pid).params({ pid: ${dd.pid} }).groupby("comm").rollup({ n: op.count(), bytes: op.sum("ret") })`,
        ...(json ? ["--json"] : []),
      );
      t.after(() => asked.kill("SIGKILL"));
      await until("it is attached", () => idsOf("link_id", asked.pid).size > 0);
      await dd.run();
      asked.kill("SIGINT");
      const { exitCode, stdout } = await asked;
      assert.equal(exitCode, 0);
      if (json) assert.deepEqual(JSON.parse(stdout), { comm: "dd", n: 300, bytes: 15000 });
      else assert.match(stdout, /comm +n +bytes \(KiB\)\ndd +300 +14\.6/);
    }
  });

  test("events as they come, a JSON object a line", async (t) => {
    using dd = writes(3, 50);
    const asked = bpflab(
      `probe("tp/syscalls/sys_exit_write").filter((d, $) => d.pid === $.pid).params({ pid: ${dd.pid} }).select("comm", "ret")`,
      "--json",
    );
    t.after(() => asked.kill("SIGKILL"));
    // What it prints before somebody listens is not seen again.
    const three = printed(asked, /(?:.+\n){3}/);
    await until("it is attached", () => idsOf("link_id", asked.pid).size > 0);
    await dd.run();
    const [lines] = await three;
    asked.kill("SIGTERM");
    assert.deepEqual(
      lines
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown),
      Array(3).fill({ comm: "dd", ret: 50 }),
    );
    assert.equal((await asked).exitCode, 0);
  });

  test("a time ends it; a table and a page are printed", async () => {
    const nothing = await bpflab(
      `probe("tp/syscalls/sys_exit_write").filter(d => d.pid === 0).select("comm")`,
      "--seconds",
      "0.2",
    );
    assert.equal(nothing.exitCode, 0);
    assert.match(String(nothing.stdout), /0 events, 0 lost/);
    const list = await bpflab(`probe.list("tp/sched/sched_switch")`);
    assert.match(String(list.stdout), /tp\/sched\/sched_switch/);
    const page = await bpflab(`probe("tp/sched/sched_switch").count().source()`);
    assert.match(String(page.stdout), /SEC\("tp\/sched\/sched_switch"\)/);
  });

  test("what is wrong is said in a sentence, without a stack", async () => {
    for (const [line, says] of [
      [`probe("tp/sched/sched_swich")`, /nearest are tp\/sched\/sched_switch/],
      ["1 +", /this is not an expression/],
      ["x.ipynb", /x\.ipynb is a notebook\.\n.*bpflab report x\.ipynb/],
      ["prob(3)", /prob is not defined/],
      ["42", /neither a probe nor a table/],
    ] as const) {
      const { exitCode, stderr } = await bpflab(line, "--seconds", "1");
      assert.equal(exitCode, 1);
      assert.match(String(stderr), says);
      assert.doesNotMatch(String(stderr), /\n\s+at /);
    }
  });
});
