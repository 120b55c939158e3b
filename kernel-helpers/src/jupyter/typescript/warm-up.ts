/** Runs while V8's snapshot is made: compiles cells such as notebooks begin with, and keeps what that has read and compiled. */
import { CellConverter } from "./converter.js";
import { keep, stampOf } from "./kept.js";
import { installedFacts } from "./package-paths.js";

const cells = [
  'import { aq, bpf, charts, collect, latency, net, op, probe, widgets, display } from "kernel-helpers";\nimport { interval } from "rxjs";\nimport { map, take } from "rxjs/operators";\nimport { readFileSync } from "node:fs";\nimport { spawn } from "node:child_process";',
  'const ringbuf = await bpf.load("ringbuf", { constants: { own_tgid: process.pid } });\nawait ringbuf.attach();\nlet rows = 0;\nfor (let i = 0; i < 3; i++) rows += i;',
  'const writes = await collect(ringbuf.events("rb"), { seconds: 1 });\ncharts.histogram(writes, { x: "duration_ns", by: "comm" })',
  "interface Point { x: number }\nclass Box<T> { constructor(readonly value: T) {} }\nfunction double(n: number): number { return n * 2; }\nconst [a, { b = 1 }] = [double(2), {} as { b?: number }];\nnew Box([a, b]).value.map((n) => n + rows)",
];

const converter = new CellConverter("/usr"); // where no project is
for (const cell of cells) {
  converter.service.refresh();
  const converted = converter.convert(cell);
  const [wrong] = converted.diagnostics;
  if (wrong) throw new Error(`A cell of the warm-up is wrong: ${String(wrong.messageText)}\n${cell}`);
  converter.commit(converted, () => true);
}
const made = converter.service.kept();
const own = [...made.files.keys()].filter((path) => !path.includes("/node_modules/"));
keep({ ...made, stamps: new Map([...own, ...installedFacts].map((path) => [path, stampOf(path)])) });
