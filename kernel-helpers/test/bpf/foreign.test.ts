import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { after, before, describe, test } from "node:test";
import { execa } from "execa";
import { ArgumentError, bpf, ClosedError, displaySymbol, type BpfObject } from "../../dist/api/index.js";
import { childrenUntil } from "../workload/children.js";
import { idsOf, openDescriptors } from "../workload/kernel-state.js";
import { until } from "../workload/until.js";
import { loadMaps } from "./maps.js";

type Row = Record<string, any>;

/** bpftool's list; tried again when it fails, as it does at a link that somebody is making at this moment. */
async function bpftool(kind: "prog" | "map" | "link"): Promise<Row[]> {
  for (let tries = 1; ; tries++) {
    const { stdout, failed } = await execa("bpftool", ["-j", kind, "show"], { reject: tries === 50 });
    if (!failed) return JSON.parse(stdout) as Row[];
  }
}

const rowsOf = (table: { objects(): object[] }) => table.objects() as Row[];

describe("what another process has loaded", () => {
  const owned = childrenUntil(after);
  let owner: ChildProcess;
  let pid: number;
  let maps: Row[];
  const idOf = (name: string) => maps.find((map) => map["name"] === name)!["id"] as number;
  const programId = () => [...idsOf("prog_id", pid)][0]!;

  before(async () => {
    const script = fileURLToPath(new URL("foreign-owner.js", import.meta.url));
    owner = owned(spawn(process.execPath, [script], { stdio: ["pipe", "pipe", "inherit"] }));
    pid = owner.pid!;
    const said: unknown[] = await Promise.race([once(owner.stdout!, "data"), once(owner, "exit")]);
    assert.equal(String(said[0]), "ready\n");
    const ids = idsOf("map_id", pid);
    maps = (await bpftool("map")).filter(({ id }) => ids.has(id as number));
  });

  test("a map by its id: keys and values by the kernel's BTF, exact, as a table too", () => {
    using flows = bpf.map(idOf("flows"));
    assert.deepEqual([flows.name, flows.type, flows.maxEntries, flows.writable], ["flows", "hash", 8, false]);
    assert.deepEqual(
      flows.entries().sort(([a], [b]) => a.pid - b.pid),
      [
        [
          { pid: 1, port: 80 },
          { bytes: 2n ** 60n + 1n, comm: "init" },
        ],
        [
          { pid: 2, port: 443 },
          { bytes: 5, comm: "" },
        ],
      ],
    );
    const table = flows.table({ bigint: ["bytes"] }).orderby("pid");
    assert.deepEqual(rowsOf(table), [
      { pid: 1, port: 80, bytes: 2n ** 60n + 1n, comm: "init" },
      { pid: 2, port: 443, bytes: 5n, comm: "" },
    ]);
  });

  test("a per-CPU map has a value for each CPU; without types it is bytes; globals are a struct", () => {
    using perCpu = bpf.map(idOf("per_cpu"));
    assert.deepEqual(
      perCpu.get(1),
      Array.from({ length: perCpu.cpus }, (_, cpu) => cpu + 1),
    );
    using untyped = bpf.map(idOf("untyped"));
    assert.equal(untyped.keyLayout?.kind, "bytes");
    using data = bpf.map(idOf("foreign_.data"));
    assert.deepEqual(data.get(0), { answer: 42, other: 7 });
  });

  test("it is read-only unless asked, and says how to ask", () => {
    const id = idOf("flows");
    using flows = bpf.map(id);
    const key = { pid: 3, port: 1 };
    for (const change of [
      () => flows.set(key, { bytes: 1 }),
      () => flows.setAll([[key, { bytes: 1 }]]),
      () => flows.delete({ pid: 1, port: 80 }),
      () => flows.clear(),
    ])
      assert.throws(change, (e: Error) => {
        assert.ok(e instanceof ArgumentError);
        assert.match(e.message, /may not change the map bpf\.map\(\d+\)\.flows: it is open for reading only\./);
        assert.match(e.message, new RegExp(`open it with bpf\\.map\\(${id}, \\{ writable: true \\}\\)`));
        return true;
      });
    assert.equal(flows.entries().length, 2);
    using writable = bpf.map(id, { writable: true });
    writable.set(key, { bytes: 9, comm: "new" });
    assert.deepEqual(flows.get(key), { bytes: 9, comm: "new" });
    assert.equal(writable.delete(key), true);
    assert.equal(flows.get(key), undefined);
  });

  test("a map that is frozen cannot be changed, asked or not", () => {
    using rodata = bpf.map(idOf("foreign_.rodata"), { writable: true });
    assert.throws(() => rodata.clear(), {
      name: "ArgumentError",
      message: /may only read it, as with any frozen map/,
    });
  });

  test("a program by its id, with its whole name and its maps", async () => {
    using program = bpf.program(programId());
    assert.equal(program.name, "a_name_longer_than_the_kernel_keeps");
    const shown = (await bpftool("prog")).find(({ id }) => id === program.id)!;
    assert.deepEqual([program.tag, program.uid], [shown["tag"], shown["uid"]]);
    assert.deepEqual([...program.mapIds].sort(), [...(shown["map_ids"] as number[])].sort());
    const used = program.maps();
    assert.ok(used.some(({ name }) => name === "flows"));
    for (const map of used) map.close();
    assert.ok(program.stats().runs >= 0);
  });

  test("the lists have what bpftool lists, with who holds it", async () => {
    const kinds = ["prog", "map", "link"] as const;
    const lists = async () => Promise.all(kinds.map(bpftool));
    const first = await lists();
    const { programs, maps: mapTable, links } = bpf.list();
    const second = await lists();
    for (const [i, table] of [programs, mapTable, links].entries()) {
      const rows = new Map(rowsOf(table).map((row) => [row["id"] as number, row]));
      // What was there before and after has to be there; others come and go.
      const stayed = first[i]!.filter(({ id }) => second[i]!.some((row) => row["id"] === id));
      assert.ok(stayed.length > 0);
      for (const shown of stayed) {
        const row = rows.get(shown["id"] as number)!;
        assert.ok(row, `${kinds[i]} ${shown["id"]}`);
        if (i === 0) assert.deepEqual([row["tag"], row["uid"]], [shown["tag"], shown["uid"]]);
        if (i === 0) assert.ok(Math.abs(Number(row["loaded_at"]) / 1000 - shown["loaded_at"]) < 5);
        if (i === 1)
          assert.deepEqual(
            [row["name"], row["key_size"], row["value_size"], row["max_entries"], row["flags"]],
            [shown["name"] ?? "", shown["bytes_key"], shown["bytes_value"], shown["max_entries"], shown["flags"]],
          );
        if (i === 2) assert.equal(row["program_id"], shown["prog_id"]);
      }
    }
    const ours = (table: { objects(): object[] }) =>
      rowsOf(table).filter((row) => String(row["pids"]).split(", ").includes(String(pid)));
    assert.deepEqual(
      ours(mapTable).map(({ id }) => id as number),
      [...idsOf("map_id", pid)].sort((a, b) => a - b),
    );
    assert.deepEqual(
      ours(programs).map(({ name }) => name as string),
      ["a_name_longer_than_the_kernel_keeps"],
    );
    const [link] = ours(links);
    assert.deepEqual([link!["type"], link!["target"]], ["raw_tracepoint", "sched_process_exit"]);
    assert.equal(link!["held_by"], ours(programs)[0]!["held_by"]);
  });

  test("an id that is not there, and what is no id", () => {
    for (const [open, kind] of [
      [bpf.map, "map"],
      [bpf.program, "program"],
    ] as const) {
      assert.throws(() => open(4_000_000_000), {
        name: "ArgumentError",
        message: `There is no ${kind} with the id 4000000000.\nbpf.list().${kind}s lists those that exist.`,
      });
      for (const id of [0, -1, 1.5, "7", undefined])
        assert.throws(() => open(id as number), { name: "ArgumentError", message: /^id: expected an integer from 1/ });
    }
    assert.throws(() => bpf.map(1, { write: true } as object), { message: /map takes no option "write"/ });
  });

  test("handles close, and leave no descriptor behind", () => {
    bpf.list();
    const before = openDescriptors();
    for (let i = 0; i < 20; i++) {
      bpf.map(idOf("flows")).close();
      bpf.program(programId()).close();
      bpf.list();
    }
    assert.equal(openDescriptors(), before);
    const map = bpf.map(idOf("flows"));
    map.close();
    map.close();
    assert.throws(() => map.entries(), ClosedError);
    const program = bpf.program(programId());
    program.close();
    program.close();
    assert.throws(() => program.stats(), ClosedError);
  });
});

describe("what is pinned", () => {
  let directory: string;
  let object: BpfObject;
  let mounted = false;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "bpffs-"));
    await execa("mount", ["-t", "bpf", "bpf", directory]);
    mounted = true;
    object = await loadMaps("pinned_maps");
  });
  after(async () => {
    bpf.closeAll();
    if (mounted) await execa("umount", [directory]);
    rmdirSync(directory);
  });

  test("a map stays with what it holds after its object is closed, and is opened by its path", async () => {
    const path = join(directory, "tiny");
    const mine = await loadMaps("pinned_for_later");
    mine.maps["tiny"]!.set(1, 100);
    mine.maps["tiny"]!.pin(path);
    mine.programs["nothing"]!.pin(join(directory, "nothing"));
    assert.match(inspect(mine), /Pinned, and left behind on purpose:\n.*nothing +program nothing\n.*tiny +map tiny/);
    assert.match(String(mine[displaySymbol]()["text/html"]), /left behind on purpose/);
    mine.close();

    const entry = fileURLToPath(new URL("../../setup/bpflab.mjs", import.meta.url));
    await execa(process.execPath, [entry, "clean"]);
    using tiny = bpf.pinned(path) as bpf.ForeignMap;
    assert.ok(tiny instanceof bpf.ForeignMap);
    assert.deepEqual(tiny.entries(), [[1, 100]]);
    assert.throws(() => tiny.set(1, 2), { message: /open it with bpf\.pinned\(".*tiny", \{ writable: true \}\)/ });
    using writable = bpf.pinned(path, { writable: true }) as bpf.ForeignMap;
    writable.set(1, 101);
    assert.equal(tiny.get(1), 101);
    using program = bpf.pinned(join(directory, "nothing")) as bpf.ForeignProgram;
    assert.equal(program.name, "nothing");

    const { maps, programs } = bpf.list();
    assert.equal(rowsOf(maps).find(({ id }) => id === tiny.id)!["pinned"], path);
    assert.equal(rowsOf(programs).find(({ id }) => id === program.id)!["pinned"], join(directory, "nothing"));
    const { stdout } = await execa("bpftool", ["-j", "map", "show", "pinned", path]);
    assert.equal((JSON.parse(stdout) as Row)["id"], tiny.id);

    tiny.unpin();
    program.unpin(join(directory, "nothing"));
    assert.deepEqual([existsSync(path), existsSync(join(directory, "nothing"))], [false, false]);
    assert.deepEqual([tiny.pinned, program.pinned], [[], []]);
  });

  test("a program stays attached by its pinned link, which is opened by path and by id", async () => {
    const path = join(directory, "own_link");
    const text =
      'char LICENSE[] SEC("license") = "GPL"; SEC("raw_tp/sched_process_exit") int at_exit(void *c) { return 0; } SEC("perf_event") int sample(void *c) { return 0; }';
    const mine = await bpf.load(await bpf.compile(`#include "bpflab.h"\n${text}\n`, { name: "own_link" }));
    const { at_exit, sample } = mine.programs;
    assert.throws(
      () => at_exit!.pinLink(path),
      /at_exit is not attached: there is no link to pin\.\nAttach it first\./,
    );
    await at_exit!.attach();
    at_exit!.pinLink(path);
    await sample!.attach({ frequency: 1 });
    assert.throws(() => sample!.pinLink(path), /sample is attached by \d+ links .*, and one path holds one\./);
    assert.deepEqual(at_exit!.pinnedLinks, [path]);
    assert.match(inspect(mine), /own_link +link of program at_exit/);
    const { id: programId } = at_exit!;
    mine.close();
    const link = bpf.pinned(path) as bpf.ForeignLink;
    assert.equal(link.programId, programId);
    using same = bpf.link(link.id);
    assert.deepEqual([same.id, same.target], [link.id, "sched_process_exit"]);
    assert.throws(() => bpf.link(2 ** 31), /There is no link with the id 2147483648\./);
    assert.throws(() => bpf.link("7" as never, undefined as never), /expected the id of a link, or compiled programs/);
    link.unpin();
    link.close();
    same.close();
    assert.equal(existsSync(path), false);
    await until("it is detached", () => !idsOf("link_id").has(link.id));
  });

  test("a link that bpftool has pinned keeps its program attached, and is opened by its path", async () => {
    const path = join(directory, "link");
    const before = idsOf("link_id");
    const text =
      'char LICENSE[] SEC("license") = "GPL"; SEC("raw_tp/sched_process_exit") int at_exit(void *c) { return 0; }';
    const mine = await bpf.load(await bpf.compile(`#include "bpflab.h"\n${text}\n`, { name: "pinned_link" }));
    await mine.attach();
    const { id: programId } = mine.programs["at_exit"]!;
    const [id] = [...idsOf("link_id")].filter((one) => !before.has(one));
    await execa("bpftool", ["link", "pin", "id", String(id), path]);
    mine.close();
    await until("the path alone holds it", () => !idsOf("link_id").has(id!));
    using link = bpf.pinned(path) as bpf.ForeignLink;
    assert.deepEqual(
      [link.id, link.type, link.target, link.programId],
      [id, "raw_tracepoint", "sched_process_exit", programId],
    );
    assert.equal(rowsOf(bpf.list().links).find((row) => row["id"] === id)!["pinned"], path);
    link.unpin();
    assert.equal(existsSync(path), false);
  });

  test("unpin takes away what this handle has pinned, and nothing else", () => {
    const map = object.maps["lru"]!;
    const [one, two] = [join(directory, "one"), join(directory, "two")];
    map.pin(one).pin(two);
    assert.deepEqual(map.pinned, [one, two]);
    assert.throws(() => object.maps["tiny"]!.unpin(one), { name: "ArgumentError", message: /has pinned nothing at/ });
    map.unpin(one);
    assert.deepEqual([existsSync(one), map.pinned], [false, [two]]);
    map.unpin();
    assert.deepEqual(map.pinned, []);
    assert.doesNotMatch(inspect(object), /left behind/);
  });

  test("paths that are none: what is pinned where nothing is, what to mount, what is in the way", () => {
    const map = object.maps["lru"]!;
    const path = join(directory, "there");
    map.pin(path);
    mkdirSync(join(directory, "sub"));
    const plain = mkdtempSync(join(tmpdir(), "no-bpffs-"));
    const refused = (act: () => unknown, message: RegExp) =>
      assert.throws(act, (e: Error) => e instanceof ArgumentError && message.test(e.message), String(message));
    try {
      refused(() => bpf.pinned(join(directory, "ther")), /Nothing is pinned at .*ther\.\nPinned in .*: .*there\./);
      refused(() => bpf.pinned(join(directory, "sub")), /sub is a directory\.\nNothing is pinned in .*sub\./);
      refused(() => bpf.pinned(join(plain, "x")), /is not on a bpffs\.\nBPF objects are pinned below /);
      refused(() => bpf.pinned(join(directory, "no", "x")), /the directory .*no does not exist/);
      refused(() => bpf.pinned(7 as never), /path: expected a path on a bpffs, got 7/);
      refused(() => map.pin(path), /there already exists/);
      refused(() => map.pin(join(plain, "x")), /is not on a bpffs/);
      refused(() => map.pin(join(directory, "no", "x")), /the directory .*no does not exist/);
      refused(() => map.pin(join(directory, "a.b")), /"a\.b" contains a dot/);
      writeFileSync(join(plain, "file"), "");
      refused(() => bpf.pinned(join(plain, "file", "x")), /is not/);
    } finally {
      map.unpin();
      rmdirSync(join(directory, "sub"));
      rmSync(plain, { recursive: true });
    }
  });
});
