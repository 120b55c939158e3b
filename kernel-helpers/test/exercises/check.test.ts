/** The checks of the exercises: right solutions pass, and each wrong one is told its own mistake. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { bpf, exercise } from "../../dist/api/index.js";
import { bundleOf } from "../../dist/base/display.js";
import { changed, checked, type Exercise, testWrong, type Wrong } from "./checked.js";
import * as solutions from "./solutions.js";

const right: [string, Exercise, string][] = [
  ["hashmap, keyed by process and thread", "hashmap", solutions.hashmap],
  ["hashmap, keyed by thread, programs in the other order", "hashmap", solutions.hashmapByThread],
  ["hashmap, on all system calls by tp_btf and BPF_PROG", "hashmap", solutions.hashmapOnAllCalls],
  ["hashmap, kept by the task", "hashmap", solutions.hashmapInTask],
  ["hashmap, an array among the globals", "hashmap", solutions.hashmapInGlobals],
  ["ringbuf, reserve and submit", "ringbuf", solutions.ringbuf],
  ["ringbuf, by bpf_ringbuf_output", "ringbuf", solutions.ringbufByOutput],
  ["stats", "stats", solutions.stats],
  ["stats, a map for each CPU", "stats", solutions.stats.replace(/_HASH(?=[^}]*struct stats\))/, "_PERCPU_HASH")],
  ["tc_icmp_filter, tcx/ingress, the second in the key", "tc_icmp_filter", solutions.filterBySecond],
  ["tc_icmp_filter, xdp", "tc_icmp_filter", solutions.filterByXdp],
  ["tc_icmp_filter, direct packet access", "tc_icmp_filter", solutions.filter],
  ["tc_icmp_filter, by loading bytes, with IPv6", "tc_icmp_filter", solutions.filterByLoading],
];

const { hashmap, ringbuf, stats, filter } = solutions;

const wrong: Wrong[] = [
  [
    "both programs on enter",
    "hashmap",
    changed(hashmap, ["sys_exit_write", "sys_enter_write"]),
    /enter and leave are both on the beginning of the call/,
  ],
  [
    "the second function without SEC()",
    "hashmap",
    changed(hashmap, ['SEC("tp/syscalls/sys_exit_write")\n', ""]),
    /only one program: does the second function have its SEC\(\)/,
  ],
  [
    "another system call",
    "hashmap",
    changed(hashmap, ["sys_exit_write", "sys_exit_read"]),
    /which is not write\(2\)|No program is on the end/,
  ],
  [
    "no delete",
    "hashmap",
    changed(hashmap, [/\tbpf_map_delete_elem.*\n/, ""]),
    /The map starts still holds 2 entries.*bpf_map_delete_elem/,
  ],
  [
    "the time taken after the update",
    "hashmap",
    changed(
      hashmap,
      ["u64 now = bpf_ktime_get_ns();", "u64 now = 0;"],
      ["&now, BPF_ANY);", "&now, BPF_ANY);\n\tnow = bpf_ktime_get_ns();"],
    ),
    /time since the machine started for 84 of 84 writes.*before the entry is put into the map/,
  ],
  [
    "beginning minus end",
    "hashmap",
    changed(hashmap, ["bpf_ktime_get_ns() - *start", "*start - bpf_ktime_get_ns()"]),
    /The duration is negative for 84 of 84 writes/,
  ],
  [
    "one entry for all threads",
    "hashmap",
    changed(
      hashmap,
      ["u64 now = bpf_ktime_get_ns();", "u64 now = bpf_ktime_get_ns(), one = 1;"],
      ["&id, &now", "&one, &now"],
      ["u64 *start = bpf_map_lookup_elem(&starts, &id);", "u64 one = 1, *start = bpf_map_lookup_elem(&starts, &one);"],
      ["bpf_map_delete_elem(&starts, &id)", "bpf_map_delete_elem(&starts, &one)"],
    ),
    /lines came from 84 writes.* overwrite|another thread's write|entry of another write/,
  ],
  [
    "the time of the beginning is not subtracted",
    "hashmap",
    changed(hashmap, ["bpf_ktime_get_ns() - *start", "*start"]),
    /the time when the call began for 84 of 84 writes, not what it took: subtract that/,
  ],
  [
    "microseconds",
    "hashmap",
    changed(hashmap, ["bpf_ktime_get_ns() - *start", "(bpf_ktime_get_ns() - *start) / 1000"]),
    /in microseconds/,
  ],
  [
    "the key is the process",
    "hashmap",
    changed(
      hashmap,
      [/u64 id = bpf_get_current_pid_tgid\(\);/g, "u64 id = bpf_get_current_pid_tgid() >> 32;"],
      ["id >> 32 != my_pid", "id != my_pid"],
    ),
    /key that both have \(the process's number\)/,
  ],
  [
    "no filter",
    "hashmap",
    changed(hashmap, ["id >> 32 != my_pid", "!my_pid"]),
    /Writes of other processes are printed too/,
  ],
  [
    "my_pid is static",
    "hashmap",
    changed(hashmap, ["u32 my_pid", "static u32 my_pid"]),
    /no global called my_pid that can be set/,
  ],
  [
    "nothing is printed",
    "hashmap",
    changed(hashmap, [/\tbpf_printk.*\n/, ""], ["u64 took;", "volatile u64 took;"]),
    /gave no line/,
  ],
  [
    "a record for enter and exit",
    "ringbuf",
    changed(ringbuf, [
      "\tbpf_map_delete_elem(&notes, &id);",
      "\te = bpf_ringbuf_reserve(&rb, sizeof(*e), 0);\n\tif (e) {\n\t\te->pid = id >> 32;\n\t\tbpf_ringbuf_submit(e, 0);\n\t}\n\tbpf_map_delete_elem(&notes, &id);",
    ]),
    /records came from 136 writes: which program submits more than once/,
  ],
  [
    "discarded",
    "ringbuf",
    changed(ringbuf, ["bpf_ringbuf_submit", "bpf_ringbuf_discard"]),
    /gave no record: is each one submitted/,
  ],
  [
    "pid and tid the wrong way round",
    "ringbuf",
    changed(ringbuf, ["e->pid = id >> 32", "e->pid = id"], ["e->tid = id;", "e->tid = id >> 32;"]),
    /pid and tid are the wrong way round/,
  ],
  [
    "fd is not filled in",
    "ringbuf",
    changed(ringbuf, [", .fd = ctx->args[0]", ""]),
    /fd is not the descriptor.*never filled in/,
  ],
  [
    "ret is not what was returned",
    "ringbuf",
    changed(ringbuf, ["e->ret = ctx->ret", "e->ret = ctx->id"]),
    /ret is not what the call returned/,
  ],
  [
    "no comm",
    "ringbuf",
    changed(ringbuf, [/\t\tbpf_get_current_comm.*\n/, "\t\t__builtin_memset(e->comm, 0, 16);\n"]),
    /comm is not the thread's name/,
  ],
  [
    "an entry made anew each time",
    "stats",
    changed(stats, ["&none, BPF_NOEXIST", "&none, BPF_ANY"]),
    /writes is 1 for a descriptor with 70/,
  ],
  [
    "the first write is not counted",
    "stats",
    changed(
      stats,
      [
        "\ts = bpf_map_lookup_elem(&stats_map, &key);",
        "\ts = bpf_map_lookup_elem(&stats_map, &key);\n\tif (!s) {\n\t\tbpf_map_update_elem(&stats_map, &key, &none, 0);\n\t\treturn 0;\n\t}",
      ],
      [/\tbpf_map_update_elem\(&stats_map, &key, &none, BPF_NOEXIST\);\n/, ""],
    ),
    /the first write, which makes the entry/,
  ],
  ["no largest duration", "stats", changed(stats, [/\tif \(ns > s->max_ns\)\n.*\n/, ""]), /max_ns is 0/],
  [
    "the largest duration is the last one",
    "stats",
    changed(stats, [/\tif \(ns > s->max_ns\)\n\t/, ""]),
    /max_ns is less than the longest call.* or the last one\?/,
  ],
  [
    "the sum is the last one",
    "stats",
    changed(stats, ["__sync_fetch_and_add(&s->total_ns, ns)", "s->total_ns = ns"]),
    /total_ns is not the sum/,
  ],
  [
    "a record with each write",
    "stats",
    changed(stats, ["every_n && s->writes % every_n == 0", "every_n"]),
    /one is asked for with every 16/,
  ],
  [
    "no htons",
    "tc_icmp_filter",
    changed(filter, ["bpf_htons(ETH_P_IP)", "ETH_P_IP"]),
    /nothing is dropped\. Is h_proto compared in network byte order, bpf_htons/,
  ],
  [
    "echo replies are counted",
    "tc_icmp_filter",
    changed(
      filter,
      ["icmp->type != 8", "icmp->type != 8 && icmp->type != 0"],
      ["w->count > threshold", "w->count > threshold || icmp->type == 0"],
    ),
    /answers to our own pings came in: an answer is ICMP too, of type 0/,
  ],
  [
    "echo replies are counted, and dropped above the threshold only",
    "tc_icmp_filter",
    changed(filter, ["icmp->type != 8", "icmp->type != 8 && icmp->type != 0"]),
    /answers to our own pings came in: an answer is ICMP too, of type 0/,
  ],
  [
    "the window never resets",
    "tc_icmp_filter",
    changed(filter, ["now - w->begun >= 1000000000", "0"]),
    /got 50 answers of 70: its window never restarts/,
  ],
  [
    "one count for all",
    "tc_icmp_filter",
    changed(filter, ["source = ip->saddr;", "source = 0;"]),
    /is there a count for each source address/,
  ],
  [
    "everything but IPv4 is dropped",
    "tc_icmp_filter",
    changed(filter, [
      /\tif \(eth->h_proto != bpf_htons\(ETH_P_IP\)\)\n\t\treturn PASS;/,
      "\tif (eth->h_proto != bpf_htons(ETH_P_IP))\n\t\treturn DROP;",
    ]),
    /(ARP|IPv6) does not come through.* ETH_P_IP have to pass/,
  ],
  [
    "what has two VLAN tags is dropped",
    "tc_icmp_filter",
    changed(filter, [
      "\tif (eth->h_proto != bpf_htons(ETH_P_IP))\n\t\treturn PASS;\n",
      "\tif (eth->h_proto == bpf_htons(0x8100))\n\t\treturn DROP;\n\tif (eth->h_proto != bpf_htons(ETH_P_IP))\n\t\treturn PASS;\n",
    ]),
    /two VLAN tags does not come through.* 0x8100 /,
  ],
  [
    "the window is a millisecond",
    "tc_icmp_filter",
    changed(filter, [">= 1000000000", ">= 1000000"]),
    /got \d+ answers, with the threshold at 50: is its window a second long|nothing is dropped.* is the window a second/,
  ],
  [
    "once above the threshold, for ever",
    "tc_icmp_filter",
    changed(filter, [">= 1000000000", ">= 1000000000 && w->count <= threshold"]),
    /held to the threshold is not answered any more/,
  ],
  [
    "all requests are dropped",
    "tc_icmp_filter",
    changed(filter, ["\tsource = ip->saddr;", "\tif (threshold)\n\t\treturn DROP;\n\tsource = ip->saddr;"]),
    /No request is answered at all: the threshold \(50\) is not looked at/,
  ],
];

describe("right solutions pass", () => {
  after(() => bpf.closeAll());

  for (const [what, name, source] of right) {
    test(what, async () => {
      const result = await checked(name, source);
      const messages = result.steps.filter(({ points, passed }) => points > 0 && !passed);
      assert.deepEqual(messages, [], String(result));
      assert.equal(result.points.reached, result.points.of);
    });
  }

  test("with functions for each event and for batches", async () => {
    const object = await bpf.load(await bpf.compile(ringbuf, { name: "student_ringbuf" }));
    const good = {
      each: (act: (event: Record<string, unknown>) => void) =>
        object
          .events("rb")
          .subscribe(({ table }) =>
            (table.objects({ limit: Infinity }) as Record<string, unknown>[]).forEach((event) => act(event)),
          ),
      batches: (act: (rows: number) => void) => object.events("rb").subscribe(({ rows }) => act(rows)),
    };
    assert.equal((await exercise.check("ringbuf", object, good)).passed, true);
    const swapped = {
      each: (act: (event: any) => void) => object.events("rb").subscribe((batch) => act(batch)),
      batches: (act: (rows: number) => void) => good.each(() => act(1)),
    };
    const result = await exercise.check("ringbuf", object, swapped);
    object.close();
    assert.match(result.messages[0]!, /a batch has many rows, and each of them is an event/);
    assert.match(result.messages[1]!, /There was a call for each event/);
  });

  test("with functions that read the map and handle the records", async () => {
    const object = await bpf.load(await bpf.compile(stats, { name: "student_stats" }));
    const entries = () => object.maps["stats_map"]!.entries() as [{ pid: number; fd: number }, { writes: number }][];
    const good = {
      writesOf: (pid: number) =>
        new Map(entries().flatMap(([key, value]) => (key.pid === pid ? [[key.fd, value.writes] as const] : []))),
      eachRecord: (act: (record: Record<string, unknown>) => void) =>
        object
          .events("rb")
          .subscribe(({ table }) =>
            (table.objects({ limit: Infinity }) as Record<string, unknown>[]).forEach((record) => act(record)),
          ),
    };
    const right = await exercise.check("stats", object, good);
    assert.deepEqual([right.points.reached, right.points.of], [10, 10], String(right));
    const wrong = {
      writesOf: (pid: number) => new Map([...good.writesOf(pid).keys()].map((fd) => [fd, 1] as const)),
      eachRecord: (act: (record: any) => void) => object.events("rb").subscribe((batch) => act(batch)),
    };
    const result = await exercise.check("stats", object, wrong);
    object.close();
    assert.match(result.messages[0]!, /For the descriptor \d+ the Map says 1, and the map \d+/);
    assert.match(result.messages[1]!, /a batch has many rows, and each of them is a record/);
  });
});

describe("wrong solutions are told their own mistake", { concurrency: true }, () => {
  after(() => bpf.closeAll());

  testWrong(wrong);

  test("minimal: each answer", async () => {
    const result = await exercise.check("minimal", { number: "thread", when: "ends", lines: 1 });
    assert.deepEqual([result.points.reached, result.messages.length], [0, 3]);
    const good = await exercise.check("minimal", { number: "process", when: "begins", lines: 3 });
    assert.deepEqual([good.passed, good.points.reached], [true, 3]);
  });

  test("what is no exercise, or no program", async () => {
    await assert.rejects(
      exercise.check("hashmaps" as never, {}),
      /There are minimal, hashmap, ringbuf, stats and tc_icmp_filter\./,
    );
    await assert.rejects(
      exercise.check("hashmap", {}),
      /takes the program's handle, which a cell that begins with %%bpf hashmap defines/,
    );
  });

  test("a result shows itself as a list, and to a grader as data", async () => {
    const result = await exercise.check("minimal", { number: "process", lines: 2 });
    const bundle = await bundleOf(result);
    assert.match(
      String(bundle["text/plain"]),
      /^Exercise minimal: 1 of 3 points\n✓ whose number it is\n✗ when it is printed\n {4}Look at/,
    );
    assert.match(String(bundle["text/html"]), /<li>✗ how often<br><em>/);
    assert.equal((bundle["application/vnd.bpflab.exercise+json"] as { steps: unknown[] }).steps.length, 3);
  });

  test("to nbgrader, a result is the number of its points", async () => {
    const result = await exercise.check("minimal", { number: "process", lines: 2 });
    process.env["NBGRADER_EXECUTION"] = "autograde"; // as nbgrader has it while it runs a submission
    try {
      assert.equal((await bundleOf(result))["text/plain"], "1");
    } finally {
      delete process.env["NBGRADER_EXECUTION"];
    }
  });
});
