import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { installKernelspec } from "../../dist/jupyter/kernelspec.js";

const notebooks = fileURLToPath(new URL("../../../notebooks/", import.meta.url));

interface Cell {
  source: string;
  outputs: { output_type: string; text?: string; data?: Record<string, unknown> }[];
}

/** A notebook after its run. */
export class Executed {
  constructor(private readonly cells: readonly Cell[]) {}

  /** The code cell that holds a text. */
  private cell(holding: string): Cell {
    const found = this.cells.filter(({ source }) => source.includes(holding));
    assert.equal(found.length, 1, `${found.length} cells hold ${holding}`);
    return found[0]!;
  }

  /** What the cell that holds a text shows, as text. */
  text(holding: string): string {
    return this.cell(holding).outputs.map(({ text, data }) => text ?? String(data?.["text/plain"] ?? "")).join("\n");
  }

  /** The rows of the table that the cell shows last, cell by cell; without its head and its caption. */
  rows(holding: string): string[][] {
    const table = String(this.cell(holding).outputs.at(-1)!.data!["text/plain"]).trim().split("\n");
    return table.filter((line) => !line.startsWith("Incomplete")).slice(1, -1).map((line) => line.trim().split(/ {2,}/));
  }

  /** The chart that the cell shows, as JSON: beside it there is a picture for pages without scripts. */
  chart(holding: string): string {
    const { data } = this.cell(holding).outputs.find(({ data: one }) => one?.["application/vnd.vegalite.v5+json"])!;
    assert.match(String(data!["image/svg+xml"]), /^<svg/);
    return JSON.stringify(data!["application/vnd.vegalite.v5+json"]);
  }
}

/** Runs a notebook of ours from top to bottom, as nbconvert does, in a directory of its own. Fails if a cell does. */
export async function execute(name: string): Promise<Executed> {
  const directory = await mkdtemp(join(tmpdir(), "bpflab-notebook-"));
  try {
    installKernelspec(directory);
    await cp(join(notebooks, name), join(directory, name));
    const env = {
      JUPYTER_PATH: join(directory, "share/jupyter"),
      JUPYTER_CONFIG_DIR: join(directory, "config"),
      JUPYTER_RUNTIME_DIR: join(directory, "runtime"),
      IPYTHONDIR: join(directory, "ipython"),
      PYTHONDONTWRITEBYTECODE: "1",
    };
    const { exitCode, all } = await execa("/usr/bin/python3", ["-m", "nbconvert", "--to", "notebook", "--execute", "--output", "out.ipynb", name], { cwd: directory, env, reject: false, all: true });
    assert.equal(exitCode, 0, all);
    const { cells } = JSON.parse(await readFile(join(directory, "out.ipynb"), "utf8")) as { cells: (Omit<Cell, "source"> & { cell_type: string; source: string | string[] })[] };
    const joined = (text: unknown) => (Array.isArray(text) ? text.join("") : text);
    const code = cells.filter(({ cell_type }) => cell_type === "code");
    return new Executed(code.map(({ source, outputs }) => ({
      source: joined(source) as string,
      outputs: outputs.map(({ output_type, text, data = {} }) => ({
        output_type,
        ...(text === undefined ? {} : { text: joined(text) as string }),
        data: Object.fromEntries(Object.entries(data).map(([type, value]) => [type, joined(value)])),
      })),
    })));
  } finally {
    await rm(directory, { recursive: true });
  }
}
