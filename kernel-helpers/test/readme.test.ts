import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { notebookText } from "./notebooks/written.js";
import { firstNotebook } from "./readme.js";

const repo = fileURLToPath(new URL("../../", import.meta.url));
const readme = readFileSync(join(repo, "README.md"), "utf8");

test("the README's first notebook runs and draws its chart", async () => {
  const directory = await mkdtemp(join(tmpdir(), "bpflab-readme-"));
  try {
    const cells = firstNotebook();
    assert.ok(cells.length >= 3);
    await writeFile(join(directory, "first.ipynb"), notebookText(cells));
    const { exitCode, stderr } = await execa(
      process.execPath,
      [join(repo, "kernel-helpers/setup/bpflab.mjs"), "report", join(directory, "first.ipynb"), "-o", directory],
      { reject: false },
    );
    assert.equal(exitCode, 0, stderr);
    assert.match(await readFile(join(directory, "first.html"), "utf8"), /Files opened by process/);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("what the README names is there: files, commands, pictures small enough", () => {
  const pictures = [...readme.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map((match) => match[1]!);
  assert.ok(pictures.length > 0);
  for (const picture of pictures) assert.ok(statSync(join(repo, picture)).size < 200_000, picture);
  const { scripts } = JSON.parse(readFileSync(join(repo, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  for (const [, name] of readme.matchAll(/`npm (?:run )?(\w+)/g)) assert.ok(name! in scripts, `npm run ${name}`);
  const shipped = readdirSync(join(repo, "notebooks")).filter((file) => file.endsWith(".ipynb"));
  for (const notebook of shipped)
    assert.ok(readme.includes(`\`${notebook.replace(".ipynb", "")}\``), `${notebook} in the README`);
});
