/** No circle of imports, those of types included, which the linter's import-x/no-cycle leaves out. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import ts from "typescript";

const source = fileURLToPath(new URL("../../src/", import.meta.url));
const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));

const imports = new Map(
  files.map((file) => {
    const { importedFiles } = ts.preProcessFile(readFileSync(join(source, file), "utf8"));
    const own = importedFiles.filter(({ fileName }) => fileName.startsWith("."));
    return [file, own.map(({ fileName }) => join(dirname(file), fileName).replace(/\.js$/, ".ts"))];
  }),
);

/** The first way from a file back to one that it came through. */
function circleFrom(file: string, done: Set<string>, way: readonly string[] = []): string[] | undefined {
  if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
  if (done.has(file)) return undefined;
  for (const one of imports.get(file) ?? []) {
    const circle = circleFrom(one, done, [...way, file]);
    if (circle) return circle;
  }
  done.add(file);
  return undefined;
}

test("no module imports itself by way of others, not even its types", () => {
  const done = new Set<string>();
  const circles = files.flatMap((file) => circleFrom(file, done) ?? []);
  assert.deepEqual(circles, []);
  assert.ok(done.size > 300, `only ${done.size} files below ${relative(process.cwd(), source)} were looked at`);
});
