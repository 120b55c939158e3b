"""A %%bpf cell that is run again and again, each time changed a little: what the kernel process holds stays the same."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "jupyter"))

from harness import KernelTestCase, os, unittest

TIMES = int(os.environ["TIMES"])

CELL = """%%%%bpf mine
#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";
struct seen { __u64 number; };
RING_BUFFER(ring, struct seen, 1 << 16);
SEC("tp/syscalls/sys_enter_getppid") int count(void *ctx)
{
	struct seen *seen = event_reserve(ring);
	if (seen) { seen->number = %d; event_submit(ring, seen); }
	return 0;
}
"""

# Memory is what lives after a collection: how far the heap itself breathes is V8's affair.
HELD = """
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc");
const held = () => {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  const files = readdirSync("/proc/self/fd").length;
  const threads = readdirSync("/proc/self/task").length;
  const ids = (kind) => readdirSync("/proc/self/fdinfo").filter((fd) => { try { return readFileSync(`/proc/self/fdinfo/${fd}`, "utf8").includes(`${kind}_id:`); } catch { return false; } }).length;
  return { files, threads, programs: ids("prog"), maps: ids("map"), links: ids("link"), memory: Math.round((heapUsed + external) / 1024) };
};
JSON.stringify(held())"""


class Reruns(KernelTestCase):
    def held(self):
        return eval(self.run_cell("JSON.stringify(held())").result.strip("'"))

    def rerun(self, number):
        ran = self.run_cell(CELL % number)
        self.assertEqual(ran.reply["status"], "ok", ran.messages)
        ran = self.run_cell('await mine.attach(); process.ppid; (await collect(mine.events("ring"), { until: async () => process.ppid })).get("number", 0)')
        self.assertEqual(ran.result, str(number), ran.messages)

    def test_reruns(self):
        ran = self.run_cell('import { bpf, collect } from "kernel-helpers"; import { readdirSync, readFileSync } from "node:fs"; import { setFlagsFromString } from "node:v8"; import { runInNewContext } from "node:vm";' + HELD)
        self.assertEqual(ran.reply["status"], "ok", ran.messages)
        for number in range(10):
            self.rerun(number)
        before = self.held()
        for number in range(10, 10 + TIMES):
            self.rerun(number)
        after = self.held()
        grown = after.pop("memory") - before.pop("memory")
        self.assertEqual(after, before)
        print(f"{TIMES} reruns, memory grew by {grown} KiB")
        # TypeScript keeps the declarations of each cell that ran.
        self.assertLess(grown, 16 * 1024 + 512 * TIMES)


if __name__ == "__main__":
    unittest.main()
