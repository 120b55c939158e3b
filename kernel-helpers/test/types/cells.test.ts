/** The public types under the compiler that cells are compiled with, and its options for a directory without a project. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, test } from "node:test";
import ts from "typescript";
import { optionsFor } from "../../dist/jupyter/typescript/compiler-options.js";

const packageRoot = fileURLToPath(new URL("../../", import.meta.url));
const index = join(packageRoot, "dist/declarations/kernel-helpers.d.ts");

/** Compiles a cell's text and returns what the compiler says about it and about our own declarations. */
function complaints(cell: string): string[] {
  const file = join(packageRoot, "cell.ts"); // under no file, but where packages are found
  const options: ts.CompilerOptions = {
    ...optionsFor("/usr"),
    moduleDetection: ts.ModuleDetectionKind.Force,
    strict: true,
    skipLibCheck: false, // our own declarations are looked at too
    noEmit: true,
    paths: { "kernel-helpers": [index] },
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => name === file || fileExists(name);
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, cell, options.target!) : getSourceFile(name, ...rest);
  const program = ts.createProgram([file], options, host);
  const ours = program
    .getSourceFiles()
    .filter(({ fileName }) => fileName === file || fileName.startsWith(join(packageRoot, "dist/")));
  assert.ok(ours.length > 1, "the declarations were not found");
  return ours
    .flatMap((source) => [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)])
    .map(({ file: from, start, messageText }) => {
      const { line } = from!.getLineAndCharacterOfPosition(start!);
      return `${from === program.getSourceFile(file) ? "cell" : from!.fileName}:${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, " ").slice(0, 200)}`;
    });
}

describe("kernel-helpers in a cell", () => {
  test("its declarations and a notebook's first cells compile", () => {
    assert.deepEqual(
      complaints(`
        import { bpf, collect, charts, latency, net, aq, toDate, captureOf } from "kernel-helpers";
        const ringbuf = await bpf.load("ringbuf", { constants: { own_tgid: process.pid } });
        await ringbuf.attach();
        ringbuf.globals.watched_pid = 1;
        const writes = await collect(ringbuf.events("rb"), { seconds: 5 });
        const chart = charts.heatmap(writes, { x: "start_ns", y: "duration_ns" });
        const summary = latency.summary(writes, { by: "comm" });
        const slow: number = writes.filter((d: { duration_ns: number }) => d.duration_ns > 1e6).numRows();
        const when: string = toDate(writes.get("start_ns", 0) as number).toISOString();
        const lost: number | undefined = captureOf(writes)?.lost;
        const count = writes.rollup({ n: aq.op.count() });
        const mine = await bpf.load(await bpf.compile("", { name: "mine" }));
        bpf.tracePipe().subscribe((line) => console.log(line.comm, line.message));
        export { chart, summary, slow, when, lost, count, mine, net };`),
      [],
    );
  });

  test("wrong names are errors there too", () => {
    const said = complaints(`
      import { bpf, collect, charts } from "kernel-helpers";
      const ringbuf = await bpf.load("ringbuf");
      ringbuf.globals.threshold;
      ringbuf.events("ring");
      const writes = await collect(ringbuf.events("rb"), { seconds: 5 });
      charts.histogram(writes, { x: "latency_ns" });
      await bpf.load("ringbuff");
      export {};`);
    assert.deepEqual(
      said.map((line) => line.split(":").slice(0, 2).join(":")),
      ["cell:4", "cell:5", "cell:7", "cell:8"],
      said.join("\n"),
    );
  });
});
