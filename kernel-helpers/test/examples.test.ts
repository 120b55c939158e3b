/** Each function and class that a notebook can import has an example in its docstring, and each example runs. */
import assert from "node:assert/strict";
import { mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { firstValueFrom, map, pairwise, take, toArray } from "rxjs";
import ts from "typescript";
import * as api from "../dist/api/index.js";
import { native } from "../dist/base/native.js";
import { TestFleet } from "./fleet/fleet.js";

const { aq, bpf, collect, net, widgets } = api;
const index = fileURLToPath(new URL("../src/api/index.ts", import.meta.url));

/** What a module exports by value: its declarations by the names a notebook has for them. */
function exportsOf(file: string): Map<string, ts.Node> {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
  const found = new Map<string, ts.Node>();
  for (const statement of source.statements) {
    if (ts.isExportDeclaration(statement)) {
      const from = (statement.moduleSpecifier as ts.StringLiteral).text;
      if (statement.isTypeOnly || !from.startsWith(".")) continue;
      const there = exportsOf(resolve(dirname(file), from.replace(/\.js$/, ".ts")));
      const clause = statement.exportClause;
      const names = clause && ts.isNamedExports(clause) ? clause.elements.filter((one) => !one.isTypeOnly) : undefined;
      const prefix = clause && ts.isNamespaceExport(clause) ? `${clause.name.text}.` : "";
      for (const [name, node] of there)
        if (!names || names.some((one) => one.name.text === name)) found.set(prefix + name, node);
    } else if (ts.getCombinedModifierFlags(statement as never) & ts.ModifierFlags.Export) {
      const declared = ts.isVariableStatement(statement) ? statement.declarationList.declarations : [statement];
      for (const one of declared as { name?: ts.Identifier }[])
        if (!ts.isInterfaceDeclaration(statement) && !ts.isTypeAliasDeclaration(statement))
          if (!found.has(one.name!.text)) found.set(one.name!.text, one as unknown as ts.Node); // of overloads the first
    }
  }
  return found;
}

const examplesOf = (node: ts.Node): string[] =>
  ts
    .getJSDocTags(node)
    .filter(({ tagName }) => tagName.text === "example")
    .map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? "");

const exported = exportsOf(index);

test("each has one", () => {
  assert.ok(exported.size > 90, `only ${exported.size} exports were found`);
  const without = [...exported].filter(([, node]) => examplesOf(node).length === 0).map(([name]) => name);
  assert.deepEqual(without, []);
});

const AsyncFunction = (async () => {}).constructor as new (
  ...args: string[]
) => (...values: unknown[]) => Promise<void>;
const quiet = { ...console, log() {}, error() {} };
const sink = openSync("/dev/null", "w");
const workload = () => execa("dd", ["if=/dev/zero", "of=/dev/null", "bs=1", "count=2000"]);

describe("each runs:", () => {
  const directory = mkdtempSync(join(tmpdir(), "bpflab-examples-"));
  const mount = native.fsmount("bpf"); // under no path, and gone with this process
  const bpffs = () => native.fsmount_path(mount);
  let fleet: TestFleet | undefined;
  const trials: api.Trial[] = [];
  let lab: api.net.Playground;
  let tables: Record<string, unknown>;

  /** Objects that run, once more those that an example has closed. */
  let running: Record<string, api.BpfObject<any>> = {};
  async function objects(): Promise<typeof running> {
    if (Object.keys(running).length > 0 && !Object.values(running).some((object) => object.closed)) return running;
    const load = async <Name extends keyof api.ShippedPrograms>(name: Name) => bpf.load(name);
    const [ringbuf, stats, filter, hashmap, sampler] = await Promise.all([
      load("ringbuf"),
      load("stats"),
      load("tc_icmp_filter"),
      load("hashmap"),
      load("profile"),
    ]);
    await Promise.all([ringbuf.attach(), stats.attach(), filter.attach({ interface: lab.interface })]);
    return (running = { ringbuf, stats, filter, hashmap, sampler });
  }

  /** The names that examples have without saying where from. */
  async function world(): Promise<Record<string, unknown>> {
    const source = "#include <linux/types.h>\nint NAME(void) { return 0; }\n";
    return {
      ...api,
      ...tables,
      ...(await objects()),
      lab,
      tryFleet: async (options?: Parameters<typeof api.tryFleet>[0]) => {
        const trial = await api.tryFleet(options);
        trials.push(trial);
        return trial;
      },
      ...{ firstValueFrom, map, pairwise, take, toArray, execa: workload, console: quiet },
      writeFile: (name: string, text: string) => writeFile(join(directory, name), text),
      mine: await bpf.compile('char LICENSE[] __attribute__((section("license"), used)) = "GPL";', { name: "mine" }),
      a: source.replace("NAME", "a"),
      b: source.replace("NAME", "b"),
      slider: new widgets.IntSlider({ min: 1, max: 500 }),
      toggle: new widgets.ToggleButton(),
      button: new widgets.Button(),
    };
  }

  before(async () => {
    lab = await net.playground({ peers: 2 });
    fleet = await TestFleet.start(["web-1"]);
    const ringbuf = await bpf.load("ringbuf");
    await ringbuf.attach();
    const writes = await collect(ringbuf.events("rb"), { until: workload });
    const series = { time_ns: [0, 1e9, 2e9], comm: ["a", "a", "a"], writes: [1, 2, 3], requests: [4, 5, 6] };
    tables = {
      ...{ writes, monday: writes, tuesday: writes, before: writes, after: writes },
      polls: aq.table(series),
      rates: aq.table({ ...series, source: series.comm }),
      intervals: aq.table({
        time_ns: [0, 1e9],
        histogram: [
          [0, 1, 2],
          [0, 3],
        ],
      }),
      stacks: aq.table({ stack: ["main;read", "main;write"], count: [1, 2], before: [1, 2], after: [2, 1] }),
    };
    const { elf } = await bpf.compile('char LICENSE[] __attribute__((section("license"), used)) = "GPL";', {
      name: "tool",
    });
    await writeFile(join(directory, "tool.bpf.o"), elf);
    await writeFile(join(directory, "notes.txt"), "no table");
    await api.capture.save(writes, join(directory, "writes.parquet"));
    const kept = join(directory, "kept/ringbuf.rb/host=web-1/hour=2026-11-26T03");
    await mkdir(kept, { recursive: true });
    await api.capture.save(writes, join(kept, "1.parquet"));
    (await bpf.load("stats")).maps.stats_map.pin(join(bpffs(), "flows"));
  });
  after(async () => {
    for (const trial of trials) await trial.close();
    await fleet?.end();
    bpf.closeAll();
    lab?.close();
    rmSync(directory, { recursive: true });
  });

  /** As it stands, but short, and with paths and hosts of the test's own. */
  const here = (code: string) =>
    code
      .replace(/seconds: \d+/g, "seconds: 0.2")
      .replace(/count: \d{2,}/g, "count: 3")
      .replaceAll("/sys/fs/bpf/", `${bpffs()}/`)
      .replaceAll('"kept/', `"${directory}/kept/`)
      .replace(/"(\w[\w-]*\.(?:parquet|txt|bpf\.o))"/g, (_, name: string) => JSON.stringify(join(directory, name)))
      .replace(/connectFleet\(.*?\)/, `connectFleet("${fleet!.url}", { creds: "${fleet!.creds}" })`)
      // What stands behind an expression as a comment, and is a value, is its value.
      .replace(/^(\S.*?);? {2}\/\/ (".*"|\d+|true|\{ \w+: .*\})$/gm, "assert.deepEqual($1, $2);");

  // The last one ends what the others use.
  const all = [...exported].sort(([a], [b]) => Number(a === "bpf.closeAll") - Number(b === "bpf.closeAll"));
  for (const [name, node] of all)
    for (const code of examplesOf(node))
      test(name, async () => {
        const names = { ...(await world()), assert };
        const begun = name === "bpf.tracePipe" ? setInterval(() => writeSync(sink, "x"), 10) : undefined;
        const { outputText } = ts.transpileModule(`{${here(code)}\n}`, {
          compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
        });
        await new AsyncFunction(...Object.keys(names), outputText)(...Object.values(names));
        clearInterval(begun);
      });
});
