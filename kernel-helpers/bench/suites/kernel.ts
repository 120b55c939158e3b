import { mkdir, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { installKernelspec } from "../../dist/jupyter/kernelspec.js";
import { figure, type Figures, type Medians, type Suite, type Way } from "../suite.js";

const OURS = "bpflab";
const TSLAB = "tslab";
const IPYKERNEL = "ipykernel";
const CELLS = 50;
const EVENTS = 1_000_000;

/** Debian's Python has jupyter_client; another one on PATH may not. */
const PYTHON = "/usr/bin/python3";
const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

/** A kernel beside ours. */
interface Kernel {
  name: string;
  language: string;
  argv: string[];
  /** What its first cell imports: what there is of its own to import. */
  imports: string;
  /** Whether it is on this machine. */
  isThere(): Promise<boolean>;
}

const runs = async (file: string, ...args: string[]) =>
  (await execa(file, args, { reject: false, stdio: "ignore" })).exitCode === 0;

const peers: Kernel[] = [
  {
    name: TSLAB,
    language: "typescript",
    argv: [
      process.execPath,
      createRequire(import.meta.url).resolve("tslab/bin/tslab"),
      "kernel",
      "--config-path={connection_file}",
    ],
    imports: 'import * as aq from "arquero"; import * as rxjs from "rxjs"; import * as vegaLite from "vega-lite";',
    isThere: async () => true,
  },
  {
    name: IPYKERNEL,
    language: "python",
    argv: [PYTHON, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
    imports: "import json, statistics",
    isThere: () => runs(PYTHON, "-c", "import ipykernel"),
  },
  {
    name: "deno",
    language: "typescript",
    argv: ["deno", "jupyter", "--kernel", "--conn", "{connection_file}"],
    imports: 'import * as path from "node:path";',
    isThere: () => runs("deno", "--version"),
  },
];

/** A notebook that makes a table and draws it three times; `show` is how the kernel's users have to say that they want to see it. */
function notebook(kernel: string, imports: string, show: (what: string, how: "toHTML" | "toSVG") => string): string {
  const cells = [
    `import { aq, charts, latency } from "kernel-helpers";${imports}`,
    `const columns = { start_ns: new Float64Array(${EVENTS}), duration_ns: new Float64Array(${EVENTS}), comm: Array.from({ length: ${EVENTS} }, (_, i) => "worker-" + (i % 8)) };
for (let i = 0; i < ${EVENTS}; i++) {
  columns.start_ns[i] = i * 1000;
  columns.duration_ns[i] = Math.round(500 * Math.exp(3 * Math.abs(Math.sin(i * i))));
}
const events = aq.table(columns);`,
    show('latency.summary(events, { by: "comm" })', "toHTML"),
    show('charts.histogram(events, { x: "duration_ns", by: "comm" })', "toSVG"),
    show("charts.heatmap(events)", "toSVG"),
    show('charts.timeline(events, { by: "comm" })', "toSVG"),
  ];
  return JSON.stringify({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: kernel, display_name: kernel, language: "typescript" } },
    cells: cells.map((source, i) => ({
      id: `cell-${i}`,
      cell_type: "code",
      source,
      metadata: {},
      outputs: [],
      execution_count: null,
    })),
  });
}

async function seconds(command: string, args: string[], env: Record<string, string>): Promise<number> {
  const begun = performance.now();
  await execa(command, args, { env });
  return (performance.now() - begun) / 1000;
}

const ours = (name: string) => (medians: Medians) => figure(medians, OURS, name);
const beside = (peer: string, name: string) => (medians: Medians) =>
  figure(medians, OURS, name) / figure(medians, peer, name);

/** How long a notebook's user waits. */
export const kernel: Suite = {
  name: "kernel",
  title: `a kernel's start up to its first kernel_info_reply, its first cell, which imports, ${CELLS} cells such as 1+1, and a report of ${EVENTS / 1e6} million events in three charts`,
  rounds: 3,
  async prepare(scratch) {
    const env = {
      JUPYTER_PATH: join(scratch, "share/jupyter"),
      JUPYTER_CONFIG_DIR: join(scratch, "config"),
      JUPYTER_RUNTIME_DIR: join(scratch, "runtime"),
      IPYTHONDIR: join(scratch, "ipython"),
      PYTHONDONTWRITEBYTECODE: "1",
    };
    installKernelspec(scratch);
    const there = [];
    for (const peer of peers) if (await peer.isThere()) there.push(peer);
    for (const { name, argv, language } of there) {
      const directory = join(env.JUPYTER_PATH, "kernels", name);
      await mkdir(directory, { recursive: true });
      await writeFile(join(directory, "kernel.json"), JSON.stringify({ argv, language, display_name: name }));
    }
    await symlink(path("../node_modules"), join(scratch, "node_modules")); // where tslab finds packages
    const source = (name: string) => join(scratch, `${name}.ipynb`);
    await writeFile(
      source(OURS),
      notebook("bpflab", "", (what) => what),
    );
    await writeFile(
      source(TSLAB),
      notebook(
        "tslab",
        ' import * as tslab from "tslab";',
        (what, how) => `tslab.display.html(${how === "toSVG" ? `await ${what}` : `(${what} as any)`}.${how}());`,
      ),
    );

    const timed = async (name: string, imports: string): Promise<Figures> => {
      const { stdout } = await execa(PYTHON, [path("bench/kernel-client.py"), name, scratch, imports, String(CELLS)], {
        env,
      });
      const [start_ms, first_cell_ms, one_plus_one_ms, memory_MB] = stdout.trim().split(" ").map(Number) as [
        number,
        number,
        number,
        number,
      ];
      return { start_ms, first_cell_ms, one_plus_one_ms, memory_MB };
    };
    const reports: Record<string, () => Promise<number>> = {
      [OURS]: () =>
        seconds(
          process.execPath,
          [path("setup/bpflab.mjs"), "report", source(OURS), "-o", join(scratch, "ours.html")],
          env,
        ),
      [TSLAB]: () => seconds(PYTHON, ["-m", "nbconvert", "--execute", "--to=html", source(TSLAB)], env),
    };
    const way = (name: string, imports: string): Way => ({
      name,
      async run() {
        const report = reports[name];
        return { ...(await timed(name, imports)), ...(report ? { report_s: await report() } : {}) };
      },
    });
    return {
      ways: [
        way(OURS, 'import { aq, bpf, charts, collect, latency, net } from "kernel-helpers";'),
        ...there.map(({ name, imports }) => way(name, imports)),
      ],
    };
  },
  goals: [
    { text: "start, ms", of: ours("start_ms"), atMost: 1000 },
    { text: "1+1 with everything imported, ms", of: ours("one_plus_one_ms"), atMost: 10 },
    { text: "first cell, × tslab's", of: beside(TSLAB, "first_cell_ms"), atMost: 0.5 },
    { text: "memory, × tslab's", of: beside(TSLAB, "memory_MB"), atMost: 1 },
    { text: "report of a million events, × tslab's", of: beside(TSLAB, "report_s"), atMost: 0.7 },
    { text: "start, × ipykernel's", of: beside(IPYKERNEL, "start_ms"), atMost: 0.5 },
    { text: "1+1, × ipykernel's", of: beside(IPYKERNEL, "one_plus_one_ms"), atMost: 1 },
  ],
};
