/** Solutions that do nearly what is asked: each is told what it leaves out. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { bpf, exercise } from "../../dist/api/index.js";
import { changed, testWrong, type Wrong } from "./checked.js";
import * as solutions from "./solutions.js";

const { ringbuf, stats, filter } = solutions;

describe("programs", { concurrency: true }, () => {
  after(() => bpf.closeAll());

  const nearly: Wrong[] = [
    [
      "only writes that wrote something have a record",
      "ringbuf",
      changed(ringbuf, ["if (!note)", "if (!note || ctx->ret <= 0)"]),
      /124 records came from 136 writes: those that wrote nothing or failed are missing/,
    ],
    [
      "the time of the beginning as the duration",
      "ringbuf",
      changed(ringbuf, ["bpf_ktime_get_ns() - note->ts", "note->ts"]),
      /The duration is the time when the call began .*: subtract that from bpf_ktime_get_ns\(\)/,
    ],
    [
      "the thread in the place of the process",
      "stats",
      changed(stats, [".pid = id >> 32", ".pid = id"]),
      /none of the process \d+: pid in their keys is \d+, \d+\. The process is the upper half/,
    ],
    [
      "a record without its key",
      "stats",
      changed(stats, [/\t+r->key = key;\n/, ""]),
      /A record is of process .*: fill in its key, r->key = key/,
    ],
    [
      "a record before its write is counted",
      "stats",
      changed(
        stats,
        ["\t__sync_fetch_and_add(&s->writes, 1);\n", ""],
        [/(bpf_ringbuf_submit\(r, 0\);\n\t\})/, "$1\n\t__sync_fetch_and_add(&s->writes, 1);"],
      ),
      /A record says writes = 0: it is sent before its write is counted/,
    ],
    [
      "every n-th write of all descriptors together",
      "stats",
      changed(
        stats,
        ["u64 every_n = 0;", "u64 every_n = 0;\nu64 of_all = 0;"],
        [
          "if (every_n && s->writes % every_n == 0)",
          "if (every_n && (__sync_fetch_and_add(&of_all, 1) + 1) % every_n == 0)",
        ],
      ),
      /A record says writes = \d+, which 16 \(every_n\) does not divide.* of its descriptor/,
    ],
    [
      "a window of a tenth of a second",
      "tc_icmp_filter",
      changed(filter, ["1000000000", "100000000"]),
      /is its window a (whole )?second long/,
    ],
    [
      "a count that begins anew in a window that does not",
      "tc_icmp_filter",
      changed(filter, ["\t\tw->begun = now;\n", ""]),
      /is its window a (?:whole )?second long.*w->begun = now/,
    ],
    [
      "50 instead of threshold",
      "tc_icmp_filter",
      changed(filter, ["w->count > threshold", "w->count > (threshold ? 50 : 0)"]),
      /got 50 answers: compare the count with threshold, not with 50/,
    ],
    [
      "no entry for a new source",
      "tc_icmp_filter",
      changed(filter, [/\t\tbpf_map_update_elem.*\n/, "\t\tfresh.count = now;\n"]),
      /All 70 requests .* and the map windows is empty: .*does a source that the lookup does not find get an entry/,
    ],
    [
      "the wrong way round",
      "tc_icmp_filter",
      changed(filter, ["? DROP : PASS", "? PASS : DROP"]),
      /PASS and DROP are the wrong way round/,
    ],
    [
      "all but pings are dropped",
      "tc_icmp_filter",
      changed(
        filter,
        [/return PASS;\n\tsource/, "return DROP;\n\tsource"],
        [/bpf_htons\(ETH_P_IP\)\)\n\t\treturn PASS;/, "bpf_htons(ETH_P_IP))\n\t\treturn DROP;"],
      ),
      /^ARP does not come through/,
    ],
  ];
  testWrong(nearly);
});

describe("functions", () => {
  test("that return nothing, and that count on", async () => {
    const object = await bpf.load(await bpf.compile(ringbuf, { name: "nearly_ringbuf" }));
    let seen = 0;
    const subscriptions: { unsubscribe(): void }[] = [];
    const result = await exercise.check("ringbuf", object, {
      each: (act: (event: Record<string, unknown>) => void) => {
        subscriptions.push(
          object.events("rb").subscribe(({ table }) => table.objects().forEach((row) => act(row as never))),
        );
      },
      batches: (act: (rows: number) => void) => object.events("rb").subscribe(({ rows }) => act((seen += rows))),
    });
    subscriptions.forEach((one) => one.unsubscribe());
    object.close();
    assert.match(result.messages[0]!, /^each returns nothing, .*: return the subscription/);
    assert.match(result.messages[1]!, /^act was called with .*: these are the events up to then/);
  });

  test("that take other processes' entries, or the process for the descriptor", async () => {
    const object = await bpf.load(await bpf.compile(stats, { name: "nearly_stats" }));
    type Entry = [{ pid: number; fd: number }, { writes: number }];
    const entries = () => object.maps["stats_map"]!.entries() as Entry[];
    const answer = async (writesOf: (pid: number) => Map<number, number>) =>
      (await exercise.check("stats", object, { writesOf })).messages[0]!;
    const all = () => new Map(entries().map(([key, value]) => [key.fd, value.writes]));
    assert.match(await answer(all), /an entry of another process.*whose key\.pid is pid/);
    assert.match(
      await answer(() => new Map(entries().map(([key, value]) => [key.pid, value.writes]))),
      /by descriptor/,
    );
    object.close();
  });
});
