import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

export const bpflab = fileURLToPath(new URL("../../setup/bpflab.mjs", import.meta.url));

/** Of this test file alone; there before its first test, and gone after its last. */
export let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "bpflab-report-test-"));
});
after(() => rm(directory, { recursive: true }));

/** Writes a notebook with these code cells after a heading; the tags are the first cell's. */
export async function notebook(name: string, cells: string[], kernel = "bpflab", tags: string[] = []): Promise<string> {
  const file = join(directory, name);
  const code = cells.map((source, i) => ({
    cell_type: "code",
    metadata: i === 0 ? { tags } : {},
    execution_count: null,
    outputs: [],
    source,
  }));
  const content = {
    cells: [
      { cell_type: "markdown", metadata: {}, source: `# About ${name}\n\nSee [the docs](https://docs.example/).` },
      ...code,
    ],
    metadata: { kernelspec: { name: kernel, display_name: kernel, language: "typescript" } },
    nbformat: 4,
    nbformat_minor: 5,
  };
  await writeFile(file, JSON.stringify(content));
  return file;
}

/** `bpflab report` with these arguments. */
export const report = (...args: string[]) => execa(process.execPath, [bpflab, "report", ...args], { reject: false });
